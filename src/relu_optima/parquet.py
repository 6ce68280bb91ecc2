"""Parquet files that say what they are and notice when they were changed."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relu_optima.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

METADATA = b"relu_optima"


def _content_digest(table: pa.Table) -> str:
    """Hash names and values: whatever a damaged byte does to a number shows here."""
    text = json.dumps(table.to_pydict(), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def parquet_bytes(frame: pd.DataFrame, metadata: dict[str, Any]) -> bytes:
    """Write a table with metadata and a digest of its content.

    Parameters
    ----------
    frame : DataFrame
        The table.
    metadata : dict
        JSON values, kept under the key ``relu_optima``.

    Returns
    -------
    bytes
        A Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    held = {**metadata, "content_sha256": _content_digest(table)}
    # pandas' own metadata is left out: it names library versions and has no digest
    table = table.replace_schema_metadata({METADATA: json.dumps(held, sort_keys=True).encode()})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, write_page_checksum=True)
    return buffer.getvalue()


def read_metadata(path: Path) -> dict[str, Any] | None:
    """Read what a Parquet file of this project says of itself, without its rows.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict or None
        None if the file is missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        value = json.loads((pq.read_schema(path).metadata or {})[METADATA])
    except (OSError, KeyError, ValueError, pa.ArrowException):
        return None
    return value if isinstance(value, dict) else None


def read_table(path: Path, fix: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a Parquet file of this project and check its content.

    Parameters
    ----------
    path : Path
        The file.
    fix : str
        What repairs it, for the error.

    Returns
    -------
    frame : DataFrame
        Its rows.
    metadata : dict
        What it says of itself.

    Raises
    ------
    StoreError
        If it is missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    metadata = read_metadata(path)
    if metadata is None:
        raise StoreError("missing or damaged Parquet file", where=str(path), fix=fix)
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        found = _content_digest(table)
    except (OSError, ValueError, pa.ArrowException) as error:
        first = " ".join(str(error).split())
        raise StoreError(f"damaged Parquet file: {first}", where=str(path), fix=fix) from None
    if found != metadata.get("content_sha256"):
        raise StoreError("the rows do not match their digest", where=str(path), fix=fix)
    return table.to_pandas(), metadata
