"""Stacked shares of the values of a column, e.g. of verdicts over the density of random masks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from relu_optima.publish.canvas import (
    finish,
    hue_levels,
    label_axes,
    note_statuses,
    panel_canvas,
    split,
    title_panel,
)
from relu_optima.publish.config import ColumnName
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.figures._points import grouping, points_table
from relu_optima.publish.frames import ProductError, gather, run_ids
from relu_optima.publish.labels import column_label, value_label
from relu_optima.publish.style import COLOURS, FIXED_COLOURS

if TYPE_CHECKING:
    import pandas as pd

PANELS = "question"
LEGIBLE = 60  # letters that fit side by side along all x axes
HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++++")


class Config(FigureConfig):
    """Which column is counted, over what."""

    words: ClassVar[tuple[str, ...]] = ("share_of_runs",)

    x: ColumnName = Field(description="Column with one bar for each value.")
    share_of: ColumnName | list[ColumnName] = Field(
        min_length=1,
        description="Column whose values are counted; several columns get one panel each.",
    )
    panel: ColumnName | None = Field(
        default=None, description="Column with one panel for each value."
    )
    panel_columns: int = Field(default=3, ge=1, le=4, description="Panels side by side.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw one stacked bar of shares for each value of x."""
    x, counted, panel = options.x, "value", options.panel
    if isinstance(options.share_of, str):
        counted = options.share_of
        frame = gather(frames, options, (x, counted, panel))
    elif panel is None:
        panel = PANELS
        frame = _stacked(gather(frames, options, (x, *options.share_of)), options)
    else:
        raise ProductError("several counted columns need the panels", where="share_of, panel")
    frame = frame.assign(**{counted: frame[counted].where(frame[counted].notna(), "missing")})
    parts = split(frame, panel)
    canvas, panels = panel_canvas(options, len(parts), options.panel_columns, share_y=True)
    # verdicts stack in one order everywhere: those with a fixed colour first
    found = hue_levels(frame, counted)
    order = [v for v in FIXED_COLOURS if v in found] + [v for v in found if v not in FIXED_COLOURS]
    places = hue_levels(frame, x)
    points: list[dict[str, Any]] = []
    for axis, (panel_value, panel_runs) in zip(panels, parts, strict=True):
        title_panel(axis, options, panel, panel_value)
        groups = dict(split(panel_runs, x))
        bottom = [0.0] * len(places)
        for index, value in enumerate(order):
            heights = []
            for place in places:
                group = groups.get(place, panel_runs.iloc[:0])
                matching = group[group[counted] == value]
                share = len(matching) / len(group) if len(group) else 0.0
                heights.append(share)
                if len(matching):
                    names = {} if panel is None else {panel: panel_value}
                    points.append(
                        {
                            **names,
                            x: place,
                            counted: value,
                            "kind": "share",
                            "share": share,
                            "count": len(matching),
                            "n": len(group),
                            "runs": run_ids(matching),
                        }
                    )
            bars = axis.bar(
                range(len(places)),
                heights,
                bottom=bottom,
                width=0.85,
                color=FIXED_COLOURS.get(str(value), COLOURS[index % len(COLOURS)]),
                hatch=HATCHES[index % len(HATCHES)],
                edgecolor="white",
                linewidth=0.4,
            )
            canvas.handles.setdefault(value_label(value, options.values), bars[0])
            bottom = [b + h for b, h in zip(bottom, heights, strict=True)]
        ticks = [value_label(p, options.values) for p in places]
        axis.set_xticks(range(len(places)), ticks)
        if sum(map(len, ticks)) * min(len(panels), options.panel_columns) > LEGIBLE:
            axis.tick_params(axis="x", rotation=35)
            for label in axis.get_xticklabels():
                label.set(ha="right", rotation_mode="anchor")
        axis.set_ylim(0, 1)
        axis.grid(visible=False, axis="x")
    label_axes(canvas, panels, options, x, "share_of_runs")
    sizes = sorted({p["n"] for p in points})
    many = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    canvas.note(f"{many} run{'s' if sizes[-1] > 1 else ''} in each bar")
    if "status" not in options.share_of:
        note_statuses(canvas, frame, marked=False)
    return FigureResult(finish(canvas), points_table(points, grouping(panel, x, counted)))


def _stacked(frame: pd.DataFrame, options: Config) -> pd.DataFrame:
    """Repeat the runs once for each counted column, named in the column of the panels."""
    import pandas as pd

    parts = [
        frame.assign(question=column_label(c, options.labels), value=frame[c])
        for c in options.share_of
    ]
    return pd.concat(parts, ignore_index=True)
