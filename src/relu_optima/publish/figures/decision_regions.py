"""Classifiers of one input: the regions of their decisions, and below the kernels that add up."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from relu_optima.publish.canvas import (
    finish,
    label_y,
    make_canvas,
    note_statuses,
    split,
    title_panel,
)
from relu_optima.publish.config import ColumnName, SeriesName
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.figures._points import grouping, points_table
from relu_optima.publish.frames import ProductError, bare, gather, series_of
from relu_optima.publish.labels import column_label
from relu_optima.publish.style import COLOURS, NEUTRAL

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SIDES = (("-1", COLOURS[1], "s"), ("+1", COLOURS[0], "o"))


class Config(FigureConfig):
    """Series of labelled data, of the fit and of its knots, one run for each panel."""

    x: SeriesName = Field(description="Series of sorted inputs.")
    y: SeriesName = Field(description="Series of labels -1 and +1.")
    fit: SeriesName = Field(description="Series of fitted values.")
    knot_x: SeriesName = Field(description="Series of knots.")
    knot_fit: SeriesName = Field(description="Series of fitted values at the knots.")
    panel: ColumnName = Field(description="Column with one column of panels for each value.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw decisions above, and below the line and the ramps whose sum decides."""
    names = [bare(n) for n in (options.x, options.y, options.fit, options.knot_x, options.knot_fit)]
    frame = gather(frames, options, (*(f"series.{n}" for n in names), options.panel))
    parts = split(frame, options.panel)
    canvas = make_canvas(options, 2, len(parts), share_x=True, share_y=True)
    points: list[dict[str, Any]] = []
    for column, (value, runs) in enumerate(parts):
        if len(runs) != 1:
            raise ProductError(
                f"{len(runs)} runs have {options.panel} = {value}, and a panel shows one",
                where="panel",
                fix="select by `where`, or name the column that tells them apart",
            )
        top, below = canvas.axes[0][column], canvas.axes[1][column]
        title_panel(top, options, options.panel, value)
        below.set_xlabel(column_label(names[0], options.labels))
        run = runs.iloc[0]
        x, y, fit, at, at_fit = (np.array(series_of(run, n), dtype=float) for n in names)
        nodes = np.concatenate([x[:1], at, x[-1:]])
        values = np.concatenate([fit[:1], at_fit, fit[-1:]])
        handles, crossings = _decisions(top, (x, y), nodes, values)
        shown, kernels = _kernels(below, nodes, values)
        canvas.handles |= handles | shown
        base = {options.panel: value, "status": run["status"], "runs": run["run_id"]}
        lines = {"label": (x, y), "fit": (nodes, values), "boundary": (crossings, 0 * crossings)}
        points += [
            {**base, "series": kind, names[0]: float(a), "value": float(b)}
            for kind, (xs, ys) in (lines | kernels).items()
            for a, b in zip(xs, ys, strict=True)
        ]
    label_y(canvas.axes[0][0], "output and label")
    label_y(canvas.axes[1][0], "parts of the output")
    canvas.figure.align_ylabels()
    note_statuses(canvas, frame, marked=False)
    return FigureResult(
        finish(canvas), points_table(points, grouping(options.panel, "series", names[0], "value"))
    )


def _decisions(
    axis: Axes, data: tuple[np.ndarray, np.ndarray], nodes: np.ndarray, values: np.ndarray
) -> tuple[dict[str, Any], np.ndarray]:
    """Draw labels, output and the intervals of its sign; returns handles and where it changes."""
    x, y = data
    change = np.flatnonzero(values[:-1] * values[1:] < 0)
    share = values[change] / (values[change] - values[change + 1])
    crossings = nodes[change] + share * (nodes[change + 1] - nodes[change])
    ends = np.concatenate([nodes[:1], crossings, nodes[-1:]])
    handles: dict[str, Any] = {}
    for low, high in itertools.pairwise(ends):
        label, colour, _ = SIDES[int(np.interp(0.5 * (low + high), nodes, values) > 0)]
        region = axis.axvspan(low, high, color=colour, alpha=0.15, linewidth=0)
        handles[f"decides {label}"] = region
    for label, colour, marker in SIDES:
        mine = y == float(label)
        (handles[f"label {label}"],) = axis.plot(
            x[mine], y[mine], marker=marker, linestyle="none", color=colour, markersize=2.5
        )
    (handles["output"],) = axis.plot(nodes, values, color="black")
    axis.axhline(0.0, color=NEUTRAL, linewidth=0.6)
    return handles, crossings


def _kernels(
    axis: Axes, nodes: np.ndarray, values: np.ndarray
) -> tuple[dict[str, Any], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Draw a line and ramps away from the middle of the data, one for each knot; they add up.

    (x - t)_+ = (x - t) + (t - x)_+, so the slope changes left of the middle are ramps to the left
    and those right of it ramps to the right of the line through the middle.
    """
    slopes = np.diff(values) / np.diff(nodes)
    bends, at = np.diff(slopes), nodes[1:-1]
    middle = 0.5 * (nodes[0] + nodes[-1])
    slope = slopes[int(np.sum(at < middle))]
    line = np.interp(middle, nodes, values) + slope * (nodes - middle)
    handles: dict[str, Any] = {}
    (handles["line"],) = axis.plot(nodes, line, color=NEUTRAL, linestyle="--")
    parts = {"line": (nodes, line)}
    for k, (bend, knot) in enumerate(zip(bends, at, strict=True)):
        side = -1.0 if knot < middle else 1.0
        ramp = bend * np.maximum(side * (nodes - knot), 0.0)
        (handles["kernels"],) = axis.plot(nodes, ramp, color=COLOURS[2], linewidth=0.9)
        parts[f"kernel {k}"] = (nodes, ramp)
    (handles["centres"],) = axis.plot(
        at, np.zeros_like(at), marker="o", linestyle="none", markersize=3.5,
        markerfacecolor="white", color=COLOURS[2], zorder=3,
    )  # fmt: skip
    return handles, parts
