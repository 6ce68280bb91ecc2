"""Masks and networks from files that somebody else wrote: sizes are checked before allocation."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from relu_optima.errors import DataError
from relu_optima.npz import NpzError, read_npy, read_npz
from relu_optima.patterns.masks import MAX_CELLS, MAX_SIDE, check_masks

MAX_TEXT_BYTES = 100_000_000  # json and csv; larger masks belong in npz
MAX_BYTES = 8 * MAX_CELLS
ARRAYS = ".npz, .npy, .json, .csv"
STATE_DICTS = ".pt, .pth, .bin, .safetensors"


def read_masks(paths: Sequence[Path], where: str = "file") -> list[np.ndarray]:
    """Read the masks of a network, first layer first.

    Parameters
    ----------
    paths : sequence of Path
        One file with all layers (npz in order of names ``arr_0, arr_1, ...`` or as stored, json
        with a list of matrices, a torch or safetensors state dict), or one file per layer (npy,
        csv, json with one matrix). In a state dict the nonzero entries of every two-dimensional
        tensor are the mask; elsewhere only 0 and 1 are legal.
    where : str, optional
        Config key or option to name in an error.

    Returns
    -------
    list of array of uint8, shape (n_out, n_in)
        Validated masks.

    Raises
    ------
    DataError
        If a file is missing, truncated, not one of these formats, too large, needs a pickle that
        is not a plain state dict, or does not hold masks that chain.
    """
    layers: list[np.ndarray] = []
    for path in paths:
        place = f"{where}: {path.name}"
        try:
            layers += _read(path, place)
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror or error}", where=place) from error
    return check_masks(layers, where)


def _read(path: Path, where: str) -> list[np.ndarray]:
    size = path.stat().st_size
    suffix = path.suffix.lower()
    if not path.is_file():
        # a pipe or a device would never end
        what = "a folder" if path.is_dir() else "no regular file"
        raise DataError(f"it is {what}", where=where, allowed=f"{ARRAYS}, {STATE_DICTS}")
    if size > (MAX_TEXT_BYTES if suffix in (".json", ".csv") else MAX_BYTES):
        raise DataError(f"it has {size} bytes", where=where, fix="store the masks as uint8 npz")
    if suffix == ".npz":
        return _read_npz(path, where)
    if suffix == ".npy":
        return _read_npy(path, where)
    if suffix == ".json":
        return _read_json(path, where)
    if suffix == ".csv":
        return [_read_csv(path, where)]
    if suffix in (".pt", ".pth", ".bin"):
        return _read_torch(path, where)
    if suffix == ".safetensors":
        return _read_safetensors(path, where)
    raise DataError(f"its ending is {suffix!r}", where=where, allowed=f"{ARRAYS}, {STATE_DICTS}")


def _read_npy(path: Path, where: str) -> list[np.ndarray]:
    try:
        with path.open("rb") as stream:
            arrays = [read_npy(stream, MAX_BYTES)]
    except NpzError as error:
        raise DataError(str(error), where=where) from error
    return arrays


def _read_npz(path: Path, where: str) -> list[np.ndarray]:
    try:
        arrays = read_npz(path, MAX_BYTES)
    except NpzError as error:
        raise DataError(str(error), where=where) from error
    names = list(arrays)
    if all(re.fullmatch(r"arr_\d+", name) for name in names):
        names = sorted(names, key=_natural)
    return [arrays[name] for name in names]


def _check_size(shape: Iterable[int], where: str) -> None:
    sides = tuple(int(side) for side in shape)
    cells = 1
    for side in sides:
        cells *= max(side, 0)
    if len(sides) > 4 or any(s < 0 or s > MAX_SIDE for s in sides) or cells > MAX_CELLS:
        raise DataError(
            f"an array has shape {sides}",
            where=where,
            allowed=f"sides <= {MAX_SIDE}, at most {MAX_CELLS} cells",
        )


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key that puts ``layer2`` before ``layer10``."""
    return [(int(t), "") if t.isdigit() else (-1, t) for t in re.split(r"(\d+)", name)]


def _read_json(path: Path, where: str) -> list[np.ndarray]:
    try:
        value: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"it is no JSON text: {error}", where=where) from error
    if isinstance(value, dict):
        value = value.get("masks")
    if not isinstance(value, list) or not value or not isinstance(value[0], list):
        raise DataError(
            "it holds no masks", where=where, allowed='a list of matrices, or {"masks": [...]}'
        )
    matrices = value if value[0] and isinstance(value[0][0], list) else [value]
    out = []
    for k, matrix in enumerate(matrices):
        try:
            array = np.array(matrix, dtype=np.float64)
        except (ValueError, TypeError, OverflowError) as error:
            raise DataError(f"matrix {k + 1} is not numeric: {error}", where=where) from error
        out.append(array)
    return out


def _read_csv(path: Path, where: str) -> np.ndarray:
    if path.stat().st_size == 0:
        raise DataError("it is empty", where=where)
    try:
        return np.loadtxt(path, delimiter=",", dtype=np.float64, ndmin=2)
    except (ValueError, UnicodeDecodeError) as error:
        text = str(error).splitlines()[0]
        raise DataError(f"it is no table of numbers: {text}", where=where) from error


def _weights(tensors: dict[str, Any], names: Iterable[str], where: str) -> list[np.ndarray]:
    from torch import strided

    out = []
    for name in names:
        tensor = tensors[name]
        if tensor.layout is not strided or tensor.is_quantized or tensor.device.type != "cpu":
            raise DataError(f"{name} is no dense tensor in memory", where=where)
        if tensor.ndim >= 3:
            raise DataError(
                f"{name} has {tensor.ndim} dimensions", where=where, allowed="linear layers only"
            )
        if tensor.ndim < 2:
            continue
        _check_size(tensor.shape, f"{where}[{name}]")
        if bool(tensor.isnan().any()):
            raise DataError("it contains NaN", where=f"{where}[{name}]")
        out.append((tensor != 0).numpy())
    return out


def _read_torch(path: Path, where: str) -> list[np.ndarray]:
    import torch

    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
                    raise DataError("its tensors are too large", where=where)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except DataError:
        raise
    except Exception as error:
        # its parser fails in a dozen ways on damaged files
        text = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(
            f"it is no state dict that loads with weights_only: {text}",
            where=where,
            fix="save model.state_dict()",
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(
        isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in state.items()
    ):
        raise DataError("it is no dictionary of tensors", where=where)
    return _weights(state, state, where)


def _read_safetensors(path: Path, where: str) -> list[np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (SafetensorError, ValueError, KeyError) as error:
        raise DataError(f"it is no safetensors file: {error}", where=where) from error
    # the format does not keep the order of the layers, so their names must tell it
    return _weights(tensors, sorted(tensors, key=_natural), where)
