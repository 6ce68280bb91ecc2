"""Counts by width as a staircase, with the widths where something is known to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from relu_optima.errors import DataError
from relu_optima.publish.canvas import (
    finish,
    label_axes,
    note_statuses,
    panel_canvas,
    split,
    styles_of,
    title_panel,
)
from relu_optima.publish.config import ColumnName, SeriesName
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import PanelConfig
from relu_optima.publish.figures._points import grouping, points_table
from relu_optima.publish.frames import bare, gather, is_ok, series_of
from relu_optima.publish.labels import column_label
from relu_optima.publish.scales import scale_axis

if TYPE_CHECKING:
    import pandas as pd


class Config(PanelConfig):
    """Series of the counts, and columns with the widths to mark."""

    x: SeriesName = Field(description="Series of widths on the x axis.")
    y: SeriesName = Field(description="Series of counts, drawn as steps.")
    of_these: SeriesName = Field(description="Series of counts among them, drawn as markers.")
    marks: list[ColumnName] = Field(description="Columns with widths, a vertical line each.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw one staircase in each panel."""
    from matplotlib.ticker import MaxNLocator

    panel = options.panel
    frame = gather(frames, options, (options.x, options.y, options.of_these, *options.marks, panel))
    x, y, part = (bare(name) for name in (options.x, options.y, options.of_these))
    parts = split(frame, panel)
    canvas, panels = panel_canvas(
        options, len(parts), options.panel_columns, share_y=options.share_y
    )
    counts = [v for _, run in frame.iterrows() for v in series_of(run, y)]
    scale_axis(canvas, panels, counts, "y", options.log_y)
    styles = styles_of(["steps", "part", *options.marks])
    points: list[dict[str, Any]] = []
    for axis, (panel_value, runs) in zip(panels, parts, strict=True):
        title_panel(axis, options, panel, panel_value)
        name = {} if panel is None else {panel: panel_value}
        good = runs[is_ok(runs)]
        if len(good) > 1:
            raise DataError(
                f"{len(good)} runs share a panel of a staircase",
                where="panel",
                fix="choose a column that tells them apart, or narrow `where`",
            )
        for _, run in good.iterrows():
            widths, pieces, those = (series_of(run, n) for n in (x, y, part))
            (steps,) = axis.step(widths, pieces, where="mid", color=styles["steps"].colour)
            shown = [(w, v) for w, v in zip(widths, those, strict=True) if v > 0]
            (mark,) = axis.plot(
                [w for w, _ in shown],
                [v for _, v in shown],
                color=styles["part"].colour,
                marker="o",
                linestyle="none",
            )
            canvas.handles.setdefault(column_label(options.y, options.labels), steps)
            canvas.handles.setdefault(column_label(options.of_these, options.labels), mark)
            for place, column in enumerate(options.marks):
                line = axis.axvline(  # wider behind, so that equal widths all show
                    float(run[column]),
                    color=styles[column].colour,
                    linestyle=styles[column].line,
                    linewidth=0.9 + place,
                    alpha=0.7,
                    zorder=-place,
                )
                canvas.handles.setdefault(column_label(column, options.labels), line)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            same = {**name, "status": run["status"], "runs": run["run_id"]}
            same |= {column: int(run[column]) for column in options.marks}
            points += [
                {**same, x: int(w), y: float(a), part: float(b), "kind": "width"}
                for w, a, b in zip(widths, pieces, those, strict=True)
            ]
    label_axes(canvas, panels, options, x, y)
    note_statuses(canvas, frame, marked=False)
    return FigureResult(finish(canvas), points_table(points, grouping(panel, x, y)))
