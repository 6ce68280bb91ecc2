"""Medians with intervals over categories, every seed shown behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from relu_optima.config.schema.figure import PooledConfig
from relu_optima.publish.aggregate import aggregate_seeds
from relu_optima.publish.canvas import (
    MARK,
    at_least,
    finish,
    hue_label,
    hue_levels,
    label_axes,
    note_statuses,
    panel_canvas,
    scale_axis,
    split,
    styles_of,
    title_panel,
)
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
from relu_optima.publish.products import FigureResult

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer

    from relu_optima.publish.style import LineStyle

SPREAD = 0.7  # share of a category's width that its hues take


class Config(PooledConfig):
    """Category and value."""

    x: str = Field(min_length=1, description="Column with one category for each value.")
    y: str = Field(min_length=1, description="Numeric result column.")
    zero: bool = Field(default=False, description="Let the y axis start at zero.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw the median and interval of each category, and its runs as pale markers.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Collected sweeps.
    options : Config
        The figure.

    Returns
    -------
    FigureResult
        The figure; a point for each median and for each run.
    """
    x, y, hue, panel = options.x, options.y, options.hue, options.panel
    frame = gather(frames, options, (x, y, hue, panel))
    frame = frame.assign(**{y: numeric(frame, y)})
    by = grouping(panel, hue, x)
    refuse_hidden_pooling(frame, by, options.pool, "pool")
    parts = split(frame, panel)
    canvas, panels = panel_canvas(
        options, len(parts), options.panel_columns, share_y=options.share_y
    )
    floor = scale_axis(canvas, panels, frame[y], "y", options.log_y)
    categories = hue_levels(frame, x)
    found = hue_levels(frame, hue)
    styles = styles_of(found)
    step = SPREAD / len(found)
    points: list[dict[str, Any]] = []
    for axis, (panel_value, panel_runs) in zip(panels, parts, strict=True):
        title_panel(axis, options, panel, panel_value)
        for index, level in enumerate(found):
            runs = panel_runs if hue is None else dict(split(panel_runs, hue)).get(level)
            if runs is None:
                continue
            shift = step * (index - (len(found) - 1) / 2)
            handle, more = _draw(axis, runs, options, categories, shift, styles[level], floor)
            canvas.handles.setdefault(hue_label(options, hue, level), handle)
            points += more
        axis.set_xticks(range(len(categories)))
        texts = [value_label(c, options.values) for c in categories]
        crowded = sum(map(len, texts)) > 14 * canvas.figure.get_figwidth() / min(
            len(parts), options.panel_columns
        )
        axis.set_xticklabels(texts, rotation=35 if crowded else 0, ha="right" if crowded else None)
        axis.set_xlim(-0.6, len(categories) - 0.4)
        axis.grid(visible=False, axis="x")
        if options.zero and not options.log_y:
            axis.set_ylim(bottom=0)
    label_axes(canvas, panels, options, x, y)
    note_intervals(canvas, points)
    note_statuses(canvas, frame, marked=True)
    return FigureResult(finish(canvas), points_table(points, grouping(panel, hue, x, y)))


def _draw(
    axis: Axes,
    runs: pd.DataFrame,
    options: Config,
    categories: list[Any],
    shift: float,
    style: LineStyle,
    floor: float | None,
) -> tuple[ErrorbarContainer, list[dict[str, Any]]]:
    """Draw one hue: crosses and pale markers for runs, errorbars for medians."""
    x, y = options.x, options.y
    by = grouping(options.panel, options.hue, x)
    place = {c: i + shift for i, c in enumerate(categories)}
    good, bad = runs[is_ok(runs)], runs[~is_ok(runs)]
    axis.plot(
        [place[v] for v in good[x]],
        at_least(good[y], floor),
        color=style.colour,
        marker=style.marker,
        linestyle="none",
        markersize=2.6,
        markeredgewidth=0,
        alpha=0.35,
    )
    axis.plot([place[v] for v in bad[x]], at_least(bad[y], floor), color=style.colour, **MARK)
    table = aggregate_seeds(runs, by, [y])
    middle, low, high = (
        at_least(table[f"{y}.{part}"], floor) for part in ("median", "low", "high")
    )
    ends = [
        [m - e for m, e in zip(middle, low, strict=True)],
        [e - m for m, e in zip(middle, high, strict=True)],
    ]
    handle = axis.errorbar(
        [place[v] for v in table[x]],
        middle,
        yerr=ends,
        color=style.colour,
        marker=style.marker,
        linestyle="none",
        capsize=2,
        elinewidth=1,
        markersize=4.5,
    )
    return handle, summary_points(table, y) + run_points(runs, by, x, y)
