"""Probability of an answer against a number, Wilson intervals, what is undecided as a band."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

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
from relu_optima.publish.figures._points import BAND_ALPHA, grouping, numeric, points_table
from relu_optima.publish.frames import gather, run_ids
from relu_optima.publish.proportions import binned, proportion
from relu_optima.publish.scales import scale_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from relu_optima.publish.style import LineStyle

SPREAD = 0.12  # of a bin's width, between the intervals of two hues


class Config(PanelConfig):
    """Which answers count, over what."""

    words: ClassVar[tuple[str, ...]] = ("probability",)

    x: ColumnName = Field(description="Numeric column on the x axis.")
    bin: float = Field(gt=0, description="Runs are pooled over bins of this width of x.")
    of: ColumnName = Field(description="Column of answers.")
    count: list[str] = Field(min_length=1, description="Answers whose probability is shown.")
    undecided: list[str] = Field(default=["unknown"], description="Answers that are none.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw the share of runs that count, with the share that may count in a hatched band."""
    x, of, hue, panel = options.x, options.of, options.hue, options.panel
    frame = gather(frames, options, (x, of, hue, panel))
    frame = frame.assign(**{x: binned(numeric(frame, x), options.bin)})
    parts = split(frame, panel)
    canvas, panels = panel_canvas(
        options, len(parts), options.panel_columns, share_y=options.share_y
    )
    scale_axis(canvas, panels, frame[x], "x", options.log_x)
    found = hue_levels(frame, hue)
    styles = styles_of(found)
    points: list[dict[str, Any]] = []
    for axis, (panel_value, panel_runs) in zip(panels, parts, strict=True):
        title_panel(axis, options, panel, panel_value)
        for level, runs in split(panel_runs, hue):
            names = {c: v for c, v in ((panel, panel_value), (hue, level)) if c is not None}
            rows = [{**names, **_point(at, group, options)} for at, group in split(runs, x)]
            shift = (found.index(level) - (len(found) - 1) / 2) * SPREAD * options.bin
            handle = _draw(axis, rows, x, styles[level], 0.0 if options.log_x else shift)
            canvas.handles.setdefault(hue_label(options, hue, level), handle)
            points += rows
        axis.set_ylim(-0.03, 1.03)
    label_axes(canvas, panels, options, x, "probability")
    canvas.note(
        "bars are 95\N{NO-BREAK SPACE}% Wilson intervals that hold whatever undecided runs would "
        "have answered; hatched: undecided"
    )
    sizes = sorted({p["n"] for p in points})
    many = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    canvas.note(f"{many} runs in each bin of {options.bin:g}")
    note_statuses(canvas, frame, marked=False)
    return FigureResult(
        finish(canvas), points_table(points, grouping(panel, hue, x, "probability"))
    )


def _point(at: float, runs: pd.DataFrame, options: Config) -> dict[str, Any]:
    answer = proportion(runs[options.of], options.count, options.undecided)
    return {
        options.x: at,
        "probability": answer.share,
        "kind": "share",
        "n": answer.n,
        "count": answer.hits,
        "undecided": answer.undecided,
        "low": answer.low,
        "high": answer.high,
        "runs": run_ids(runs),
    }


def _draw(axis: Axes, rows: list[dict[str, Any]], x: str, style: LineStyle, shift: float) -> Any:
    """Draw one line, its intervals beside each other, and the band of undecided runs."""
    xs = [row[x] for row in rows]
    low = [row["probability"] for row in rows]
    high = [row["probability"] + row["undecided"] / row["n"] for row in rows]
    if any(row["undecided"] for row in rows):
        axis.fill_between(
            xs,
            low,
            high,
            facecolor=style.colour,
            alpha=BAND_ALPHA,
            hatch="////",
            edgecolor=style.colour,
            linewidth=0,
        )
    axis.vlines(
        [at + shift for at in xs],
        [row["low"] for row in rows],
        [row["high"] for row in rows],
        color=style.colour,
        linewidth=0.7,
    )
    (handle,) = axis.plot(xs, low, color=style.colour, marker=style.marker, linestyle=style.line)
    return handle
