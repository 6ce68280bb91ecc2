"""The polytope of optimal convex models beside its image among networks (paper's Figure 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from relu_optima.publish.canvas import finish, label_y, panel_canvas
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.figures._points import points_table
from relu_optima.publish.frames import ProductError, gather, is_ok, series_of
from relu_optima.publish.style import NEUTRAL, line_styles

if TYPE_CHECKING:
    import pandas as pd

SERIES = ("coefficient_1", "coefficient_2", "edge_1", "edge_2")
PANELS = (
    ("convex", "optimal convex models", ("block norm β₁", "block norm β₂")),
    ("network", "optimal networks", ("output weight √β₁", "output weight √β₂")),
)


class Config(FigureConfig):
    """One run of stage `optimal_set` whose set has two dimensions or more, chosen by `where`."""

    always: ClassVar[tuple[str, ...]] = tuple(f"series.{name}" for name in SERIES)


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw sampled optima and the outline of the set, in coefficients and in output weights."""
    frame = gather(frames, options, options.always)
    good = frame[is_ok(frame)]
    if len(good) != 1 or not series_of(good.iloc[0], SERIES[0]):
        raise ProductError(
            f"the figure shows one optimal set of two dimensions or more; {len(good)} good runs "
            "are selected" + ("" if len(good) != 1 else ", and its set is smaller"),
            where="where",
            fix="select one run by its config columns",
        )
    run = good.iloc[0]
    values = {name: np.array(series_of(run, name)) for name in SERIES}
    canvas, panels = panel_canvas(options, 2, 2)
    style = line_styles([None])[0]
    points: list[dict[str, Any]] = []
    for axis, (name, title, labels) in zip(panels, PANELS, strict=True):
        shown = {
            k: np.sqrt(np.maximum(v, 0.0)) if name == "network" else v for k, v in values.items()
        }
        axis.plot(
            shown["coefficient_1"],
            shown["coefficient_2"],
            linestyle="none",
            marker=".",
            markersize=2,
            color=style.colour,
            alpha=0.5,
        )
        axis.plot(shown["edge_1"], shown["edge_2"], color=NEUTRAL, linewidth=1.2)
        axis.set_title(title, pad=3)
        axis.set_xlabel(labels[0])
        label_y(axis, labels[1])
        for kind, (x, y) in {"sample": SERIES[:2], "outline": SERIES[2:]}.items():
            points += [
                {"set": name, "x": a, "y": b, "kind": kind, "status": "ok", "runs": run["run_id"]}
                for a, b in zip(shown[x], shown[y], strict=True)
            ]
    return FigureResult(finish(canvas), points_table(points, ["set", "x", "y"]))
