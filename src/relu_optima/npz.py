"""npy and npz files that may be hostile: no pickles, sizes checked before anything is allocated."""

from __future__ import annotations

import lzma
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from relu_optima.files import open_regular

KINDS = "biufcSU"  # numbers, booleans, text; never Python objects


class NpzError(ValueError):
    """A file that is no sound npy or npz file, with the reason."""


def read_npy(stream: IO[bytes], max_bytes: int, kinds: str = KINDS) -> np.ndarray:
    """Read one array."""
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise NpzError(f"npy format {version} is not supported")
    except NpzError:
        raise
    except (
        ValueError, EOFError, SyntaxError, TypeError, LookupError, tokenize.TokenError
    ) as error:  # fmt: skip
        raise NpzError(f"it is no npy array: {_first(error)}") from error
    except (RecursionError, MemoryError, OverflowError) as error:
        raise NpzError("it is no npy array: its header is too deep") from error
    if dtype.kind not in kinds:
        raise NpzError(f"its entries are of type {dtype}")
    cells = 1
    for side in shape:
        if not 0 <= side < 2**62:
            raise NpzError(f"it has shape {shape}")
        cells *= side
    if cells * dtype.itemsize > max_bytes or len(shape) > 32:
        raise NpzError(f"an array of shape {shape} is too large")
    if dtype.itemsize == 0 and cells:
        raise NpzError("its entries are empty texts")
    data = stream.read(cells * dtype.itemsize)
    if len(data) != cells * dtype.itemsize:
        raise NpzError("it is truncated")
    return np.frombuffer(data, dtype, cells).reshape(shape, order="F" if fortran else "C")


def read_npz(file: Path | IO[bytes], max_bytes: int, kinds: str = KINDS) -> dict[str, np.ndarray]:
    """Read all arrays of an npz file."""
    if isinstance(file, Path):
        with open_regular(file) as stream:
            return read_npz(stream, max_bytes, kinds)
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if sum(m.file_size for m in members) > max_bytes:
                raise NpzError(f"its arrays unpack to more than {max_bytes} bytes")
            out: dict[str, np.ndarray] = {}
            for member in members:
                name = member.filename.removesuffix(".npy")
                if name in out:
                    raise NpzError(f"it has two arrays {name!r}")
                with archive.open(member) as part:
                    try:
                        out[name] = read_npy(part, max_bytes, kinds)
                        rest = part.read(1)  # reading to the end checks the checksum
                    except NpzError as error:
                        raise NpzError(f"{name}: {error}") from error
                if rest:
                    raise NpzError(f"{name}: bytes after the array")
            return out
    except NpzError:
        raise
    except (
        zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError,
        RuntimeError, ValueError, KeyError, OverflowError, OSError,
    ) as error:  # fmt: skip
        raise NpzError(f"it is no npz archive: {_first(error)}") from error


def _first(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__
