"""What theory or a publication says must hold, beside the measured number and pass or fail."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from relu_optima.config.base import Group, Name
from relu_optima.publish.config import ColumnName, Value, Where
from relu_optima.publish.contract import Column, TableResult
from relu_optima.publish.figures._points import numeric
from relu_optima.publish.formats import sentences
from relu_optima.publish.frames import gather, run_ids
from relu_optima.publish.macros import macros_of
from relu_optima.publish.table_config import Format, TableConfig
from relu_optima.publish.tables._cells import status_note

if TYPE_CHECKING:
    import pandas as pd


class Measured(Group):
    """One number taken from the runs of a sweep."""

    column: ColumnName = Field(description="Column of the collected sweep.")
    statistic: Literal["min", "max", "mean", "median", "share"] = Field(
        description="What of the column; a bound on all runs is one on their min or max."
    )
    equals: Value | None = Field(
        default=None, description="share: the value whose share among the runs is meant."
    )
    sweep: Name | None = Field(default=None, description="Sweep; default all of the table's.")
    where: Where = Field(default={}, description="Runs that count, by exact values.")


class Criterion(Measured):
    """A claim: the measured number lies between two bounds."""

    claim: str = Field(min_length=1, description="What must hold, in words.")
    above: float | Measured | None = Field(default=None, description="Strict lower bound.")
    below: float | Measured | None = Field(default=None, description="Strict upper bound.")
    least: float | None = Field(default=None, description="Lower bound that may be attained.")
    most: float | None = Field(default=None, description="Upper bound that may be attained.")

    @model_validator(mode="after")
    def _shares(self) -> Criterion:
        if (self.statistic == "share") != (self.equals is not None):
            raise ValueError("`equals` goes with statistic share, and only with it")
        return self

    @model_validator(mode="after")
    def _bounded(self) -> Criterion:
        if all(b is None for b in (self.above, self.below, self.least, self.most)):
            raise ValueError("a criterion needs one of above, below, least, most")
        return self


class Config(TableConfig):
    """The claims and how their numbers are written."""

    criteria: list[Criterion] = Field(min_length=1, description="Claims, in order.")
    format: Format = Field(default="sig3", description="How numbers are written.")


def tabulate(frames: Mapping[str, pd.DataFrame], options: Config) -> TableResult:
    """Check claims."""
    import pandas as pd

    rows = [_check(frames, options, criterion) for criterion in options.criteria]
    columns = {
        "claim": Column("claim", key=True),
        "measured": Column("measured", format=options.format),
        "bound": Column("bound"),
        "n": Column("runs"),
        "verdict": Column("verdict"),
    }
    failed = sum(row["verdict"] != "pass" for row in rows)
    note = f"{len(rows) - failed} of {len(rows)} claims hold"
    notes = sentences([note, status_note(gather(frames, options))])
    return TableResult(pd.DataFrame(rows), columns, macros_of(frames, options), notes)


def _check(
    frames: Mapping[str, pd.DataFrame], options: Config, criterion: Criterion
) -> dict[str, Any]:
    value, runs = _measure(frames, options, criterion)
    numbers, words, holds = [value], [], True
    for bound, sign, test in (
        (criterion.above, ">", operator.gt),
        (criterion.least, "≥", operator.ge),
        (criterion.below, "<", operator.lt),
        (criterion.most, "≤", operator.le),
    ):
        if bound is None:
            continue
        limit = bound if isinstance(bound, float) else _measure(frames, options, bound)[0]
        numbers.append(limit)
        words.append(f"{sign} {limit:.4g}")
        holds &= test(value, limit)
    verdict = ("pass" if holds else "fail") if all(map(math.isfinite, numbers)) else "not measured"
    return {
        "claim": criterion.claim,
        "measured": value,
        "bound": ", ".join(words),
        "n": len(runs),
        "verdict": verdict,
        "column": criterion.column,
        "statistic": criterion.statistic,
        "runs": run_ids(runs),
    }


def _measure(
    frames: Mapping[str, pd.DataFrame], options: Config, what: Measured
) -> tuple[float, pd.DataFrame]:
    chosen = options.model_copy(
        update={
            "sweeps": [what.sweep] if what.sweep else options.sweeps,
            "where": {**options.where, **what.where},
        }
    )
    runs = gather(frames, chosen, [what.column])
    if what.statistic == "share":
        values = runs[what.column]
        return (float((values == what.equals).mean()) if values.notna().all() else math.nan), runs
    values = numeric(runs, what.column)
    # a run without the number must not leave a claim about all runs standing
    return float(values.agg(what.statistic)) if values.notna().all() else math.nan, runs
