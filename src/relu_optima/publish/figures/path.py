"""Several series of a path above each other on one x axis, e.g. along a regularisation path."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from relu_optima.publish.aggregate import SPREAD_HELP, Spread
from relu_optima.publish.canvas import (
    Canvas,
    finish,
    hue_label,
    hue_levels,
    label_y,
    make_canvas,
    note_statuses,
    split,
    styles_of,
    title_panel,
)
from relu_optima.publish.config import ColumnName, PooledName, SeriesName
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.figures._curves import ALIGN_HELP, Align, draw_curves
from relu_optima.publish.figures._points import grouping, note_intervals, points_table
from relu_optima.publish.frames import bare, gather, refuse_hidden_pooling, run_ids, series_of
from relu_optima.publish.labels import column_label
from relu_optima.publish.scales import scale_axis
from relu_optima.publish.style import NEUTRAL

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

BESIDE = 0.1  # of the height of the curves, by which a predicted slope stands above their end


class Config(FigureConfig):
    """Series on the common x axis and on the stacked y axes."""

    x: SeriesName = Field(description="Series on the x axis.")
    y: list[SeriesName] = Field(
        min_length=1, max_length=6, description="Series, one row of panels for each."
    )
    hue: ColumnName | None = Field(
        default=None, description="Column told apart by colour and marker."
    )
    panel: ColumnName | None = Field(
        default=None, description="Column with one column of panels for each value."
    )
    predicted: dict[SeriesName, ColumnName] = Field(
        default={},
        description="Series of `y`, each with the column whose values are drawn beside it as "
        "dotted lines.",
    )
    slopes: dict[SeriesName, float] = Field(
        default={},
        description="Series of `y`, each with the exponent that theory predicts at the end of x: "
        "a grey line of this slope above the end of the curves; both axes logarithmic.",
    )
    log_x: bool = Field(default=False, description="Logarithmic x axis.")
    log_y: list[SeriesName] = Field(default=[], description="Series of `y` on logarithmic axes.")
    spread: Spread = Field(default="interval", description=SPREAD_HELP)
    align: Align = Field(default="linear", description=ALIGN_HELP)
    pool: list[PooledName] = Field(
        default=[],
        description="Config columns besides seeds over which runs are pooled on purpose.",
    )


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw stacked series along a path."""
    x, hue, panel = bare(options.x), options.hue, options.panel
    series, logarithmic = [bare(n) for n in options.y], [bare(n) for n in options.log_y]
    frame = gather(
        frames, options, (options.x, *options.y, hue, panel, *options.predicted.values())
    )
    if options.align != "none":
        refuse_hidden_pooling(frame, grouping(panel, hue), options.pool, "pool")
    parts = split(frame, panel)
    canvas = make_canvas(options, len(options.y), len(parts), share_x=True)
    every = [axis for row in canvas.axes for axis in row]
    values = {n: [v for _, r in frame.iterrows() for v in series_of(r, n)] for n in (x, *series)}
    floor_x = scale_axis(canvas, every, values[x], "x", options.log_x)
    styles = styles_of(hue_levels(frame, hue))
    points: list[dict[str, Any]] = []
    for name, row in zip(series, canvas.axes, strict=True):
        floor_y = scale_axis(canvas, row, values[name], "y", name in logarithmic)
        label_y(row[0], column_label(name, options.labels))
        for axis, (panel_value, panel_runs) in zip(row, parts, strict=True):
            for level, runs in split(panel_runs, hue):
                handle, found = draw_curves(
                    axis,
                    runs,
                    x,
                    name,
                    options.align,
                    styles[level],
                    (floor_x, floor_y),
                    options.spread,
                )
                if handle is not None:
                    canvas.handles.setdefault(hue_label(options, hue, level), handle)
                names = {c: v for c, v in ((panel, panel_value), (hue, level)) if c is not None}
                points += [{**names, "series": name, "value": p.pop(name), **p} for p in found]
            told = {bare(n): c for n, c in options.predicted.items()}.get(name)
            known = panel_runs.dropna(subset=[told]) if told else panel_runs
            for value, runs in split(known, told) if told else ():
                handle = axis.axhline(value, color="0.2", linestyle=":", zorder=3)
                canvas.handles.setdefault("predicted", handle)
                shared = {} if panel is None else {panel: panel_value}
                shared |= {"series": name, "value": value, "kind": "predicted"}
                points.append(shared | {"runs": run_ids(runs)})
        for slope in (e for n, e in options.slopes.items() if bare(n) == name):
            for axis in row:
                _predict_slope(canvas, axis, slope)
    for column, (panel_value, _) in enumerate(parts):
        title_panel(canvas.axes[0][column], options, panel, panel_value)
        canvas.axes[-1][column].set_xlabel(column_label(x, options.labels))
    canvas.figure.align_ylabels()
    note_intervals(canvas, points, frame, grouping(panel, hue), options.spread)
    note_statuses(canvas, frame, marked=True)
    order = grouping(panel, hue, "series", x, "value")
    return FigureResult(finish(canvas), points_table(points, order))


def _predict_slope(canvas: Canvas, axis: Axes, exponent: float) -> None:
    """Draw a power of x over the last two decades, beside the curves rather than on them."""
    drawn = [np.asarray(line.get_xydata(), dtype=float) for line in axis.lines]
    shown = [(float(x), float(y)) for xy in drawn for x, y in xy if x > 0 and y > 0]
    if not shown:
        return
    last, level = max(shown)
    level *= (max(y for _, y in shown) / min(y for _, y in shown)) ** BESIDE
    xs = [last / 100, last]
    (handle,) = axis.plot(
        xs,
        [level * (x / last) ** exponent for x in xs],
        color=NEUTRAL,
        linestyle=":",
        linewidth=1.6,
        zorder=4,
    )
    power = str(Fraction(exponent).limit_denominator(12)).replace("-", "\N{MINUS SIGN}")
    canvas.handles.setdefault(f"slope {power}", handle)
