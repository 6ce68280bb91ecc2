"""The store: one folder per finished run, content-addressed, written atomically, never changed.

``results/store/<run id>/<code key>/`` holds ``record.json`` (row, series, documents, config, with
a checksum of itself and of the arrays) and ``arrays.npz``. It is a pure cache shared by all
studies: deleting any part of it costs time and nothing else.
"""

from __future__ import annotations

import ctypes
import hashlib
import io
import json
import math
import os
import re
import shutil
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relu_optima.config.identity import canonical_json
from relu_optima.errors import StoreError
from relu_optima.npz import NpzError, read_npz
from relu_optima.stage import Record, Scalar

RECORD, ARRAYS = "record.json", "arrays.npz"
_HEX = re.compile("[0-9a-f]{4,64}")
MAX_ARRAY_BYTES = 4 * 2**30
KINDS = {
    "run_id": str, "code_key": str, "stage": str, "status": str, "arrays_sha256": str,
    "config": dict, "row": dict, "series": dict, "documents": dict, "seconds": int | float,
}  # fmt: skip


@dataclass(frozen=True)
class Store:
    """A store in a folder.

    Attributes
    ----------
    root : Path
        ``results/store``.
    """

    root: Path

    def folder(self, run_id: str, code_key: str) -> Path:
        """Return where a record lies or would lie."""
        if not (_HEX.fullmatch(run_id) and _HEX.fullmatch(code_key)):
            raise StoreError(f"no address of a record: {run_id!r}, {code_key!r}")
        return self.root / run_id / code_key

    def has(self, run_id: str, code_key: str) -> bool:
        """Tell whether a record is there, without reading it."""
        return (self.folder(run_id, code_key) / RECORD).is_file()

    def save(self, record: Record, *, settled: bool = True) -> None:
        """Write a record; if the address is taken already, the older one stays.

        It is there for every reader when this returns, also if this process is killed then.
        """
        target = self.folder(record.run_id, record.code_key)
        temporary = self.root / f".tmp-{uuid.uuid4().hex}"
        try:
            temporary.mkdir(parents=True)
            arrays = _npz_bytes(record.arrays)
            (temporary / ARRAYS).write_bytes(arrays)
            content = _record_bytes(record, hashlib.sha256(arrays).hexdigest())
            (temporary / RECORD).write_bytes(content)
            target.parent.mkdir(parents=True, exist_ok=True)
            if (target / RECORD).is_file():
                return
            if target.exists():
                shutil.rmtree(target)
            temporary.rename(target)
            if settled:
                self.settle([(record.run_id, record.code_key)])
        except OSError as error:
            if (target / RECORD).is_file():
                return  # another worker finished the same run at the same moment
            raise StoreError(
                f"cannot write the record: {error.strerror}",
                where=str(target),
                fix="free disk space or make the folder writable, then run the same command again; "
                "finished runs are kept",
            ) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def settle(self, addresses: list[tuple[str, str]]) -> None:
        """Have the disk hold records that were saved; a power cut cannot take them then.

        Before that it may leave part of a record, which its checksum tells.
        """
        try:
            if not _settle_file_system(self.root):
                for address in addresses:
                    folder = self.folder(*address)
                    for path in (folder / ARRAYS, folder / RECORD, folder, folder.parent):
                        _settle_path(path)
        except OSError as error:
            raise StoreError(
                f"the disk does not take the records: {error.strerror}",
                where=str(self.root),
                fix="free disk space or check the disk, then run the same command again",
            ) from error

    def load(self, run_id: str, code_key: str, *, arrays: bool = True) -> Record:
        """Read a record and check its checksums."""
        folder = self.folder(run_id, code_key)
        try:
            payload = _checked_payload((folder / RECORD).read_bytes(), folder)
            if (payload["run_id"], payload["code_key"]) != (run_id, code_key):
                raise _damaged(folder, "the record belongs to another run")
            content = _load_arrays(folder, payload["arrays_sha256"]) if arrays else {}
            return Record(
                run_id=run_id,
                code_key=code_key,
                stage=payload["stage"],
                config=payload["config"],
                status=payload["status"],
                row={k: _from_json(v) for k, v in payload["row"].items()},
                series={k: _series(v) for k, v in payload["series"].items()},
                arrays=content,
                documents=payload["documents"],
                seconds=float(payload["seconds"]),
                origin=payload.get("origin", {}),
            )
        except FileNotFoundError:
            raise StoreError("there is no such record", where=str(folder)) from None
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
            raise _damaged(folder, str(error)) from None

    def discard(self, run_id: str, code_key: str) -> None:
        """Remove a damaged record so that it is computed again."""
        shutil.rmtree(self.folder(run_id, code_key), ignore_errors=True)

    def records_of(self, run_id: str) -> list[Path]:
        """List the record files of one run, of whatever code and libraries."""
        return sorted((self.root / run_id).glob(f"*/{RECORD}"))

    def addresses(self) -> list[tuple[str, str]]:
        """List all records."""
        if not self.root.is_dir():
            return []
        return sorted(
            (p.parent.parent.name, p.parent.name) for p in self.root.glob(f"[!.]*/*/{RECORD}")
        )


