"""The certificate of each run: primal, dual, relative gap, violation, KKT residual, status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from relu_optima.publish.config import ColumnName
from relu_optima.publish.contract import TableResult
from relu_optima.publish.formats import sentences
from relu_optima.publish.frames import gather, refuse_hidden_pooling, status_counts
from relu_optima.publish.macros import macros_of
from relu_optima.publish.table_config import ColumnSpec, TableConfig
from relu_optima.publish.tables._cells import heading, status_note

if TYPE_CHECKING:
    import pandas as pd

CERTIFICATE = [
    ColumnSpec(column="objective", label="primal", format="sig6"),
    ColumnSpec(column="dual_objective", label="dual", format="sig6"),
    ColumnSpec(column="gap", label="relative gap", format="sci"),
    ColumnSpec(column="violation", label="violation", format="sci"),
    ColumnSpec(column="kkt_residual", label="KKT residual", format="sci"),
]


class Config(TableConfig):
    """Columns that name a row, and whether a row is one run or the worst of its seeds."""

    always: ClassVar[tuple[str, ...]] = tuple(s.column for s in CERTIFICATE)

    by: list[ColumnName] = Field(min_length=1, description="Columns that name a row.")
    worst_of_seeds: bool = Field(
        default=True,
        description="One row for each setting with its least certain run (largest gap).",
    )


def tabulate(frames: Mapping[str, pd.DataFrame], options: Config) -> TableResult:
    """List certificates."""
    specs = [ColumnSpec(column=c) for c in options.by] + CERTIFICATE
    names = [s.column for s in specs]
    frame = gather(frames, options, names)
    note = ""
    if options.worst_of_seeds:
        refuse_hidden_pooling(frame, options.by, [], "by")
        whole = _worst(frame, options.by)
        specs.append(ColumnSpec(column="n_runs", label="runs"))
        specs.append(ColumnSpec(column="statuses", label="status"))
        note = "each row shows the run with the largest gap of its setting"
    else:
        whole = frame
        specs.append(ColumnSpec(column="status"))
    specs.append(ColumnSpec(column="run_id"))
    return TableResult(
        whole[[s.column for s in specs]].reset_index(drop=True),
        {s.column: heading(s, options, key=s.column in options.by) for s in specs},
        macros_of(frames, options),
        sentences([note, status_note(frame)]),
    )


def _worst(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for _, group in frame.groupby(by, sort=False, dropna=False):
        gaps = group["gap"].astype(float).fillna(float("inf"))
        row = group.iloc[int(gaps.to_numpy().argmax())].copy()
        row["n_runs"] = len(group)
        row["statuses"] = status_counts(group) or str(row["status"])
        rows.append(row)
    return pd.DataFrame(rows)
