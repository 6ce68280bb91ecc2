"""One row for each run: its settings, its status and chosen results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from relu_optima.publish.config import ColumnName
from relu_optima.publish.contract import TableResult
from relu_optima.publish.frames import gather
from relu_optima.publish.macros import macros_of
from relu_optima.publish.table_config import ColumnSpec, TableConfig
from relu_optima.publish.tables._cells import heading, status_note

if TYPE_CHECKING:
    import pandas as pd


class Config(TableConfig):
    """Columns shown between run id and status."""

    columns: list[ColumnSpec] = Field(min_length=1, description="Columns, in order.")
    sort: list[ColumnName] = Field(
        default=[], description="Columns to sort by; default the run order."
    )


def tabulate(frames: Mapping[str, pd.DataFrame], options: Config) -> TableResult:
    """List runs."""
    asked = [s for s in options.columns if s.column not in ("run_id", "status")]
    specs = [ColumnSpec(column="run_id"), *asked, ColumnSpec(column="status")]
    names = [s.column for s in specs]
    frame = gather(frames, options, [*names, *options.sort])
    if options.sort:
        frame = frame.sort_values(options.sort, kind="stable", ignore_index=True)
    return TableResult(
        frame[names],
        {s.column: heading(s, options, key=s.column == "run_id") for s in specs},
        macros_of(frames, options),
        status_note(frame),
    )
