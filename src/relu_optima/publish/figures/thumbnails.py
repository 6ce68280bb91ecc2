"""Sparsity patterns as pictures of their masks, each with its verdict and the reason for it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from relu_optima.publish.canvas import (
    finish,
    hue_levels,
    inches,
    note_statuses,
    panel_canvas,
    styles_of,
)
from relu_optima.publish.config import ColumnName
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.figures._points import grouping, points_table
from relu_optima.publish.frames import ProductError, gather
from relu_optima.publish.labels import column_label, value_label
from relu_optima.publish.style import FIXED_COLOURS, SMALL

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

GAP = 0.35  # of a mask's width, between masks
EMPTY = "#eeeeee"  # places that a mask does not keep


class Config(FigureConfig):
    """Which runs, and what is said of each."""

    title_of: ColumnName = Field(description="Column whose value names a picture.")
    masks: ColumnName = Field(
        default="masks", description="Masks as text: rows of 0 and 1, a blank between layers."
    )
    verdict: ColumnName = Field(description="Column whose value colours the masks.")
    below: list[ColumnName] = Field(
        min_length=1, description="Columns whose values stand below the masks, a line each."
    )
    panel_columns: int = Field(default=4, ge=1, le=8, description="Pictures side by side.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw the masks of each run, the last layer first, as their product is written."""
    from matplotlib.patches import Patch

    columns = (options.title_of, options.masks, options.verdict, *options.below)
    frame = gather(frames, options, columns)
    unwritten = frame[frame[options.masks].isna()]
    if len(unwritten):
        raise ProductError(
            f"{len(unwritten)} runs have no written masks, first run {unwritten['run_id'].iloc[0]}",
            where="where",
            fix="select smaller patterns",
        )
    canvas, panels = panel_canvas(options, len(frame), options.panel_columns)
    found = hue_levels(frame, options.verdict)
    styles = styles_of(found)
    colours = {v: FIXED_COLOURS.get(str(v), styles[v].colour) for v in found}
    points: list[dict[str, Any]] = []
    for axis, (_, run) in zip(panels, frame.iterrows(), strict=True):
        axis.set_title(value_label(run[options.title_of], options.values), pad=3)
        _draw_masks(axis, run[options.masks], colours[run[options.verdict]])
        said = [
            f"{column_label(c, options.labels)}: {value_label(run[c], options.values)}"
            for c in options.below
        ]
        letters = max(int(inches(axis)[0] * 1.15 * 72 / (0.55 * SMALL)), 8)
        lines = [line for text in said for line in textwrap.wrap(text, letters)]
        axis.set_xlabel("\n".join(lines), fontsize=SMALL, labelpad=2)
        names = {c: run[c] for c in grouping(*columns)}
        points.append({**names, "kind": "run", "status": run["status"], "runs": run["run_id"]})
    for value in found:
        name = f"{column_label(options.verdict, options.labels)}: "
        name += value_label(value, options.values)
        canvas.handles.setdefault(name, Patch(color=colours[value]))
    panels[0].set_ylabel("masks", fontsize=SMALL)
    canvas.note("masks of the last layer stand first, as in the product")
    note_statuses(canvas, frame, marked=False)
    return FigureResult(finish(canvas), points_table(points, grouping(*columns)))


def _draw_masks(axis: Axes, text: str, colour: Any) -> None:
    """Draw masks side by side, each at the same height."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    left = 0.0
    kept: list[Rectangle] = []
    empty: list[Rectangle] = []
    for mask in reversed(text.split()):
        rows = mask.split("/")
        across = len(rows[0])
        side = 1.0 / max(len(rows), across)
        top = 0.5 + len(rows) * side / 2
        for i, row in enumerate(rows):
            for j, entry in enumerate(row):
                cell = Rectangle((left + j * side, top - (i + 1) * side), 0.86 * side, 0.86 * side)
                (kept if entry == "1" else empty).append(cell)
        left += across * side + GAP
    axis.add_collection(PatchCollection(empty, facecolor=EMPTY, linewidth=0))
    axis.add_collection(PatchCollection(kept, facecolor=colour, linewidth=0))
    axis.set_xlim(-0.02, left - GAP + 0.02)
    axis.set_ylim(-0.02, 1.02)
    axis.set_aspect("equal")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
