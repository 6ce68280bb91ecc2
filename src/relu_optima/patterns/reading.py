"""Masks and networks from files that somebody else wrote: sizes are checked before allocation."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.errors import DataError, extras_named
from relu_optima.npz import NpzError, read_npy, read_npz
from relu_optima.patterns.layers import Layer, check_layers
from relu_optima.patterns.order import natural_key
from relu_optima.patterns.sparse import MAX_CELLS, as_list
from relu_optima.patterns.state_dict import state_dict_layers

if TYPE_CHECKING:
    from torch import Tensor

    from relu_optima.patterns.sparse import Mask

MAX_TEXT_BYTES = 100_000_000  # json and csv; larger masks belong in npz
MAX_BYTES = 8 * MAX_CELLS
ARRAYS = ".npz, .npy, .json, .csv"
STATE_DICTS = ".pt, .pth, .bin, .ckpt, .safetensors"
# where training scripts and Lightning keep the state dict of the network in a checkpoint
CHECKPOINT_KEYS = ("state_dict", "model_state_dict", "model", "module", "net", "network")


def read_masks(
    paths: Sequence[Path],
    where: str = "file",
    layers: Sequence[str] = (),
    option: str = "--layers",
) -> list[np.ndarray]:
    """Read the masks of a network, first layer first.

    Parameters
    ----------
    paths : sequence of Path
        Files as `read_layers` takes them.
    where : str, optional
        Config key or option to name in an error.
    layers : sequence of str, optional
        Names of the layers to read from one state dict or npz, first layer first.
    option : str, optional
        How the user says `layers`.

    Returns
    -------
    list of array of uint8, shape (n_out, n_in)
        Validated masks.

    Raises
    ------
    DataError
        As `read_layers` does.
    """
    return [layer.mask for layer in read_layers(paths, where, layers, option)]


def read_layers(
    paths: Sequence[Path],
    where: str = "file",
    layers: Sequence[str] = (),
    option: str = "--layers",
) -> list[Layer]:
    """Read the layers of a network, first layer first.

    Parameters
    ----------
    paths : sequence of Path
        One file with all layers (npz in order of numbered names or else as stored, json with a
        list of matrices, a torch or safetensors state dict or checkpoint), or one file per layer
        (npy, csv, json with one matrix, npz of `scipy.sparse.save_npz`: its stored entries).
        State dicts are read by parameter name (`state_dict_layers`); in other files only 0 and 1
        are legal.
    where : str, optional
        Config key or option to name in an error.
    layers : sequence of str, optional
        Names of the layers to read from one state dict or npz, first layer first.
    option : str, optional
        How the user says `layers`.

    Returns
    -------
    list of Layer
        With validated masks.

    Raises
    ------
    DataError
        If a file is missing, truncated, not one of these formats, too large, needs a pickle that
        is not a plain state dict, holds anything but linear layers in a certain order, or does
        not hold masks that chain.
    """
    if layers and len(paths) != 1:
        raise DataError(
            f"{len(paths)} files were given", where=option, allowed="one state dict or npz file"
        )
    found: list[Layer] = []
    for path in paths:
        place = f"{where}: {path.name}"
        try:
            found += _read(path, place, layers, option)
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror or error}", where=place) from error
    return check_layers(found, where)


def _read(path: Path, where: str, chosen: Sequence[str], option: str) -> list[Layer]:
    size = path.stat().st_size
    suffix = path.suffix.lower()
    if not path.is_file():
        # a pipe or a device would never end
        what = "a folder" if path.is_dir() else "no regular file"
        raise DataError(f"it is {what}", where=where, allowed=f"{ARRAYS}, {STATE_DICTS}")
    if size > (MAX_TEXT_BYTES if suffix in (".json", ".csv") else MAX_BYTES):
        raise DataError(f"it has {size} bytes", where=where, fix="store the masks as uint8 npz")
    if suffix == ".npz":
        return _read_npz(path, where, chosen, option)
    if suffix in (".pt", ".pth", ".bin", ".ckpt"):
        return state_dict_layers(read_torch(path, where), where, chosen, option)
    if suffix == ".safetensors":
        return state_dict_layers(_read_safetensors(path, where), where, chosen, option)
    if chosen:
        raise DataError(
            f"{path.name} has no names", where=option, allowed=f"one npz, or one of {STATE_DICTS}"
        )
    if suffix == ".npy":
        return [Layer(path.name, array) for array in _read_npy(path, where)]
    if suffix == ".json":
        arrays = _read_json(path, where)
        names = [f"{path.name}[{k}]" for k in range(len(arrays))] if arrays[1:] else [path.name]
        return [Layer(name, array) for name, array in zip(names, arrays, strict=True)]
    if suffix == ".csv":
        return [Layer(path.name, _read_csv(path, where))]
    raise DataError(f"its ending is {suffix!r}", where=where, allowed=f"{ARRAYS}, {STATE_DICTS}")


def _read_npy(path: Path, where: str) -> list[np.ndarray]:
    try:
        with path.open("rb") as stream:
            arrays = [read_npy(stream, MAX_BYTES)]
    except NpzError as error:
        raise DataError(str(error), where=where) from error
    return arrays


def _read_npz(path: Path, where: str, chosen: Sequence[str], option: str) -> list[Layer]:
    try:
        arrays = read_npz(path, MAX_BYTES)
    except NpzError as error:
        raise DataError(str(error), where=where) from error
    if "format" in arrays and "indptr" in arrays:
        if chosen:
            raise DataError("it holds one sparse matrix, without names", where=option)
        return [Layer(path.name, _sparse_matrix(path, where), "nonzero entries")]
    unknown = [name for name in chosen if name not in arrays]
    if unknown or len(set(chosen)) < len(chosen):
        raise DataError(
            f"{where} has no array {unknown[0]!r}" if unknown else "an array is named twice",
            where=option,
            allowed=", ".join(map(repr, list(arrays)[:20])),
        )
    names = list(chosen) or list(arrays)
    if not chosen and len({re.sub(r"[0-9]+$", "", name) for name in names}) == 1:
        # numbered: the numbers must not contradict the order in the file
        numbered = sorted(names, key=natural_key)
        if numbered != names and not all(re.fullmatch(r"arr_[0-9]+", name) for name in names):
            raise DataError(
                f"its arrays are stored as {', '.join(map(repr, names[:20]))}: by number or as "
                "stored?",
                where=where,
                fix=f"name them, first layer first: {option} {','.join(numbered[:20])}",
            )
        names = numbered
    return [Layer(name if name.isprintable() else ascii(name), arrays[name]) for name in names]


def _sparse_matrix(path: Path, where: str) -> Mask:
    """Read what `scipy.sparse.save_npz` wrote: the support is what is stored."""
    from scipy import sparse

    try:
        matrix = sparse.load_npz(path).tocsr()
        matrix.sum_duplicates()
        matrix.check_format(full_check=True)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, NotImplementedError) as e:
        raise DataError(f"it is no sparse matrix: {e}", where=where) from e
    if matrix.data.dtype.kind not in "biuf" or not np.isfinite(matrix.data).all():
        raise DataError("its entries are not all finite numbers", where=where)
    if (matrix.data == 0).any():
        raise DataError(
            "it stores zeros: kept weights, or none?",
            where=where,
            fix="call eliminate_zeros(), or store ones",
        )
    return as_list(matrix)


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


@extras_named()
def read_torch(path: Path, where: str) -> dict[str, Tensor]:
    """Read the state dict in a file that torch wrote, bare or inside a checkpoint."""
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
        text = str(error)
        refused = re.search(r"GLOBAL ([\w.]{1,100})", text)
        if refused:
            raise DataError(
                f"it holds an object of {refused[1]}, which is not loaded: it could run code",
                where=where,
                fix="if you trust it, save its weights alone: torch.save(torch.load(PATH, "
                "weights_only=False)['state_dict'], NEW) for a Lightning checkpoint, "
                "torch.save(model.state_dict(), NEW) for a pickled model",
            ) from error
        first = text.splitlines()[0][:200] if text else type(error).__name__
        raise DataError(
            f"it is no state dict that loads with weights_only: {first}",
            where=where,
            fix="save model.state_dict()",
        ) from error
    return _state_in(state, where)


def _is_state(value: object) -> bool:
    from torch import Tensor

    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in value.items())
    )


def _state_in(state: object, where: str) -> dict[str, Tensor]:
    """Find the one state dict of a network in what a checkpoint holds."""
    from torch import Tensor

    if _is_state(state):
        assert isinstance(state, dict)
        return state
    if not isinstance(state, dict):
        raise DataError(
            f"it holds {type(state).__name__}, no dictionary of tensors",
            where=where,
            fix="save model.state_dict()",
        )
    keys = [str(key)[:80] for key in state]
    inside = [key for key in state if _is_state(state[key])]
    usual = [key for key in inside if key in CHECKPOINT_KEYS]
    found = usual if len(usual) == 1 else inside
    if len(found) != 1:
        what = f"state dicts in {found}" if found else f"no state dict but {keys[:20]}"
        raise DataError(
            f"it is no dictionary of tensors: it holds {what}"[:1000],
            where=where,
            allowed=f"a state dict, or one in {', '.join(CHECKPOINT_KEYS)}",
            fix="save model.state_dict()",
        )
    apart = [
        str(key)[:80]
        for key, value in state.items()
        if isinstance(value, dict | list | tuple | Tensor)
        and key != found[0]
        and re.search("mask|spars|prun", str(key), re.IGNORECASE)
    ]
    if apart:
        raise DataError(
            f"masks may be in {apart[0]!r}, apart from the network, where they are not read",
            where=where,
            fix="save the state dict after prune.remove or squash_mask, or the masks as npz",
        )
    return dict(state[found[0]])


def _read_safetensors(path: Path, where: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, ValueError, KeyError) as error:
        raise DataError(f"it is no safetensors file: {error}", where=where) from error
