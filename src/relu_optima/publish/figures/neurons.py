"""One thin line for each neuron along a path, with the breakpoints of the path as ticks above."""

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

SIGNS = {"adds": 1.0, "subtracts": -1.0}


class Config(FigureConfig):
    """Series on the axes, the series that tells neurons apart, and that of the ticks."""

    x: SeriesName = Field(description="Series on the x axis.")
    y: list[SeriesName] = Field(
        min_length=1, max_length=3, description="Series, one row of panels for each."
    )
    line: SeriesName = Field(description="Series that numbers the neurons.")
    sign: SeriesName = Field(description="Series whose sign colours a neuron.")
    ticks: SeriesName | None = Field(
        default=None, description="Series of x values marked at the top."
    )
    panel: ColumnName | None = Field(
        default=None, description="Column with one column of panels for each value."
    )
    log_x: bool = Field(default=False, description="Logarithmic x axis.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw the neurons of each panel's runs."""
    x, panel = bare(options.x), options.panel
    needed = (options.x, options.line, options.sign, *options.y)
    frame = gather(frames, options, (*needed, options.ticks, panel))
    parts = split(frame, panel)
    canvas = make_canvas(options, len(options.y), len(parts), share_x=True)
    every = [axis for row in canvas.axes for axis in row]
    values = [v for _, run in frame.iterrows() for v in series_of(run, x)]
    scale_axis(canvas, every, values, "x", options.log_x)
    styles = styles_of(list(SIGNS))
    points: list[dict[str, Any]] = []
    for column, (panel_value, runs) in enumerate(parts):
        title_panel(canvas.axes[0][column], options, panel, panel_value)
        canvas.axes[-1][column].set_xlabel(column_label(x, options.labels))
        name = {} if panel is None else {panel: panel_value}
        for _, run in runs[is_ok(runs)].iterrows():
            for row, y in enumerate(options.y):
                axis = canvas.axes[row][column]
                for level, handle, found in _lines(axis, run, options, y, styles):
                    canvas.handles.setdefault(level, handle)
                    points += [{**name, **point} for point in found]
            if options.ticks is not None:
                points += [
                    {**name, **p}
                    for p in _ticks(canvas.axes[0][column], run, x, bare(options.ticks))
                ]
    for row, y in enumerate(options.y):
        label_y(canvas.axes[row][0], column_label(y, options.labels))
    if options.ticks is not None:
        canvas.note("ticks at the top mark breakpoints")
    canvas.figure.align_ylabels()
    note_statuses(canvas, frame, marked=False)
    order = grouping(panel, "series", "line", x, "value")
    return FigureResult(finish(canvas), points_table(points, order))


def _lines(
    axis: Axes, run: pd.Series, options: Config, y: str, styles: dict[Any, Any]
) -> list[tuple[str, Any, list[dict[str, Any]]]]:
    """One line for each neuron of a run; single knots are dots."""
    xs, ys, numbers, signs = (
        np.asarray(series_of(run, bare(n))) for n in (options.x, y, options.line, options.sign)
    )
    drawn = []
    for number in np.unique(numbers):
        mine = numbers == number
        level = "adds" if signs[mine].sum() >= 0 else "subtracts"
        style = styles[level]
        (handle,) = axis.plot(
            xs[mine],
            ys[mine],
            color=style.colour,
            linestyle=style.line,
            linewidth=0.8,
            alpha=0.8,
            marker="." if mine.sum() == 1 else "none",
        )
        rows = [
            {
                "series": bare(y),
                "line": int(number),
                bare(options.x): float(a),
                "value": float(b),
                "kind": "run",
                "status": run["status"],
                "runs": run["run_id"],
            }
            for a, b in zip(xs[mine], ys[mine], strict=True)
        ]
        drawn.append((level, handle, rows))
    return drawn


def _ticks(axis: Axes, run: pd.Series, x: str, ticks: str) -> list[dict[str, Any]]:
    places = series_of(run, ticks)
    axis.vlines(
        places, 0.95, 1.0, transform=axis.get_xaxis_transform(), color=NEUTRAL, linewidth=0.6
    )
    return [
        {"series": ticks, x: p, "kind": "tick", "status": run["status"], "runs": run["run_id"]}
        for p in places
    ]
