"""Outputs of unit neurons on two rows: the ellipsoid, its rectified image and its spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from relu_optima.publish.canvas import (
    finish,
    label_y,
    note_statuses,
    panel_canvas,
    split,
    title_panel,
)
from relu_optima.publish.config import ColumnName
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.figures._points import grouping, points_table
from relu_optima.publish.frames import ProductError, gather, is_ok, series_of
from relu_optima.publish.style import COLOURS, NEUTRAL

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SERIES = ("ellipsoid.first", "ellipsoid.second", "ellipsoid.spike")


class Config(FigureConfig):
    """Runs of program `spike_free` on two rows, one for each panel."""

    always: ClassVar[tuple[str, ...]] = tuple(f"series.{name}" for name in SERIES)

    panel: ColumnName = Field(description="Column with one panel, and one run, for each value.")
    panel_columns: int = Field(default=3, ge=1, le=4, description="Panels side by side.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw (X u)₊ over X u for unit vectors u, and the hull of the former with the origin."""
    frame = gather(frames, options, (*options.always, options.panel))
    parts = split(frame, options.panel)
    canvas, panels = panel_canvas(options, len(parts), options.panel_columns)
    points: list[dict[str, Any]] = []
    for axis, (value, runs) in zip(panels, parts, strict=True):
        drawn = runs[is_ok(runs) | (runs["status"] == "upper_bound")]
        if len(drawn) != 1 or not series_of(drawn.iloc[0], SERIES[0]):
            raise ProductError(
                f"panel {value!r} has {len(drawn)} runs, or one without two rows of rank two",
                where="where, panel",
                fix="select one run of program spike_free on two rows for each panel",
            )
        run = drawn.iloc[0]
        title_panel(axis, options, options.panel, value)
        first, second, spike = (np.array(series_of(run, name)) for name in SERIES)
        shown = _draw(axis, np.column_stack([first, second]), spike > 0, canvas.handles)
        axis.set_xlabel("output on row 1")
        label_y(axis, "output on row 2")
        points += [
            {
                options.panel: value,
                "x": float(a),
                "y": float(b),
                "kind": kind,
                "status": run["status"],
                "runs": run["run_id"],
            }
            for kind, rows in shown.items()
            for a, b in rows
        ]
    note_statuses(canvas, frame, marked=False)
    return FigureResult(
        finish(canvas), points_table(points, grouping(options.panel, "kind", "x", "y"))
    )


def _draw(
    axis: Axes, outputs: np.ndarray, spike: np.ndarray, handles: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Draw one panel and return what it shows by kind."""
    from scipy.spatial import ConvexHull

    rectified = np.maximum(outputs, 0.0)
    corners = np.vstack([rectified, np.zeros((1, 2))])
    hull = corners[ConvexHull(corners).vertices]
    around = np.vstack([outputs, outputs[:1]])
    closed = np.vstack([rectified, rectified[:1]])
    handles["hull"] = axis.fill(*hull.T, color=COLOURS[5], alpha=0.25, linewidth=0)[0]
    handles["ellipsoid"] = axis.plot(*around.T, color=NEUTRAL, linewidth=0.9, linestyle="--")[0]
    handles["rectified"] = axis.plot(*closed.T, color=COLOURS[0], linewidth=1.4)[0]
    outside = rectified[spike]
    if len(outside):
        handles["spike"] = axis.plot(
            *outside.T, color=COLOURS[1], marker=".", markersize=2.5, linestyle="none"
        )[0]
    axis.set_aspect("equal", adjustable="datalim")
    return {"ellipsoid": outputs, "rectified": rectified, "hull": hull, "spike": outside}
