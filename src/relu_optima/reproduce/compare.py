"""Put each published number beside ours and say how they agree, or why there is none of ours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.publish.frames import (
    ProductError,
    is_ok,
    refuse_hidden_pooling,
    require,
    select,
    series_of,
    status_counts,
)
from relu_optima.reproduce.published import Column, Item, Published, Variant

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = (0.25, 0.5, 0.75)  # the papers print medians between quartiles

IN_QUANTILES = "within quantiles"
IN_TOLERANCE = "within tolerance"
OUTSIDE = "outside"
NOT_RUN = "not run"
VERDICTS = (IN_QUANTILES, IN_TOLERANCE, OUTSIDE, NOT_RUN)


@dataclass(frozen=True)
class Comparison:
    """One published number beside ours.

    Attributes
    ----------
    item, variant, row, column : str
        Which number, and which of our answers.
    published, published_low, published_high : float
        What was printed; NaN where no quantile was.
    ours, ours_low, ours_high : float
        Median and quartiles over our runs; NaN if there are none.
    runs : int
        Runs behind ours.
    verdict : str
        One of `VERDICTS`.
    why : str
        What is behind the verdict.
    """

    item: str
    variant: str
    row: str
    column: str
    published: float
    published_low: float
    published_high: float
    ours: float
    ours_low: float
    ours_high: float
    runs: int
    verdict: str
    why: str


@dataclass(frozen=True)
class _Answer:
    """Our number for one cell, or why there is none."""

    low: float = math.nan
    middle: float = math.nan
    high: float = math.nan
    runs: int = 0
    why: str = ""

    @property
    def missing(self) -> bool:
        return math.isnan(self.middle)


def compare(published: Published, frames: Mapping[str, pd.DataFrame]) -> list[Comparison]:
    """Compare every published number with our collected sweeps.

    Parameters
    ----------
    published : Published
        The numbers.
    frames : mapping of str to DataFrame
        Collected sweeps by name; those that were not run are left out.

    Returns
    -------
    list of Comparison
        One for each number and variant, in the order of the file. None is dropped: what cannot be
        compared has the verdict ``not run`` and the reason.

    Raises
    ------
    ProductError
        If one number of ours would pool runs that differ in more than their seeds.
    """
    out = []
    for name, item in published.items.items():
        for label, variant in item.variants.items():
            selected = {c: _select(item, variant, c, frames) for c in item.columns}
            for cell in item.cells:
                row = ", ".join(str(cell[r]) for r in item.row)
                for column in item.columns:
                    if column not in cell:
                        continue
                    answer = _answer(item, variant, cell, column, selected)
                    out.append(
                        _judged(item, name, label, row, column, _printed(cell[column]), answer)
                    )
    return out


def _select(
    item: Item, variant: Variant, name: str, frames: Mapping[str, pd.DataFrame]
) -> pd.DataFrame | str:
    """Select the runs of one published column, all rows; or say why there are none."""
    column = item.columns[name]
    sweep = variant.sweep or item.sweep
    if sweep not in frames:
        return f"sweep {sweep} has not been run"
    where = item.where | column.where | variant.where
    try:
        runs = select(frames[sweep], where, sweep)
        require(runs, [*item.row, *_columns(variant, column, name)], sweep)
    except ProductError as error:
        return " ".join([f"{error.where}: {error.problem}", error.fix]).strip()
    refuse_hidden_pooling(runs, item.row, item.pool, f"published numbers of {item.title!r}")
    return runs


def _printed(value: Any) -> tuple[float, float, float]:
    """Return value and quantiles; NaN for quantiles that were not printed."""
    if isinstance(value, list):
        return float(value[0]), float(value[1]), float(value[2])
    return float(value), math.nan, math.nan


def _judged(
    item: Item,
    name: str,
    variant: str,
    row: str,
    column: str,
    printed: tuple[float, float, float],
    ours: _Answer,
) -> Comparison:
    value, low, high = printed
    if ours.missing:
        verdict, why = NOT_RUN, ours.why
    else:
        verdict, why = _verdict(item, printed, ours)
    return Comparison(
        name, variant, row, column, value, low, high,
        ours.middle, ours.low, ours.high, ours.runs, verdict, why,
    )  # fmt: skip


def _verdict(item: Item, printed: tuple[float, float, float], ours: _Answer) -> tuple[str, str]:
    """Judge our number, rounded as the printed one."""
    value, low, high = printed
    rounded = round(ours.middle, item.decimals)
    difference = rounded - value
    slack = 0.5 * 10.0**-item.decimals * 1e-6  # of the rounding itself, never of the numbers
    size = abs(difference) / max(abs(value), 1e-300) if item.relative else abs(difference)
    # a printed range (largest minus smallest) has "quantiles" that need not be in order
    if (
        not math.isnan(low)
        and min(low, value, high) - slack <= rounded <= max(low, value, high) + slack
    ):
        return IN_QUANTILES, ours.why
    reasons = [f"ours is {_step(abs(difference), item.decimals)} "]
    reasons[0] += "lower" if difference < 0 else "higher" if difference else "off"
    if size <= item.tolerance + slack:
        return IN_TOLERANCE, "; ".join([reasons[0], ours.why] if ours.why else reasons)
    if not math.isnan(ours.low):
        ends = [ours.low, ours.high]
        printed_ends = [value] if math.isnan(low) else [low, value, high]
        apart = min(printed_ends) > max(ends) or max(printed_ends) < min(ends)
        reasons.append("our quartiles do not reach it" if apart else "our quartiles reach it")
    return OUTSIDE, "; ".join([*reasons, *([ours.why] if ours.why else [])])


def _step(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if value >= 10.0**-decimals else f"{value:.1e}"


def _answer(
    item: Item,
    variant: Variant,
    cell: Mapping[str, Any],
    name: str,
    selected: Mapping[str, pd.DataFrame | str],
) -> _Answer:
    """Find our number for one cell."""
    column = item.columns[name]
    if column.range_of:
        parts = [_answer(item, variant, cell, other, selected) for other in column.range_of]
        gaps = [p for p in parts if p.missing]
        if gaps:
            return gaps[0]
        middles = [p.middle for p in parts]
        least = min(p.runs for p in parts)
        return _Answer(middle=max(middles) - min(middles), runs=least)
    sweep = variant.sweep or item.sweep
    found = selected[name]
    if isinstance(found, str):
        return _Answer(why=found)
    runs = select(found, {r: cell[r] for r in item.row}, sweep)
    if runs.empty:
        where = item.where | column.where | variant.where | {r: cell[r] for r in item.row}
        wanted = ", ".join(f"{k} = {v}" for k, v in where.items())
        return _Answer(why=f"no run of sweep {sweep} has {wanted}")
    return _summary(runs, column, _ours(variant, column, name))


def _ours(variant: Variant, column: Column, name: str) -> str:
    ours = variant.columns.get(name, column.column)
    assert ours is not None  # the model demands it of a column that is no range
    return ours


def _columns(variant: Variant, column: Column, name: str) -> list[str]:
    if column.range_of:
        return []
    ours = _ours(variant, column, name)
    own = [ours] if column.x is None else [f"series.{ours}", f"series.{column.x}"]
    return [*own, *column.because]


def _summary(runs: pd.DataFrame, column: Column, ours: str) -> _Answer:
    """Summarise the good runs; say which are not."""
    import pandas as pd

    bad = status_counts(runs)
    notes = [f"not ok: {bad} of {len(runs)} runs"] if bad else []
    good = runs[is_ok(runs)]
    if good.empty:
        return _Answer(why=notes[0])
    if column.x is None:
        values = pd.to_numeric(good[ours], errors="coerce").to_numpy(dtype=np.float64)
    else:
        assert column.at is not None
        values = np.array([_read(run, ours, column.x, column.at) for _, run in good.iterrows()])
    values = values[np.isfinite(values)]
    if not values.size:
        place = "" if column.x is None else f" at {column.x} = {column.at:g}"
        return _Answer(why="; ".join([f"no run has a value of {ours}{place}", *notes]))
    notes += [_context(good[name]) for name in column.because]
    low, middle, high = (float(q) for q in np.quantile(values, QUANTILES))
    return _Answer(low, middle, high, int(values.size), "; ".join(notes))


def _context(values: pd.Series) -> str:
    """Summarise a column that explains: the median of numbers, the counts of words."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values):
        return f"median {values.name} {values.median():.3g}"
    found = values.value_counts(sort=False)
    return f"{values.name} " + ", ".join(f"{word} {count}" for word, count in found.items())


def _read(run: pd.Series, ours: str, x: str, at: float) -> float:
    """Read a series where its x has exactly the value asked for."""
    places, values = series_of(run, x), series_of(run, ours)
    for place, value in zip(places, values, strict=True):
        if math.isclose(place, at, rel_tol=1e-9, abs_tol=1e-12):
            return value
    return math.nan
