"""How many runs have which value, by setting: verdicts by pattern, statuses by method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from relu_optima.publish.config import ColumnName
from relu_optima.publish.contract import Column, TableResult
from relu_optima.publish.frames import gather, levels
from relu_optima.publish.labels import column_label, value_label
from relu_optima.publish.macros import macros_of
from relu_optima.publish.table_config import TableConfig
from relu_optima.publish.tables._cells import status_note

if TYPE_CHECKING:
    import pandas as pd


class Config(TableConfig):
    """Columns that name a row, and columns whose values are counted."""

    by: list[ColumnName] = Field(min_length=1, description="Columns that name a row.")
    count: list[ColumnName] = Field(min_length=1, description="Columns whose values are counted.")


def tabulate(frames: Mapping[str, pd.DataFrame], options: Config) -> TableResult:
    """Count values."""
    import pandas as pd

    frame = gather(frames, options, [*options.by, *options.count])
    columns = {c: Column(column_label(c, options.labels), key=True) for c in options.by}
    columns["n_runs"] = Column("runs")
    found: dict[str, list[object]] = {}
    for name in options.count:
        found[name] = [*levels(frame[name]), *([None] if frame[name].isna().any() else [])]
        for value in found[name]:
            text = "missing" if value is None else value_label(value, options.values)
            columns[f"{name}={value}"] = Column(text, group=column_label(name, options.labels))
    rows = []
    for key, group in frame.groupby(options.by, sort=False, dropna=False):
        row: dict[str, object] = dict(zip(options.by, key, strict=True))
        row["n_runs"] = len(group)
        for name, values in found.items():
            for value in values:
                hits = group[name].isna() if value is None else group[name] == value
                row[f"{name}={value}"] = int(hits.sum())
        rows.append(row)
    return TableResult(
        pd.DataFrame(rows, columns=list(columns)),
        columns,
        macros_of(frames, options),
        status_note(frame) if "status" not in options.count else "",
    )
