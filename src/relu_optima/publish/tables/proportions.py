"""Probabilities of an answer by setting, with intervals and the number of undecided runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from relu_optima.publish.config import ColumnName
from relu_optima.publish.contract import Column, TableResult
from relu_optima.publish.formats import sentences
from relu_optima.publish.frames import gather, run_ids
from relu_optima.publish.labels import column_label
from relu_optima.publish.macros import macros_of
from relu_optima.publish.proportions import binned, proportion
from relu_optima.publish.table_config import TableConfig
from relu_optima.publish.tables._cells import status_note

if TYPE_CHECKING:
    import pandas as pd


class Config(TableConfig):
    """Columns that name a row, and columns whose answers are counted."""

    by: list[ColumnName] = Field(min_length=1, description="Columns that name a row.")
    bins: dict[ColumnName, float] = Field(
        default={}, description="Widths of the bins over which a column of `by` is pooled."
    )
    of: list[ColumnName] = Field(min_length=1, description="Columns of answers.")
    count: list[str] = Field(min_length=1, description="Answers whose probability is shown.")
    undecided: list[str] = Field(default=["unknown"], description="Answers that are none.")


def tabulate(frames: Mapping[str, pd.DataFrame], options: Config) -> TableResult:
    """Estimate probabilities."""
    import pandas as pd

    frame = gather(frames, options, [*options.by, *options.of])
    for name, width in options.bins.items():
        frame = frame.assign(**{name: binned(frame[name], width)})
    frame = frame.sort_values(options.by, kind="stable", ignore_index=True)
    columns = {c: Column(column_label(c, options.labels), key=True) for c in options.by}
    columns["n_runs"] = Column("runs")
    for name in options.of:
        label = column_label(name, options.labels)
        ends = (f"{name}.low", f"{name}.high")
        columns[f"{name}.share"] = Column("share", format="fixed2", ends=ends, group=label)
        columns[f"{name}.undecided"] = Column("undecided", group=label)
    rows = []
    for key, group in frame.groupby(options.by, sort=False, dropna=False):
        row: dict[str, object] = dict(zip(options.by, key, strict=True))
        row["n_runs"] = len(group)
        for name in options.of:
            found = proportion(group[name], options.count, options.undecided)
            row |= {
                f"{name}.share": found.share,
                f"{name}.low": found.low,
                f"{name}.high": found.high,
                f"{name}.count": found.hits,
                f"{name}.undecided": found.undecided,
            }
        rows.append({**row, "runs": run_ids(group)})
    note = (
        "in brackets 95\N{NO-BREAK SPACE}% Wilson intervals, which hold whatever the undecided "
        "runs would have answered"
    )
    return TableResult(
        pd.DataFrame(rows),
        columns,
        macros_of(frames, options),
        sentences([note, status_note(frame)]),
    )
