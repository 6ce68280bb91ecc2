"""A concave value with its tangents above, its slope and its difference quotients below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from relu_optima.publish.canvas import (
    finish,
    label_y,
    make_canvas,
    note_statuses,
    split,
    styles_of,
    title_panel,
)
from relu_optima.publish.config import ColumnName, SeriesName
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.figures._points import grouping, points_table
from relu_optima.publish.frames import bare, gather, is_ok, series_of
from relu_optima.publish.labels import column_label
from relu_optima.publish.scales import scale_axis
from relu_optima.publish.style import NEUTRAL

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SHARE = 0.25  # length of a tangent on each side, relative to x


class Config(FigureConfig):
    """Series of a run; secants are slopes of the value from the line before."""

    x: SeriesName = Field(description="Series on the x axis.")
    value: SeriesName = Field(description="Series of the value.")
    slope: SeriesName = Field(description="Series that should be its derivative.")
    secant: SeriesName = Field(description="Series of its difference quotients.")
    panel: ColumnName | None = Field(
        default=None, description="Column with one column of panels for each value."
    )
    log_x: bool = Field(default=False, description="Logarithmic x axis.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw value, tangents, slopes and difference quotients."""
    panel = options.panel
    needed = (options.x, options.value, options.slope, options.secant)
    frame = gather(frames, options, (*needed, panel))
    names = [bare(n) for n in needed]
    x = names[0]
    parts = split(frame, panel)
    canvas = make_canvas(options, 2, len(parts), share_x=True)
    every = [axis for row in canvas.axes for axis in row]
    values = [v for _, run in frame.iterrows() for v in series_of(run, x)]
    scale_axis(canvas, every, values, "x", options.log_x)
    styles = styles_of(["value", "slope"])
    points: list[dict[str, Any]] = []
    between = total = 0
    for column, (panel_value, runs) in enumerate(parts):
        top, bottom = canvas.axes[0][column], canvas.axes[1][column]
        title_panel(top, options, panel, panel_value)
        bottom.set_xlabel(column_label(x, options.labels))
        name = {} if panel is None else {panel: panel_value}
        for _, run in runs[is_ok(runs)].iterrows():
            at, value, slope, secant = (np.asarray(series_of(run, n)) for n in names)
            (line,) = top.plot(at, value, color=styles["value"].colour)
            tangents = _tangents(top, at, value, slope)
            (slopes,) = bottom.plot(
                at, slope, color=styles["slope"].colour, linestyle="none", marker="o", markersize=3
            )
            (quotients,) = bottom.plot(
                at, secant, color=styles["value"].colour, drawstyle="steps-post", linewidth=0.8
            )
            for text, handle in (
                (column_label(options.value, options.labels), line),
                (f"tangents with {column_label(options.slope, options.labels)}", tangents),
                (column_label(options.slope, options.labels), slopes),
                (column_label(options.secant, options.labels), quotients),
            ):
                canvas.handles.setdefault(text, handle)
            slack = 1e-7 * np.abs(slope).max(initial=0.0)
            ends = np.sort([slope[:-1], slope[1:]], axis=0)
            within = (secant[1:] >= ends[0] - slack) & (secant[1:] <= ends[1] + slack)
            between, total = between + int(within.sum()), total + within.size
            for series, numbers in zip(names[1:], (value, slope, secant), strict=True):
                points += [
                    {
                        **name,
                        "series": series,
                        x: float(a),
                        "value": float(b),
                        "kind": "run",
                        "status": run["status"],
                        "runs": run["run_id"],
                    }
                    for a, b in zip(at, numbers, strict=True)
                    if np.isfinite(b)
                ]
    label_y(canvas.axes[0][0], column_label(options.value, options.labels))
    label_y(canvas.axes[1][0], column_label(options.slope, options.labels))
    canvas.note(f"{between} of {total} difference quotients lie between the slopes at their ends")
    note_statuses(canvas, frame, marked=False)
    order = grouping(panel, "series", x, "value")
    return FigureResult(finish(canvas), points_table(points, order))


def _tangents(axis: Axes, at: np.ndarray, value: np.ndarray, slope: np.ndarray) -> Any:
    """Draw a short tangent at every third knot."""
    handle = None
    for a, v, s in list(zip(at, value, slope, strict=True))[::3]:
        ends = np.array([a * (1 - SHARE), a * (1 + SHARE)])
        (handle,) = axis.plot(ends, v + s * (ends - a), color=NEUTRAL, linewidth=0.7)
    return handle
