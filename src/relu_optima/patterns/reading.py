"""Masks and networks from files that somebody else wrote: sizes are checked before allocation."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from relu_optima.errors import DataError
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
    if path.is_dir():
        raise DataError("it is a folder", where=where, allowed=f"{ARRAYS}, {STATE_DICTS}")
    if size > (MAX_TEXT_BYTES if suffix in (".json", ".csv") else MAX_BYTES):
        raise DataError(f"it has {size} bytes", where=where, fix="store the masks as uint8 npz")
    if suffix == ".npz":
        return _read_npz(path, where)
    if suffix == ".npy":
        with path.open("rb") as stream:
            return [_read_npy(stream, where)]
    if suffix == ".json":
        return _read_json(path, where)
    if suffix == ".csv":
        return [_read_csv(path, where)]
    if suffix in (".pt", ".pth", ".bin"):
        return _read_torch(path, where)
    if suffix == ".safetensors":
        return _read_safetensors(path, where)
    raise DataError(f"its ending is {suffix!r}", where=where, allowed=f"{ARRAYS}, {STATE_DICTS}")


def _read_npy(stream: IO[bytes], where: str) -> np.ndarray:
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise DataError(f"npy format {version} is not supported", where=where)
    except (ValueError, EOFError) as error:
        raise DataError(f"it is no npy array: {error}", where=where) from error
    if dtype.kind not in "biuf":
        raise DataError(f"its entries are of type {dtype}", where=where, allowed="0 and 1")
    _check_size(shape, where)
    count = int(np.prod(shape, dtype=np.int64))
    data = stream.read(count * dtype.itemsize)
    if len(data) != count * dtype.itemsize:
        raise DataError("it is truncated", where=where)
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


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


def _read_npz(path: Path, where: str) -> list[np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if all(re.fullmatch(r"arr_\d+\.npy", name) for name in names):
                names = sorted(names, key=_natural)
            if sum(archive.getinfo(name).file_size for name in names) > MAX_BYTES:
                raise DataError("its arrays are too large", where=where)
            out = []
            for name in names:
                with archive.open(name) as stream:
                    out.append(_read_npy(stream, f"{where}[{name.removesuffix('.npy')}]"))
            return out
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"it is no npz archive: {error}", where=where) from error


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
    out = []
    for name in names:
        tensor = tensors[name]
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
    import pickle  # only for the name of its error; nothing is unpickled outside weights_only

    import torch

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
                raise DataError("its tensors are too large", where=where)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError) as error:
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
