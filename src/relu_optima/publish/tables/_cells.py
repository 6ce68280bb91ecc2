"""Pieces that table plug-ins share: column headings and the line about bad runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relu_optima.publish.contract import Column
from relu_optima.publish.frames import status_counts
from relu_optima.publish.labels import column_label, column_unit
from relu_optima.publish.table_config import ColumnSpec, TableConfig

if TYPE_CHECKING:
    import pandas as pd


def heading(spec: ColumnSpec, options: TableConfig, *, key: bool = False) -> Column:
    """Turn a column of the config into one of the table."""
    own = column_unit(spec.column) if spec.label is None else ""
    label = spec.label or column_label(spec.column, options.labels)
    unit = own if spec.unit is None else spec.unit
    return Column(label, unit, spec.format, group=spec.group, key=key)


def status_note(frame: pd.DataFrame) -> str:
    """Say how many runs are not as they should be."""
    bad = status_counts(frame)
    if not bad:
        return ""
    return f"not ok are {bad} of {len(frame)} runs"
