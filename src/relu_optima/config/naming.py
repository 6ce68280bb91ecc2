"""Types of fields that name columns: the planner finds by them what a figure or table reads."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from relu_optima.config.reads import EVERY, SOME


def _series(name: str) -> str:
    if not name.startswith("series."):
        raise ValueError(f"a series is named as its column is: 'series.{name}'")
    return name


ColumnName = Annotated[str, Field(min_length=1), EVERY]
SeriesName = Annotated[str, Field(min_length=1), AfterValidator(_series), EVERY]
PooledName = Annotated[str, Field(min_length=1), SOME]  # need not be in each of several sweeps
Value = str | int | float | bool
Where = dict[ColumnName, Value | list[Value]]
Pair = Annotated[list[ColumnName], Field(min_length=2, max_length=2)]
