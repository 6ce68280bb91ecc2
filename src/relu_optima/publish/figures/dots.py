"""Medians with intervals for named categories, every run shown behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from relu_optima.publish.aggregate import aggregate_seeds
from relu_optima.publish.canvas import (
    MARK,
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
from relu_optima.publish.config import ColumnName, PooledName
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.figures._points import (
    grouping,
    note_intervals,
    numeric,
    points_table,
    run_points,
)
from relu_optima.publish.figures.line import summary_points
from relu_optima.publish.frames import gather, is_ok, refuse_hidden_pooling
from relu_optima.publish.labels import value_label
from relu_optima.publish.scales import at_least, scale_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from relu_optima.publish.style import LineStyle

SPREAD = 0.7  # share of a category's height that its hues take


class Config(FigureConfig):
    """Category down, value across: long names of categories stay horizontal."""

    y: ColumnName = Field(description="Column with one line for each value.")
    x: ColumnName = Field(description="Numeric result column.")
    hue: ColumnName | None = Field(
        default=None, description="Column told apart by colour and marker."
    )
    panel: ColumnName | None = Field(
        default=None, description="Column with one panel for each value."
    )
    panel_columns: int = Field(default=2, ge=1, le=4, description="Panels side by side.")
    log_x: bool = Field(default=False, description="Logarithmic x axis.")
    zero: bool = Field(
        default=False, description="Let the x axis hold zero: start there where no value is less."
    )
    pool: list[PooledName] = Field(
        default=[],
        description="Config columns besides seeds over which runs are pooled on purpose.",
    )


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw the median and interval of each category, and its runs as pale markers."""
    x, y, hue, panel = options.x, options.y, options.hue, options.panel
    frame = gather(frames, options, (x, y, hue, panel))
    frame = frame.assign(**{x: numeric(frame, x)})
    refuse_hidden_pooling(frame, grouping(panel, hue, y), options.pool, "pool")
    parts = split(frame, panel)
    canvas, panels = panel_canvas(options, len(parts), options.panel_columns, share_y=True)
    floor = scale_axis(canvas, panels, frame[x], "x", options.log_x)
    categories = hue_levels(frame, y)
    found = hue_levels(frame, hue)
    styles = styles_of(found)
    step = SPREAD / len(found)
    points: list[dict[str, Any]] = []
    for axis, (panel_value, panel_runs) in zip(panels, parts, strict=True):
        title_panel(axis, options, panel, panel_value)
        for level, runs in split(panel_runs, hue):
            index = found.index(level)
            shift = step * (index - (len(found) - 1) / 2)
            place = {c: i + shift for i, c in enumerate(categories)}
            handle, more = _draw(axis, runs, options, place, styles[level], floor)
            canvas.handles.setdefault(hue_label(options, hue, level), handle)
            points += more
        axis.set_yticks(
            range(len(categories)), [value_label(c, options.values) for c in categories]
        )
        axis.set_ylim(len(categories) - 0.5, -0.5)
        axis.grid(visible=False, axis="y")
        if options.zero and not options.log_x:
            known = [0.0, *(v for v in panel_runs[x] if math.isfinite(v))]
            least, most = min(known), max(known)
            room = 0.08 * (most - least or 1.0)
            axis.set_xlim(least - room if least < 0 else 0, most + room if most > 0 else room)
            if least < 0:
                axis.axvline(0, color="0.2", linewidth=0.8, zorder=1)
    label_axes(canvas, panels, options, x, y)
    note_intervals(canvas, points, frame, grouping(panel, hue, y))
    note_statuses(canvas, frame, marked=True)
    return FigureResult(finish(canvas), points_table(points, grouping(panel, hue, y, x)))


def _draw(
    axis: Axes,
    runs: pd.DataFrame,
    options: Config,
    place: dict[Any, float],
    style: LineStyle,
    floor: float | None,
) -> tuple[Artist, list[dict[str, Any]]]:
    """Draw one hue: pale markers and crosses for runs, error bars for medians."""
    x, y = options.x, options.y
    by = grouping(options.panel, options.hue, y)
    good, bad = runs[is_ok(runs)], runs[~is_ok(runs)]
    axis.plot(
        at_least(good[x], floor),
        [place[v] for v in good[y]],
        color=style.colour,
        marker=style.marker,
        linestyle="none",
        markersize=3.4,
        markeredgewidth=0,
        alpha=0.35,
    )
    axis.plot(at_least(bad[x], floor), [place[v] for v in bad[y]], color=style.colour, **MARK)
    table = aggregate_seeds(runs, by, [x])
    middle, low, high = (
        at_least(table[f"{x}.{part}"], floor) for part in ("median", "low", "high")
    )
    ends = [
        [m - e for m, e in zip(middle, low, strict=True)],
        [e - m for m, e in zip(middle, high, strict=True)],
    ]
    handle = axis.errorbar(
        middle,
        [place[v] for v in table[y]],
        xerr=ends,
        color=style.colour,
        marker=style.marker,
        linestyle="none",
        capsize=2,
        elinewidth=1,
        markersize=4.5,
    )
    return handle[0], summary_points(table, x) + run_points(runs, by, y, x)
