"""Scale axes: logarithmic with readable ticks and a floor, whole numbers with whole ticks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from relu_optima.publish.canvas import Canvas, inches

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import XAxis, YAxis

NARROW = 8  # ratio of largest to smallest value below which 1, 2, 5 leave too few ticks
FEW = 8  # distinct values on a logarithmic axis that get a label each
SHORT = 24  # characters of all these labels together, beyond which they would collide
NARROW_PANEL = 1.6  # inches, below which 1, 2, 5 of each decade would collide
LABEL_ROOM = 0.4  # inches of an x axis for a power of ten


def scale_axis(
    canvas: Canvas, panels: Iterable[Axes], values: Iterable[float], which: str, log: bool
) -> float | None:
    """Make an axis logarithmic if asked, and find where to draw what has no logarithm.

    A linear axis of whole numbers gets whole ticks.
    """
    from matplotlib.ticker import MaxNLocator

    finite = [float(v) for v in values if math.isfinite(v)]
    if not log:
        if all(v.is_integer() for v in finite):
            for axis in panels:
                line = axis.xaxis if which == "x" else axis.yaxis
                line.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
        return None
    positive = [v for v in finite if v > 0]
    floor = None
    if len(positive) < len(finite):
        floor = 10.0 ** (math.floor(math.log10(min(positive))) - 1) if positive else 1e-16
        canvas.note(f"values ≤ 0 on the {which} axis are drawn at {floor:.0e}")
    for axis in panels:
        axis.set_xscale("log") if which == "x" else axis.set_yscale("log")
        drawn = positive if floor is None else [floor, *positive]
        tick_logarithmic(axis.xaxis if which == "x" else axis.yaxis, drawn)
    return floor


def tick_logarithmic(axis: XAxis | YAxis, values: Sequence[float]) -> None:
    """Label a logarithmic axis so that labels neither collide nor run out.

    A few distinct values are labelled themselves; less than a decade gets evenly spaced ticks,
    less than two get 1, 2, 5, more get powers of ten.
    """
    from matplotlib.ticker import (
        FixedLocator,
        FuncFormatter,
        LogLocator,
        MaxNLocator,
        NullFormatter,
        NullLocator,
    )

    axis.set_minor_formatter(NullFormatter())
    room = inches(axis.axes)[0] if axis.axis_name == "x" else math.inf
    distinct = sorted(set(values))
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    steps = [b / a for a, b in itertools.pairwise(distinct)]
    short = sum(len(f"{v:g}") for v in distinct) <= min(SHORT, 9 * room)
    few = 1 < len(distinct) <= FEW and short
    if few and min(steps) > 1.5 and max(distinct) / min(distinct) < 1e3:
        axis.set_major_locator(FixedLocator(distinct))
        axis.set_major_formatter(plain)
    elif distinct and max(distinct) / min(distinct) < NARROW:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(plain)
        axis.set_minor_locator(NullLocator())
    elif distinct and max(distinct) / min(distinct) < 100:
        subs = (1.0, 2.0, 5.0) if room > NARROW_PANEL else (1.0, 3.0)
        axis.set_major_locator(LogLocator(subs=subs))
        axis.set_major_formatter(plain)
    else:
        axis.set_major_locator(LogLocator(numticks=int(min(8, max(3, room / LABEL_ROOM)))))
        axis.set_major_formatter(FuncFormatter(_power))


def _power(value: float, _: object) -> str:
    """Write a power of ten in letters of one size: an exponent would be smaller than all type."""
    if 1e-2 <= value < 1e4:
        return f"{value:g}"
    digits, exponent = f"{value:.0e}".split("e")
    return f"{digits}e{int(exponent)}".replace("-", "−")


def at_least(values: Iterable[float], floor: float | None) -> list[float]:
    """Lift values that a logarithmic axis cannot show to its floor."""
    return [float(v) if floor is None or not v <= 0 else floor for v in values]
