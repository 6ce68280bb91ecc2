"""Put each published number beside ours and say how they agree, or why there is none of ours."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.publish.config import Where
from relu_optima.publish.frames import (
    ProductError,
    bare,
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
    """Compare every published number with our collected sweeps."""
    out = []
    for name, item in published.items.items():
        for label, variant in item.variants.items():
            selected = _Selected(item, variant, frames)
            for cell in item.cells:
                row = ", ".join(str(cell[r]) for r in item.row)
                for column in item.columns:
                    if column not in cell:
                        continue
                    answer = selected.answer(cell, column)
                    out.append(
                        _judged(item, name, label, row, column, _printed(cell[column]), answer)
                    )
    return out


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


class _Selected:
    """The runs that answer one item in one variant, selected once for each column."""

    def __init__(self, item: Item, variant: Variant, frames: Mapping[str, pd.DataFrame]) -> None:
        self.item, self.variant = item, variant
        self.sweep = variant.sweep or item.sweep
        self.frame = frames.get(self.sweep)
        self._known: dict[str, dict[tuple[Any, ...], pd.DataFrame] | str] = {}

    def answer(self, cell: Mapping[str, Any], name: str) -> _Answer:
        """Find our number for one cell."""
        column = self.item.columns[name]
        if column.range_of:
            parts = [self.answer(cell, other) for other in column.range_of]
            gaps = [p for p in parts if p.missing]
            if gaps:
                return gaps[0]
            middles = [p.middle for p in parts]
            least = min(p.runs for p in parts)
            return _Answer(middle=max(middles) - min(middles), runs=least)
        where = self.item.where | column.where | self.variant.where
        groups = self._groups(where)
        if isinstance(groups, str):
            return _Answer(why=groups)
        runs = groups.get(tuple(cell[r] for r in self.item.row))
        if runs is None:
            wanted = where | {r: cell[r] for r in self.item.row}
            text = ", ".join(f"{k} = {v}" for k, v in wanted.items())
            return _Answer(why=f"no run of sweep {self.sweep} has {text}")
        ours = self.variant.columns.get(name, column.column)
        assert ours is not None  # the model demands it of a column that is no range
        own = [ours] if column.x is None else [ours, column.x]
        try:
            require(runs, [*own, *column.because], self.sweep)
        except ProductError as error:
            return _Answer(why=_one_line(error))
        return _summary(runs, column, ours)

    def _groups(self, where: Where) -> dict[tuple[Any, ...], pd.DataFrame] | str:
        """Split the runs with these values by row; or say why there are none."""
        key = repr(where)
        if key not in self._known:
            self._known[key] = self._split(where)
        return self._known[key]

    def _split(self, where: Where) -> dict[tuple[Any, ...], pd.DataFrame] | str:
        if self.frame is None:
            return f"sweep {self.sweep} has not been run"
        try:
            runs = select(self.frame, where, self.sweep)
            require(runs, self.item.row, self.sweep)
        except ProductError as error:
            return _one_line(error)
        what = f"published numbers of {self.item.title!r}"
        refuse_hidden_pooling(runs, self.item.row, self.item.pool, what)
        return {
            tuple(group[r].iloc[0] for r in self.item.row): group
            for _, group in runs.groupby(self.item.row, sort=False)
        }


def _one_line(error: ProductError) -> str:
    return " ".join([f"{error.where}: {error.problem}", error.fix]).strip()


def _summary(runs: pd.DataFrame, column: Column, ours: str) -> _Answer:
    """Summarise the good runs; say which are not."""
    import pandas as pd

    fine = is_ok(runs)
    good = runs[fine]
    notes = [] if fine.all() else [f"not ok: {status_counts(runs)} of {len(runs)} runs"]
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
    found = Counter(map(str, values))
    return f"{values.name} " + ", ".join(f"{word} {count}" for word, count in found.items())


def _read(run: pd.Series, ours: str, x: str, at: float) -> float:
    """Read a series where its x has exactly the value asked for."""
    places, values = series_of(run, bare(x)), series_of(run, bare(ours))
    for place, value in zip(places, values, strict=True):
        if math.isclose(place, at, rel_tol=1e-9, abs_tol=1e-12):
            return value
    return math.nan
