"""Curves made of series: put the series of several runs on one grid and summarise them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from relu_optima.publish.aggregate import Spread, summarise_sample
from relu_optima.publish.canvas import MARK
from relu_optima.publish.figures._points import BAND_ALPHA
from relu_optima.publish.frames import is_ok, run_ids, series_of
from relu_optima.publish.scales import at_least

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from relu_optima.publish.style import LineStyle

Align = Literal["exact", "linear", "step", "none"]
ALIGN_HELP = (
    "How runs with different x are summarised: `exact` at equal x; `linear` between knots, no "
    "extrapolation; `step`: the first value whose x is at most the budget; `none`: single runs."
)
MARKS_ON_A_CURVE = 8


def draw_curves(
    axis: Axes,
    runs: pd.DataFrame,
    x: str,
    y: str,
    align: Align,
    style: LineStyle,
    floors: tuple[float | None, float | None],
    spread: Spread = "interval",
) -> tuple[Line2D | None, list[dict[str, Any]]]:
    """Draw the curves of the runs of one hue: summary of the good ones, the others singly."""
    good, bad = runs[is_ok(runs)], runs[~is_ok(runs)]
    handle: Line2D | None = None
    points: list[dict[str, Any]] = []
    if align == "none":
        for _, run in good.iterrows():
            handle, more = _single(axis, run, x, y, style, floors, crossed=False)
            points += more
    elif len(good):
        rows = summarise(good, x, y, align, log_x=axis.get_xscale() == "log", spread=spread)
        xs = at_least([r[x] for r in rows], floors[0])
        middle, low, high = (at_least([r[k] for r in rows], floors[1]) for k in (y, "low", "high"))
        if rows:
            (handle,) = axis.plot(
                xs,
                middle,
                color=style.colour,
                linestyle=style.line,
                marker=style.marker,
                markevery=_marks(len(xs), style.index),
                drawstyle="steps-post" if align == "step" else "default",
            )
            axis.fill_between(
                xs,
                low,
                high,
                color=style.colour,
                alpha=BAND_ALPHA,
                linewidth=0,
                step="post" if align == "step" else None,
            )
            points += [row for row in rows if row["n"]]
    for _, run in bad.iterrows():
        single, more = _single(axis, run, x, y, style, floors, crossed=True)
        handle = handle or single
        points += more
    return handle, points


def _single(
    axis: Axes,
    run: pd.Series,
    x: str,
    y: str,
    style: LineStyle,
    floors: tuple[float | None, float | None],
    *,
    crossed: bool,
) -> tuple[Line2D | None, list[dict[str, Any]]]:
    pairs = [
        (a, b)
        for a, b in zip(series_of(run, x), series_of(run, y), strict=True)
        if math.isfinite(a) and math.isfinite(b)
    ]
    if not pairs:
        return None, []
    xs = at_least([a for a, _ in pairs], floors[0])
    ys = at_least([b for _, b in pairs], floors[1])
    (handle,) = axis.plot(
        xs, ys, color=style.colour, linestyle=style.line, linewidth=0.7, alpha=0.75
    )
    if crossed:
        axis.plot(xs[-1:], ys[-1:], color=style.colour, zorder=4, **MARK)
    rows = [
        {x: a, y: b, "kind": "run", "status": run["status"], "runs": run["run_id"]}
        for a, b in pairs
    ]
    return handle, rows


def summarise(
    runs: pd.DataFrame, x: str, y: str, align: Align, *, log_x: bool, spread: Spread
) -> list[dict[str, Any]]:
    """Put curves on the union of their x values and summarise them there."""
    curves = [
        _sorted_curve(series_of(r, x), series_of(r, y), gaps=align != "step")
        for _, r in runs.iterrows()
    ]
    curves = [c for c in curves if c[0].size]
    if not curves:
        return []
    grid = np.unique(np.concatenate([knots for knots, _ in curves]))
    values = np.array([_on_grid(grid, knots, v, align, log_x) for knots, v in curves])
    ids = run_ids(runs)
    rows = []
    for column, at in enumerate(grid):
        summary = summarise_sample(values[:, column], spread)
        rows.append(
            {
                x: float(at),
                y: summary.median,
                "kind": "median",
                "n": summary.n,
                "low": summary.low,
                "high": summary.high,
                "coverage": summary.coverage,
                "status": "ok",
                "runs": ids,
            }
        )
    return rows


def _marks(count: int, index: int) -> tuple[int, int]:
    """Place few markers, shifted from line to line so that equal curves stay visible."""
    every = max(1, math.ceil(count / MARKS_ON_A_CURVE))
    return (index * every // 3) % every, every


def _sorted_curve(
    x: Sequence[float], y: Sequence[float], *, gaps: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Sort by x; of equal x the first in the run's own order counts.

    With `gaps`, missing values of y stay, so that nothing is interpolated across them.
    """
    xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    ys = np.where(np.isfinite(ys), ys, np.nan)
    keep = np.isfinite(xs) & (gaps | np.isfinite(ys))
    knots, first = np.unique(xs[keep], return_index=True)
    return knots, ys[keep][first]


def _on_grid(
    grid: np.ndarray, knots: np.ndarray, values: np.ndarray, align: Align, log_x: bool
) -> np.ndarray:
    out = np.full(grid.size, np.nan)
    if align == "exact":
        out[np.searchsorted(grid, knots)] = values
        return out
    if align == "step":
        at = np.searchsorted(knots, grid, side="right") - 1
        out[at >= 0] = values[at[at >= 0]]
        return out
    inside = (grid >= knots[0]) & (grid <= knots[-1])
    if log_x and knots[0] > 0:
        out[inside] = np.interp(np.log(grid[inside]), np.log(knots), values)
    else:
        out[inside] = np.interp(grid[inside], knots, values)
    return out
