"""Lines of medians over seeds with an interval band, one line for each hue, one panel each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from relu_optima.publish.aggregate import aggregate_seeds
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
from relu_optima.publish.figure_config import PooledConfig
from relu_optima.publish.figures._points import (
    BAND_ALPHA,
    cross_bad_runs,
    grouping,
    note_intervals,
    numeric,
    points_table,
    run_points,
)
from relu_optima.publish.frames import gather, is_ok, refuse_hidden_pooling
from relu_optima.publish.scales import at_least, scale_axis

if TYPE_CHECKING:
    import pandas as pd


class Config(PooledConfig):
    """Columns on the axes."""

    x: ColumnName = Field(description="Numeric column on the x axis, usually an axis.")
    y: ColumnName = Field(description="Numeric result column on the y axis.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw medians over seeds against a numeric column."""
    x, y, hue, panel = options.x, options.y, options.hue, options.panel
    frame = gather(frames, options, (x, y, hue, panel))
    frame = frame.assign(**{x: numeric(frame, x), y: numeric(frame, y)})
    by = grouping(panel, hue, x)
    refuse_hidden_pooling(frame, by, options.pool, "pool")
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
            style = styles[level]
            table = aggregate_seeds(runs, by, [y]).sort_values(x, kind="stable")
            xs = at_least(table[x], floors[0])
            medians = at_least(table[f"{y}.median"], floors[1])
            low, high = (at_least(table[f"{y}.{end}"], floors[1]) for end in ("low", "high"))
            (handle,) = axis.plot(
                xs, medians, color=style.colour, marker=style.marker, linestyle=style.line
            )
            axis.fill_between(xs, low, high, color=style.colour, alpha=BAND_ALPHA, linewidth=0)
            cross_bad_runs(axis, runs, x, y, style, floors)
            canvas.handles.setdefault(hue_label(options, hue, level), handle)
            points += summary_points(table, y)
            points += run_points(runs[~is_ok(runs)], by, x, y)
    label_axes(canvas, panels, options, x, y)
    note_intervals(canvas, points, frame, by)
    note_statuses(canvas, frame, marked=True)
    return FigureResult(finish(canvas), points_table(points, grouping(panel, hue, x, y)))


def summary_points(table: pd.DataFrame, y: str) -> list[dict[str, Any]]:
    """List medians as points."""
    names = {f"{y}.{part}": part for part in ("n", "low", "high", "coverage")}
    renamed = table.rename(columns={**names, f"{y}.median": y, "not_ok": "status"})
    return [
        {**{str(k): v for k, v in row.items()}, "kind": "median", "status": row["status"] or "ok"}
        for row in renamed.to_dict("records")
    ]