def _damaged(folder: Path, why: str) -> StoreError:
    return StoreError(
        f"damaged record: {why}",
        where=str(folder),
        fix="run the study again: the record is computed anew",
    )


def _settle_file_system(folder: Path) -> bool:
    """Write out all of a file system's pending data, which is one wait for any number of files."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        return False  # not Linux
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(descriptor)
    return True


def _settle_path(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """Pack arrays as npz with fixed time stamps: the same arrays give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in sorted(arrays):
            array = np.asarray(arrays[name], order="C")  # keeps a number a number: no axis is added
            if array.dtype.hasobject:
                raise TypeError(f"array {name!r} holds Python objects")
            part = io.BytesIO()
            np.lib.format.write_array(part, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, part.getvalue())
    return buffer.getvalue()


def _load_arrays(folder: Path, sha256: str) -> dict[str, np.ndarray]:
    content = (folder / ARRAYS).read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(folder, f"{ARRAYS} does not match its checksum")
    try:
        found = read_npz(io.BytesIO(content), MAX_ARRAY_BYTES)
    except NpzError as error:
        raise _damaged(folder, f"{ARRAYS}: {error}") from None
    return {name: array.copy(order="K") for name, array in found.items()}


def _record_bytes(record: Record, arrays_sha256: str) -> bytes:
    payload = {
        "run_id": record.run_id,
        "code_key": record.code_key,
        "stage": record.stage,
        "config": record.config,
        "status": record.status,
        "row": {k: to_json(v) for k, v in record.row.items()},
        "series": {
            k: [to_json(v) for v in np.asarray(s).tolist()] for k, s in record.series.items()
        },
        "documents": record.documents,
        "seconds": record.seconds,
        "origin": record.origin,
        "arrays_sha256": arrays_sha256,
    }
    text = canonical_json(payload)
    return canonical_json(
        {"sha256": hashlib.sha256(text.encode()).hexdigest(), "payload": payload}
    ).encode()


def _checked_payload(content: bytes, folder: Path) -> dict[str, Any]:
    try:
        value = json.loads(content)
        payload, sha256 = value["payload"], value["sha256"]
        text = canonical_json(payload)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(folder, f"{RECORD} is not readable ({error})") from None
    if hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() != sha256:
        raise _damaged(folder, f"{RECORD} does not match its checksum")
    if not isinstance(payload, dict):
        raise _damaged(folder, f"{RECORD} holds no mapping")
    for key, kind in KINDS.items():
        if not isinstance(payload.get(key), kind):
            raise _damaged(folder, f"{RECORD} has no {key}")
    if not isinstance(payload.get("origin", {}), dict):
        raise _damaged(folder, f"{RECORD} has no origin")
    return payload


def to_json(value: Any) -> Scalar | dict[str, str]:
    """Turn a scalar into a JSON value; JSON has no NaN or infinity, so they are spelled out."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"a row holds scalars, not {type(value).__name__}")


def _from_json(value: Any) -> Scalar:
    if isinstance(value, dict):
        return float(value["float"])
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"a row holds scalars, not {type(value).__name__}")


def _series(values: list[Any]) -> np.ndarray:
    return np.asarray([_from_json(v) for v in values])
