"""Numbers that the text of a paper quotes, computed from the same runs as the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from relu_optima.publish.formats import format_value
from relu_optima.publish.frames import ProductError, require, select, sweep_of
from relu_optima.publish.table_config import MacroSpec, TableConfig

if TYPE_CHECKING:
    import pandas as pd


def macros_of(frames: Mapping[str, pd.DataFrame], options: TableConfig) -> dict[str, str]:
    """Compute a table's macros."""
    return {
        name: format_value(_value(frames, options, name, spec), spec.format, options.values)
        for name, spec in options.macros.items()
    }


def _value(
    frames: Mapping[str, pd.DataFrame], options: TableConfig, name: str, spec: MacroSpec
) -> Any:
    sweep = spec.sweep or options.sweeps[0]
    frame = sweep_of(frames, sweep)
    require(frame, [spec.column], sweep)
    if set(options.where) <= set(frame.columns):
        frame = select(frame, options.where, sweep)
    column = select(frame, spec.where, sweep)[spec.column].dropna()
    if spec.statistic == "count":
        return len(column)
    if column.empty:
        raise ProductError(f"no run has a value of {spec.column!r}", where=f"macros.{name}")
    if spec.statistic == "only":
        found = list(dict.fromkeys(column))
        if len(found) > 1:
            raise ProductError(
                f"runs differ in {spec.column!r}: {', '.join(map(str, found[:5]))}",
                where=f"macros.{name}",
            )
        return found[0]
    try:
        return getattr(column.astype(float), spec.statistic)()
    except (ValueError, TypeError):
        raise ProductError(
            f"column {spec.column!r} holds text, which has no {spec.statistic}",
            where=f"macros.{name}",
        ) from None
