"""Results summarised over seeds: runs, median and interval for each setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from relu_optima.publish.aggregate import SPREAD_HELP, Spread, aggregate_seeds, describe_interval
from relu_optima.publish.config import ColumnName, PooledName
from relu_optima.publish.contract import Column, TableResult
from relu_optima.publish.formats import sentences
from relu_optima.publish.frames import ProductError, gather, refuse_hidden_pooling
from relu_optima.publish.labels import column_label
from relu_optima.publish.macros import macros_of
from relu_optima.publish.table_config import ColumnSpec, TableConfig
from relu_optima.publish.tables._cells import heading, status_note
from relu_optima.publish.variation import describe_seeds, describe_sizes

if TYPE_CHECKING:
    import pandas as pd


class Config(TableConfig):
    """Columns that name a setting, and columns that are summarised."""

    by: list[ColumnName] = Field(min_length=1, description="Columns that name a row.")
    columns: list[ColumnSpec] = Field(min_length=1, description="Numeric columns to summarise.")
    intervals: bool = Field(default=True, description="Show the interval beside the median.")
    spread: Spread = Field(default="interval", description=SPREAD_HELP)
    difference: list[ColumnName] = Field(
        default=[],
        description="Columns among `columns`: the largest minus the smallest of their medians is "
        "shown last.",
    )
    pool: list[PooledName] = Field(
        default=[],
        description="Config columns besides seeds over which runs are pooled on purpose.",
    )


def tabulate(frames: Mapping[str, pd.DataFrame], options: Config) -> TableResult:
    """Summarise seeds."""
    values = [s.column for s in options.columns]
    frame = gather(frames, options, [*options.by, *values])
    refuse_hidden_pooling(frame, options.by, options.pool, "pool")
    whole = aggregate_seeds(frame, options.by, values, options.spread)
    columns = {c: Column(column_label(c, options.labels), key=True) for c in options.by}
    columns["n_runs"] = Column("runs")
    if whole["not_ok"].str.len().any():
        columns["not_ok"] = Column("other statuses", format="text")
    for spec in options.columns:
        middle = heading(spec, options)
        ends = (f"{spec.column}.low", f"{spec.column}.high") if options.intervals else None
        columns[f"{spec.column}.median"] = replace(middle, ends=ends)
    if options.difference:
        chosen = _medians(whole, options)
        whole.insert(len(whole.columns) - 1, "difference", chosen.max(axis=1) - chosen.min(axis=1))
        columns["difference"] = Column("largest − smallest", format=options.columns[0].format)
    coverages = [c for name in values for c in whole[f"{name}.coverage"]]
    seeds = describe_seeds(frame, options.by)
    meaning = (
        describe_interval(coverages, spread=options.spread, seeds=seeds)
        if options.intervals
        else f"medians over {seeds}"
    )
    note = sentences([meaning, describe_sizes(frame), status_note(frame)])
    return TableResult(whole, columns, macros_of(frames, options), note)


def _medians(whole: pd.DataFrame, options: Config) -> pd.DataFrame:
    """Medians of the columns whose difference is shown."""
    unknown = sorted(set(options.difference) - {s.column for s in options.columns})
    if unknown:
        raise ProductError(
            f"{', '.join(unknown)}: not among the table's columns",
            where="difference",
            fix="name columns listed under `columns`",
        )
    return whole[[f"{name}.median" for name in options.difference]]
