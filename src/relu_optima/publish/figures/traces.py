"""One series against another (loss over epochs, accuracy over neurons), summarised over seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from relu_optima.publish.aggregate import SPREAD_HELP, Spread
from relu_optima.publish.canvas import (
    finish,
    hue_label,
    hue_levels,
    label_axes,
    note_statuses,
    panel_canvas,
    split,
    styles_of,
    title_panel,
)
from relu_optima.publish.config import SeriesName
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import PooledConfig
from relu_optima.publish.figures._curves import ALIGN_HELP, Align, draw_curves
from relu_optima.publish.figures._points import grouping, note_intervals, points_table
from relu_optima.publish.frames import bare, gather, refuse_hidden_pooling, series_of
from relu_optima.publish.scales import scale_axis

if TYPE_CHECKING:
    import pandas as pd


class Config(PooledConfig):
    """Series on the axes."""

    x: SeriesName = Field(description="Series on the x axis.")
    y: SeriesName = Field(description="Series on the y axis.")
    spread: Spread = Field(default="interval", description=SPREAD_HELP)
    align: Align = Field(default="exact", description=ALIGN_HELP)


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw series, as medians over seeds or run by run."""
    x, y, hue, panel = bare(options.x), bare(options.y), options.hue, options.panel
    frame = gather(frames, options, (options.x, options.y, hue, panel))
    if options.align != "none":
        refuse_hidden_pooling(frame, grouping(panel, hue), options.pool, "pool")
    parts = split(frame, panel)
    canvas, panels = panel_canvas(
        options, len(parts), options.panel_columns, share_y=options.share_y
    )
    values = {s: [v for _, r in frame.iterrows() for v in series_of(r, s)] for s in (x, y)}
    floors = (
        scale_axis(canvas, panels, values[x], "x", options.log_x),
        scale_axis(canvas, panels, values[y], "y", options.log_y),
    )
    styles = styles_of(hue_levels(frame, hue))
    points: list[dict[str, Any]] = []
    for axis, (panel_value, panel_runs) in zip(panels, parts, strict=True):
        title_panel(axis, options, panel, panel_value)
        for level, runs in split(panel_runs, hue):
            handle, rows = draw_curves(
                axis, runs, x, y, options.align, styles[level], floors, options.spread
            )
            if handle is not None:
                canvas.handles.setdefault(hue_label(options, hue, level), handle)
            names = {c: v for c, v in ((panel, panel_value), (hue, level)) if c is not None}
            points += [{**names, **row} for row in rows]
    label_axes(canvas, panels, options, x, y)
    note_intervals(canvas, points, frame, grouping(panel, hue), options.spread)
    note_statuses(canvas, frame, marked=True)
    return FigureResult(finish(canvas), points_table(points, grouping(panel, hue, x, y)))
