"""Fits of one input above the dual curves that prove them; a curve meets its tube at the knots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from relu_optima.publish.canvas import (
    finish,
    label_y,
    make_canvas,
    note_statuses,
    split,
    title_panel,
)
from relu_optima.publish.config import ColumnName, SeriesName
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.figures._points import grouping, points_table
from relu_optima.publish.frames import ProductError, bare, gather, series_of
from relu_optima.publish.labels import column_label
from relu_optima.publish.style import NEUTRAL, line_styles

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FIT, DUAL = "optimal spline", "dual curve"


class Config(FigureConfig):
    """Series of the data, of the fit and of its dual curve; knots are marked on both."""

    x: SeriesName = Field(description="Series of sorted inputs.")
    y: SeriesName = Field(description="Series of targets.")
    fit: SeriesName = Field(description="Series of fitted values.")
    dual: SeriesName = Field(description="Series of the dual curve, over the penalty's strength.")
    knot_x: SeriesName = Field(description="Series of knots.")
    knot_fit: SeriesName = Field(description="Series of fitted values at the knots.")
    knot_dual: SeriesName = Field(description="Series of the dual curve at the knots.")
    panel: ColumnName = Field(description="Column with one column of panels for each value.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw the fit and the dual curve of one run in each column of panels."""
    names = [bare(n) for n in (options.x, options.y, options.fit, options.dual)]
    knots = [bare(n) for n in (options.knot_x, options.knot_fit, options.knot_dual)]
    needed = [f"series.{n}" for n in (*names, *knots)]
    frame = gather(frames, options, (*needed, options.panel))
    parts = split(frame, options.panel)
    for value, runs in parts:
        if len(runs) != 1:
            raise ProductError(
                f"{len(runs)} runs have {options.panel} = {value}, and a panel shows one",
                where="panel",
                fix="select by `where`, or name the column that tells them apart",
            )
    canvas = make_canvas(options, 2, len(parts), share_x=True, share_y=True)
    points: list[dict[str, Any]] = []
    for column, (value, runs) in enumerate(parts):
        top, below = canvas.axes[0][column], canvas.axes[1][column]
        title_panel(top, options, options.panel, value)
        below.set_xlabel(column_label(names[0], options.labels))
        run = runs.iloc[0]
        canvas.handles |= _draw(top, below, run, names, knots)
        base = {options.panel: value, "status": run["status"], "runs": run["run_id"]}
        x, *curves = (series_of(run, n) for n in names)
        for name, curve in zip(names[1:], curves, strict=True):
            points += [
                {**base, "series": name, names[0]: a, "value": b, "kind": "line"}
                for a, b in zip(x, curve, strict=True)
            ]
        at, *marks = (series_of(run, n) for n in knots)
        for name, curve in zip(knots[1:], marks, strict=True):
            points += [
                {**base, "series": name, names[0]: a, "value": b, "kind": "knot"}
                for a, b in zip(at, curve, strict=True)
            ]
    label_y(canvas.axes[0][0], column_label(names[1], options.labels))
    label_y(canvas.axes[1][0], column_label(names[3], options.labels))
    canvas.axes[1][0].set_ylim(-1.12, 1.12)  # no tube is wider than [-1, 1]
    canvas.note("shaded: the tube; a curve inside it proves the fit, and meets it at every knot")
    canvas.figure.align_ylabels()
    note_statuses(canvas, frame, marked=False)
    order = grouping(options.panel, "series", names[0], "value")
    return FigureResult(finish(canvas), points_table(points, order))


def _draw(
    top: Axes, below: Axes, run: pd.Series, names: list[str], knots: list[str]
) -> dict[str, Any]:
    """Draw data, fit and knots above, the dual curve in its tube below."""
    x, y, fit, dual = (series_of(run, n) for n in names)
    at, at_fit, at_dual = (series_of(run, n) for n in knots)
    line, curve = line_styles([FIT, DUAL])
    (data,) = top.plot(x, y, marker=".", linestyle="none", color=NEUTRAL, markersize=3)
    (fitted,) = top.plot(x, fit, color=line.colour)
    mark: dict[str, Any] = {
        "marker": "o", "linestyle": "none", "markersize": 4, "markerfacecolor": "white",
        "color": line.colour, "zorder": 3,
    }  # fmt: skip
    (knot,) = top.plot(at, at_fit, **mark)
    tilt = dual[0]
    low, high = max(-1.0, tilt - 1.0), min(1.0, tilt + 1.0)
    tube = below.axhspan(low, high, color=NEUTRAL, alpha=0.15, linewidth=0)
    (proof,) = below.plot(x, dual, color=curve.colour)
    below.plot(at, at_dual, **mark)
    return {"data": data, FIT: fitted, "knots": knot, DUAL: proof, "tube": tube}
