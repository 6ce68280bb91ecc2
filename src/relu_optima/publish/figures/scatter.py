"""One marker for each run: how two results or settings go together."""

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
from relu_optima.publish.config import ColumnName
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import PanelConfig
from relu_optima.publish.figures._points import (
    cross_bad_runs,
    grouping,
    numeric,
    points_table,
    run_points,
)
from relu_optima.publish.frames import gather, is_ok
from relu_optima.publish.scales import at_least, scale_axis
from relu_optima.publish.style import NEUTRAL

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


class Config(PanelConfig):
    """Columns on the axes."""

    x: ColumnName = Field(description="Numeric column on the x axis.")
    y: ColumnName = Field(description="Numeric column on the y axis.")
    diagonal: bool = Field(default=False, description="Draw the line y = x.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw one marker for each run."""
    x, y, hue, panel = options.x, options.y, options.hue, options.panel
    frame = gather(frames, options, (x, y, hue, panel))
    frame = frame.assign(**{x: numeric(frame, x), y: numeric(frame, y)})
    parts = split(frame, panel)
    canvas, panels = panel_canvas(
        options, len(parts), options.panel_columns, share_y=options.share_y
    )
    floors = (
        scale_axis(canvas, panels, frame[x], "x", options.log_x),
        scale_axis(canvas, panels, frame[y], "y", options.log_y),
    )
    styles = styles_of(hue_levels(frame, hue))
    points: list[dict[str, Any]] = []
    for axis, (panel_value, panel_runs) in zip(panels, parts, strict=True):
        title_panel(axis, options, panel, panel_value)
        for level, runs in split(panel_runs, hue):
            style, good = styles[level], runs[is_ok(runs)]
            (handle,) = axis.plot(
                at_least(good[x], floors[0]),
                at_least(good[y], floors[1]),
                color=style.colour,
                marker=style.marker,
                linestyle="none",
                alpha=0.8,
                markeredgewidth=0,
            )
            cross_bad_runs(axis, runs, x, y, style, floors)
            canvas.handles.setdefault(hue_label(options, hue, level), handle)
            points += run_points(runs, grouping(panel, hue), x, y)
        if options.diagonal:
            _diagonal(axis, panel_runs, x, y)
    label_axes(canvas, panels, options, x, y)
    note_statuses(canvas, frame, marked=True)
    lost = int((~(frame[x].map(math.isfinite) & frame[y].map(math.isfinite))).sum())
    if lost:
        canvas.note(f"{lost} of {len(frame)} runs lack a finite value")
    return FigureResult(finish(canvas), points_table(points, grouping(panel, hue, x, y)))


def _diagonal(axis: Axes, frame: pd.DataFrame, x: str, y: str) -> None:
    """Draw y = x behind the markers, over the range both columns have."""
    values = [v for v in [*frame[x], *frame[y]] if math.isfinite(v)]
    if axis.get_xscale() == "log":
        values = [v for v in values if v > 0]
    if values:
        ends = [min(values), max(values)]
        axis.plot(ends, ends, color=NEUTRAL, linewidth=0.8, zorder=1)
