"""Runs that did otherwise than predicted, each listed; an empty table says that there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from relu_optima.config.base import Group
from relu_optima.publish.config import ColumnName, Value, Where
from relu_optima.publish.contract import Column, TableResult
from relu_optima.publish.formats import sentences
from relu_optima.publish.frames import gather, select
from relu_optima.publish.macros import macros_of
from relu_optima.publish.table_config import ColumnSpec, TableConfig
from relu_optima.publish.tables._cells import heading, status_note

if TYPE_CHECKING:
    import pandas as pd


class Prediction(Group):
    """What a kind of run is predicted to do."""

    where: Where = Field(default={}, description="Runs that the prediction is about.")
    expected: Value = Field(description="Predicted value of the table's `outcome`.")


class Config(TableConfig):
    """Predictions, and what is shown of the runs that break one."""

    outcome: ColumnName = Field(description="Column that is predicted.")
    predictions: list[Prediction] = Field(min_length=1, description="Predictions.")
    columns: list[ColumnSpec] = Field(min_length=1, description="Columns shown, in order.")


def tabulate(frames: Mapping[str, pd.DataFrame], options: Config) -> TableResult:
    """List exceptions."""
    import pandas as pd

    outcome, specs = options.outcome, [s for s in options.columns if s.column != "run_id"]
    asked = [c for p in options.predictions for c in p.where]
    frame = gather(frames, options, [outcome, *asked, *(s.column for s in specs)])
    checked, broken = 0, []
    for prediction in options.predictions:
        runs = select(frame, prediction.where, ", ".join(options.sweeps))
        checked += len(runs)
        wrong = runs[runs[outcome].isna() | (runs[outcome] != prediction.expected)]
        broken.append(wrong.assign(predicted=prediction.expected))
    listed = pd.concat(broken, ignore_index=True)
    columns = {"run_id": Column("run", key=True)}
    columns |= {s.column: heading(s, options) for s in specs}
    columns |= {"predicted": Column("predicted"), outcome: Column("observed")}
    note = f"{len(listed)} exceptions among {checked} runs with a prediction"
    return TableResult(
        listed[list(columns)],
        columns,
        macros_of(frames, options),
        sentences([note, status_note(frame)]),
    )
