"""One small marker for each line of two series, e.g. for each training sample of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

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
from relu_optima.publish.figure_config import PanelConfig
from relu_optima.publish.figures._points import grouping, points_table
from relu_optima.publish.frames import bare, gather, is_ok, series_of
from relu_optima.publish.scales import at_least, scale_axis

if TYPE_CHECKING:
    import pandas as pd


class Config(PanelConfig):
    """Series on the axes."""

    x: SeriesName = Field(description="Series on the x axis.")
    y: SeriesName = Field(description="Series on the y axis.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw one marker for each line of the series."""
    x, y, hue, panel = bare(options.x), bare(options.y), options.hue, options.panel
    frame = gather(frames, options, (options.x, options.y, hue, panel))
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
    empty = 0
    for axis, (panel_value, panel_runs) in zip(panels, parts, strict=True):
        title_panel(axis, options, panel, panel_value)
        for level, runs in split(panel_runs, hue):
            names = {c: v for c, v in ((panel, panel_value), (hue, level)) if c is not None}
            for _, run in runs[is_ok(runs)].iterrows():
                pairs = [
                    (a, b)
                    for a, b in zip(series_of(run, x), series_of(run, y), strict=True)
                    if math.isfinite(a) and math.isfinite(b)
                ]
                empty += not pairs
                style = styles[level]
                (handle,) = axis.plot(
                    at_least([a for a, _ in pairs], floors[0]),
                    at_least([b for _, b in pairs], floors[1]),
                    color=style.colour,
                    marker=style.marker,
                    linestyle="none",
                    markersize=2.2,
                    alpha=0.6,
                    markeredgewidth=0,
                )
                canvas.handles.setdefault(hue_label(options, hue, level), handle)
                points += [
                    {
                        **names,
                        x: a,
                        y: b,
                        "kind": "line",
                        "status": run["status"],
                        "runs": run["run_id"],
                    }
                    for a, b in pairs
                ]
    label_axes(canvas, panels, options, x, y)
    note_statuses(canvas, frame, marked=False)
    if empty:
        canvas.note(f"{empty} of {len(frame)} runs have no value to show")
    return FigureResult(finish(canvas), points_table(points, grouping(panel, hue, x, y)))
