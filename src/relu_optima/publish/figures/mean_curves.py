"""Several series of the same runs side by side, each over its own x: mean and standard deviation.

For figures that are set beside published ones, which show mean and standard deviation over seeds;
everywhere else curves are medians with intervals (`traces`, `path`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from relu_optima.config.base import Group
from relu_optima.publish.canvas import (
    finish,
    hue_label,
    hue_levels,
    label_y,
    note_statuses,
    panel_canvas,
    split,
    styles_of,
)
from relu_optima.publish.config import ColumnName, SeriesName
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.figures._points import BAND_ALPHA, grouping, points_table
from relu_optima.publish.frames import (
    ProductError,
    bare,
    gather,
    is_ok,
    refuse_hidden_pooling,
    run_ids,
    series_of,
)
from relu_optima.publish.labels import column_label
from relu_optima.publish.scales import scale_axis

if TYPE_CHECKING:
    import pandas as pd


class SeriesPanel(Group):
    """One panel: a series over another of the same length."""

    x: SeriesName = Field(description="Series on the x axis.")
    y: SeriesName = Field(description="Series on the y axis.")
    log_x: bool = Field(default=False, description="Logarithmic x axis.")
    log_y: bool = Field(default=False, description="Logarithmic y axis.")


class Config(FigureConfig):
    """Panels, and what is told apart by colour."""

    panels: list[SeriesPanel] = Field(min_length=1, description="Panels in reading order.")
    hue: ColumnName = Field(description="Column told apart by colour and marker.")
    panel_columns: int = Field(default=3, ge=1, le=4, description="Panels side by side.")


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw mean curves with bands of one standard deviation."""
    series = list(dict.fromkeys(s for p in options.panels for s in (p.x, p.y)))
    frame = gather(frames, options, (*series, options.hue))
    refuse_hidden_pooling(frame, [options.hue], [], "hue")
    canvas, axes = panel_canvas(options, len(options.panels), options.panel_columns)
    styles = styles_of(hue_levels(frame, options.hue))
    points: list[dict[str, Any]] = []
    for axis, panel in zip(axes, options.panels, strict=True):
        for which, name, log in (("x", panel.x, panel.log_x), ("y", panel.y, panel.log_y)):
            values = [v for _, run in frame.iterrows() for v in series_of(run, bare(name))]
            scale_axis(canvas, [axis], values, which, log)
        for level, runs in split(frame, options.hue):
            good = runs[is_ok(runs)]
            if good.empty:
                continue
            x, y = _matrix(good, panel)
            keep = (x > 0) if panel.log_x else np.full(x.size, True)
            x, y = x[keep], y[:, keep]
            mean, std = y.mean(axis=0), y.std(axis=0)
            low = np.where(mean - std > 0, mean - std, np.nan) if panel.log_y else mean - std
            style = styles[level]
            (handle,) = axis.plot(x, mean, color=style.colour, linestyle=style.line)
            axis.fill_between(x, low, mean + std, color=style.colour, alpha=BAND_ALPHA, linewidth=0)
            canvas.handles.setdefault(hue_label(options, options.hue, level), handle)
            ids = run_ids(good)
            points += [
                {
                    options.hue: level,
                    "panel": bare(panel.y),
                    "x": float(a),
                    "kind": "mean",
                    "mean": float(b),
                    "std": float(c),
                    "n": len(good),
                    "runs": ids,
                }
                for a, b, c in zip(x, mean, std, strict=True)
            ]
        axis.set_xlabel(column_label(panel.x, options.labels))
        label_y(axis, column_label(panel.y, options.labels))
    sizes = sorted({p["n"] for p in points})
    many = " or ".join(map(str, sizes))
    canvas.note(f"lines are means of {many} runs, bands one standard deviation")
    note_statuses(canvas, frame, marked=False)
    return FigureResult(finish(canvas), points_table(points, grouping(options.hue, "panel", "x")))


def _matrix(runs: pd.DataFrame, panel: SeriesPanel) -> tuple[np.ndarray, np.ndarray]:
    """Stack the curves of runs, which must have one x."""
    xs = [np.asarray(series_of(run, bare(panel.x))) for _, run in runs.iterrows()]
    if any(x.shape != xs[0].shape or np.any(x != xs[0]) for x in xs):
        raise ProductError(
            f"runs differ in {panel.x!r}, so they have no mean curve",
            where="panels",
            fix="use plot: traces with align: linear",
        )
    return xs[0], np.array([series_of(run, bare(panel.y)) for _, run in runs.iterrows()])
