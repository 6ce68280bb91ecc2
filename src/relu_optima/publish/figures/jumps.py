"""A norm along a path, with its isolated drops: the value above, at and below each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from relu_optima.publish.canvas import (
    finish,
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
from relu_optima.publish.scales import scale_axis

if TYPE_CHECKING:
    import pandas as pd


class Config(PanelConfig):
    """Series of the path and of its breakpoints."""

    x: SeriesName = Field(description="Series of knots on the x axis.")
    y: SeriesName = Field(description="Series of knots on the y axis.")
    at: SeriesName = Field(description="Series of breakpoints on the x axis.")
    above: SeriesName = Field(description="Value just above each breakpoint.")
    inside: SeriesName = Field(description="Value at each breakpoint.")
    jump: SeriesName = Field(description="Relative size of each drop.")
    smallest: float = Field(default=1e-4, gt=0, description="Size above which a drop is drawn.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw the norm and its drops."""
    panel = options.panel
    needed = (options.x, options.y, options.at, options.above, options.inside, options.jump)
    frame = gather(frames, options, (*needed, panel))
    names = [bare(n) for n in needed]
    x, y = names[:2]
    parts = split(frame, panel)
    canvas, panels = panel_canvas(
        options, len(parts), options.panel_columns, share_y=options.share_y
    )
    values = [v for _, run in frame.iterrows() for v in series_of(run, x)]
    scale_axis(canvas, panels, values, "x", options.log_x)
    heights = [v for _, run in frame.iterrows() for v in series_of(run, y)]
    scale_axis(canvas, panels, heights, "y", options.log_y)
    styles = styles_of(["path", "drop"])
    points: list[dict[str, Any]] = []
    for axis, (panel_value, runs) in zip(panels, parts, strict=True):
        title_panel(axis, options, panel, panel_value)
        name = {} if panel is None else {panel: panel_value}
        for _, run in runs[is_ok(runs)].iterrows():
            knots, norm, at, above, inside, jump = (np.asarray(series_of(run, n)) for n in names)
            same = {**name, "status": run["status"], "runs": run["run_id"]}
            drop = jump > options.smallest
            order = np.argsort(np.concatenate([knots, at[drop]]), kind="stable")
            (handle,) = axis.plot(
                np.concatenate([knots, at[drop]])[order],
                np.concatenate([norm, above[drop]])[order],
                color=styles["path"].colour,
            )
            canvas.handles.setdefault("min-norm optimum", handle)
            axis.vlines(at[drop], inside[drop], above[drop], color=styles["drop"].colour, lw=0.8)
            (mark,) = axis.plot(
                at[drop], inside[drop], color=styles["drop"].colour, marker="o", linestyle="none"
            )
            if drop.any():
                canvas.handles.setdefault("at an isolated degeneracy", mark)
            points += [
                {**same, x: float(a), y: float(b), "kind": "knot"}
                for a, b in zip(knots, norm, strict=True)
            ]
            points += [
                {**same, x: float(a), y: float(b), "kind": "drop"}
                for a, b in zip(at[drop], inside[drop], strict=True)
            ]
    label_axes(canvas, panels, options, x, y)
    note_statuses(canvas, frame, marked=False)
    return FigureResult(finish(canvas), points_table(points, grouping(panel, x, y)))
