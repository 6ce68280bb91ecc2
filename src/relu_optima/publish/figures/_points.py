"""Pieces that figure plug-ins share: grouping columns, intervals, crosses, numeric checks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from relu_optima.publish.aggregate import describe_interval
from relu_optima.publish.canvas import MARK, Canvas
from relu_optima.publish.frames import ProductError, is_ok
from relu_optima.publish.scales import at_least
from relu_optima.publish.variation import describe_seeds, describe_sizes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from relu_optima.publish.aggregate import Spread
    from relu_optima.publish.style import LineStyle

BAND_ALPHA = 0.2


def grouping(*columns: str | None) -> list[str]:
    """List the columns in use, each once."""
    return list(dict.fromkeys(c for c in columns if c is not None))


def numeric(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return a column as floats."""
    import pandas as pd

    try:
        return pd.to_numeric(frame[column]).astype(float)
    except (ValueError, TypeError):
        example = next(v for v in frame[column] if isinstance(v, str))
        raise ProductError(
            f"column {column!r} holds text such as {example!r}, not numbers", where="axes"
        ) from None


def note_intervals(
    canvas: Canvas,
    points: Iterable[dict[str, Any]],
    frame: pd.DataFrame,
    by: Sequence[str],
    spread: Spread = "interval",
) -> None:
    """Say below the figure what lines and bands are, over which seeds and for which data."""
    coverages = [p["coverage"] for p in points if p.get("kind") == "median"]
    if coverages:
        seeds = describe_seeds(frame, by)
        canvas.note(describe_interval(coverages, spread=spread, seeds=seeds).capitalize())
        canvas.note(describe_sizes(frame))


def cross_bad_runs(
    axis: Axes,
    frame: pd.DataFrame,
    x: str,
    y: str,
    style: LineStyle,
    floors: tuple[float | None, float | None],
) -> None:
    """Draw a cross for each run whose status is not good, if it has a value at all."""
    bad = frame[~is_ok(frame)]
    pairs = [
        (a, b)
        for a, b in zip(numeric(bad, x), numeric(bad, y), strict=True)
        if math.isfinite(a) and math.isfinite(b)
    ]
    if pairs:
        xs, ys = zip(*pairs, strict=True)
        axis.plot(
            at_least(xs, floors[0]), at_least(ys, floors[1]), color=style.colour, zorder=4, **MARK
        )


def run_points(
    frame: pd.DataFrame, by: Sequence[str], x: str, y: str, kind: str = "run"
) -> list[dict[str, Any]]:
    """List single runs as points."""
    columns = grouping(*by, x, y)
    return [
        {**{c: run[c] for c in columns}, "kind": kind, "status": run["status"], "runs": run_id}
        for (_, run), run_id in zip(frame.iterrows(), frame["run_id"], strict=True)
    ]


def points_table(points: list[dict[str, Any]], order: Sequence[str]) -> pd.DataFrame:
    """Make the table of plotted points, the naming columns first and the run ids last."""
    import pandas as pd

    seen: dict[str, None] = dict.fromkeys([*order, "kind"])
    for point in points:
        seen.update(dict.fromkeys(point))
    columns = [c for c in seen if c != "runs"] + ["runs"]
    return pd.DataFrame(points, columns=columns)
