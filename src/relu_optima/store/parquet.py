"""Parquet files that say what they are and notice when a single bit of them was changed."""

from __future__ import annotations

import hashlib
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relu_optima.config.identity import canonical_json
from relu_optima.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

METADATA, DIGEST = b"relu_optima", "file_sha256"
# The file holds a digest of itself, computed while these zeros stood in the digest's place.
_PLACE = "0" * 64


def parquet_bytes(frame: pd.DataFrame, metadata: dict[str, Any]) -> bytes:
    """Write a table with metadata and a digest of the whole file."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = frame.copy(deep=False)
    for name in (c for c in frame if pd.api.types.is_object_dtype(frame[c])):
        frame[name] = pd.Series(alike(list(frame[name])), index=frame.index, dtype=object)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    held = json.dumps({**metadata, DIGEST: _PLACE}, sort_keys=True).encode()
    # pandas' own metadata is left out: it names library versions
    table = table.replace_schema_metadata({METADATA: held})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    content = buffer.getvalue()
    return _with_digest(content, _PLACE, hashlib.sha256(content).hexdigest())


def _with_digest(content: bytes, old: str, new: str) -> bytes:
    """Replace the digest, which stands in the metadata near the end of the file."""
    head, _, tail = content.rpartition(f'"{DIGEST}": "{old}"'.encode())
    return head + f'"{DIGEST}": "{new}"'.encode() + tail


def read_metadata(path: Path) -> dict[str, Any] | None:
    """Read what a Parquet file of this project says of itself, without its rows."""
    try:
        with path.open("rb") as stream:
            return _metadata(stream)
    except OSError:
        return None


def _metadata(source: Any) -> dict[str, Any] | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        value = json.loads((pq.read_metadata(source).metadata or {})[METADATA])
    except (OSError, KeyError, ValueError, pa.ArrowException):
        return None
    return value if isinstance(value, dict) and isinstance(value.get(DIGEST), str) else None


def _checked(content: bytes) -> dict[str, Any] | None:
    held = _metadata(io.BytesIO(content))
    if held is None:
        return None
    blank = _with_digest(content, held[DIGEST], _PLACE)
    return held if hashlib.sha256(blank).hexdigest() == held[DIGEST] else None


def read_table(path: Path, fix: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a Parquet file of this project and check that it is as it was written."""
    table, metadata = read_arrow(path, fix)
    return table.to_pandas(), metadata


def read_arrow(
    path: Path, fix: str, columns: list[str] | None = None
) -> tuple[pa.Table, dict[str, Any]]:
    """Read a Parquet file like `read_table`, without pandas."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"cannot read the file: {error.strerror}", where=str(path), fix=fix
        ) from None
    metadata = _checked(content)
    if metadata is None:
        raise StoreError("damaged Parquet file", where=str(path), fix=fix)
    try:
        return pq.ParquetFile(io.BytesIO(content)).read(columns), metadata
    except pa.ArrowException as error:
        raise StoreError(f"damaged Parquet file: {error}", where=str(path), fix=fix) from None


def alike(values: list[Any]) -> list[Any]:
    """Write numbers as text where a column holds both: loaders may use one key for either."""
    if not any(isinstance(v, str) for v in values):
        return values
    return [v if isinstance(v, str) else _text(v) for v in values]


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    # a batch with empty cells holds its whole numbers as floats
    whole = isinstance(value, float) and value.is_integer()
    return canonical_json(int(value) if whole else value)
