"""A grid of cells over two columns: a verdict or the median of a number, written in each cell."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from relu_optima.publish.aggregate import median_interval
from relu_optima.publish.canvas import (
    finish,
    hue_levels,
    inches,
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
from relu_optima.publish.formats import format_value
from relu_optima.publish.frames import ProductError, gather, is_ok, run_ids
from relu_optima.publish.labels import column_label, value_label
from relu_optima.publish.style import COLOURS, FIXED_COLOURS, SMALL
from relu_optima.publish.table_config import Format

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


ACROSS = "question"


class Config(FigureConfig):
    """Columns of the grid and of its cells."""

    words: ClassVar[tuple[str, ...]] = (ACROSS,)

    y: ColumnName = Field(description="Column with one row of cells for each value.")
    x: ColumnName | None = Field(
        default=None, description="Column across; without it the columns of `value` are across."
    )
    value: list[ColumnName] = Field(
        min_length=1, description="Columns shown in the cells; exactly one if there is `x`."
    )
    panel: ColumnName | None = Field(
        default=None, description="Column with one panel for each value."
    )
    panel_columns: int = Field(default=1, ge=1, le=4, description="Panels side by side.")
    format: Format = Field(default="auto", description="How numbers are written.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw a grid of values.

    Notes
    -----
    A numeric cell shows the median over its good runs. A text cell shows the value that all runs
    share, or the most frequent one with its count. Cells without runs stay empty.
    """
    x, y, panel = options.x, options.y, options.panel
    if x is not None and len(options.value) > 1:
        raise ProductError("several values need the place of x", where="value, x")
    frame = gather(frames, options, (x, y, *options.value, panel))
    parts = split(frame, panel)
    canvas, panels = panel_canvas(options, len(parts), options.panel_columns)
    across: list[Any] = options.value if x is None else hue_levels(frame, x)
    down = hue_levels(frame, y)
    points: list[dict[str, Any]] = []
    for panel_value, runs in parts:
        for row, row_runs in split(runs, y):
            cells = (
                [(name, row_runs, name) for name in options.value]
                if x is None
                else [(level, cell, options.value[0]) for level, cell in split(row_runs, x)]
            )
            for column, cell, value in cells:
                names = {} if panel is None else {panel: panel_value}
                points.append({**names, x or ACROSS: column, y: row, **_cell(cell, value)})
    colours = _colours(points)
    ticks = [
        column_label(c, options.labels) if x is None else value_label(c, options.values)
        for c in across
    ]
    for axis, (panel_value, _) in zip(panels, parts, strict=True):
        title_panel(axis, options, panel, panel_value)
        axis.set_xlim(-0.5, len(across) - 0.5)
        axis.set_ylim(len(down) - 0.5, -0.5)
        here = [p for p in points if panel is None or p[panel] == panel_value]
        for point in here:
            _draw_cell(
                axis,
                point,
                options,
                (across.index(point[x or ACROSS]), down.index(point[y])),
                colours,
            )
        axis.set_xticks(range(len(across)), ticks)
        axis.set_yticks(range(len(down)), [value_label(v, options.values) for v in down])
        axis.grid(visible=False)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    label_axes(canvas, panels, options, x or ACROSS, y)
    if any(p["n"] > 1 for p in points) and any(p["kind"] == "median" for p in points):
        canvas.note("medians over the runs of a cell")
    note_statuses(canvas, frame, marked=False)
    return FigureResult(
        finish(canvas), points_table(points, grouping(panel, x or ACROSS, y, "value"))
    )


def _cell(runs: pd.DataFrame, value: str) -> dict[str, Any]:
    """Summarise the runs of one cell."""
    known = [v.item() if hasattr(v, "item") else v for v in runs[value].dropna()]
    out: dict[str, Any] = {"n": len(runs), "runs": run_ids(runs)}
    if known and all(isinstance(v, int | float) and not isinstance(v, bool) for v in known):
        summary = median_interval(runs.loc[is_ok(runs), value].dropna())
        return {**out, "kind": "median", "value": summary.median, "count": summary.n}
    if not known:
        return {**out, "kind": "value", "value": None, "count": 0}
    common = max(dict.fromkeys(known), key=known.count)
    return {**out, "kind": "value", "value": common, "count": known.count(common)}


def _colours(points: list[dict[str, Any]]) -> dict[Any, Any]:
    """Give each cell value its colour: fixed for verdicts, sequential for numbers."""
    import matplotlib

    found = list(dict.fromkeys(p["value"] for p in points if p["value"] is not None))
    if all(p["kind"] == "median" for p in points):
        numbers = [v for v in found if v == v]
        low, high = min(numbers, default=0.0), max(numbers, default=1.0)
        shades = matplotlib.colormaps["cividis"]
        return {v: shades((v - low) / (high - low) if high > low else 0.5) for v in numbers}
    free = [c for c in COLOURS if c not in FIXED_COLOURS.values()]
    others = [v for v in found if str(v) not in FIXED_COLOURS]
    spare = {v: free[i % len(free)] for i, v in enumerate(others)}
    return {v: FIXED_COLOURS.get(str(v), spare.get(v)) for v in found}


def _draw_cell(
    axis: Axes,
    point: dict[str, Any],
    options: Config,
    place: tuple[int, int],
    colours: dict[Any, Any],
) -> None:
    """Fill one cell and write its value in the colour that can be read on it."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    value = point["value"]
    colour = colours.get(value, "#ffffff")
    axis.add_patch(
        Rectangle(
            (place[0] - 0.5, place[1] - 0.5), 1, 1, facecolor=colour, edgecolor="white", lw=1.2
        )
    )
    red, green, blue = to_rgb(colour)
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
    text = format_value(value, options.format, options.values)
    lines = textwrap.wrap(text, _letters(axis)) if point["kind"] == "value" else [text]
    if point["kind"] == "value" and 0 < point["count"] < point["n"]:
        lines.append(f"({point['count']} of {point['n']})")
    axis.text(
        *place,
        "\n".join(lines),
        ha="center",
        va="center",
        fontsize=SMALL,
        color="white" if dark else "black",
        linespacing=1.1,
    )


def _letters(axis: Axes) -> int:
    """Estimate how many letters fit into a cell, before the layout is known."""
    width = inches(axis)[0]
    cells = abs(axis.get_xlim()[1] - axis.get_xlim()[0])
    return max(int(0.85 * width / cells * 72 / (0.6 * SMALL)), 4)
