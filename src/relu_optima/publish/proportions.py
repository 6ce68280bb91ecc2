"""Shares of runs with their Wilson intervals, kept honest where some answers are unknown.

Of n independent runs let k count and o be undecided. If all were decided, between k and k + o
would count, and Wilson's interval for any such number lies between the lower end for k and the
upper end for k + o: that is the interval reported. Undecided runs widen it; they are never
dropped, and never counted as either answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Proportion:
    """How many of some runs count.

    Attributes
    ----------
    n, hits, undecided : int
        Runs, those that count, those without an answer.
    low, high : float
        Interval that holds the probability whatever the undecided runs would have answered.
    """

    n: int
    hits: int
    undecided: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Share of the runs that count for certain."""
        return self.hits / self.n if self.n else math.nan

    @property
    def share_undecided(self) -> float:
        """Share of the runs without an answer."""
        return self.undecided / self.n if self.n else math.nan


def wilson_interval(hits: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return Wilson's score interval for a probability.

    References
    ----------
    .. [1] L. D. Brown, T. T. Cai and A. DasGupta, "Interval Estimation for a Binomial
       Proportion", Statistical Science 16(2), 2001.
    """
    from scipy.stats import binomtest

    if n == 0:
        return 0.0, 1.0
    found = binomtest(hits, n).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)


def proportion(
    values: pd.Series,
    count: Sequence[str],
    undecided: Sequence[str],
    confidence: float = CONFIDENCE,
) -> Proportion:
    """Count answers."""
    n, hits = len(values), int(values.isin(count).sum())
    unknown = int((values.isin(undecided) | values.isna()).sum())
    low, _ = wilson_interval(hits, n, confidence)
    _, high = wilson_interval(hits + unknown, n, confidence)
    return Proportion(n, hits, unknown, low, high)


def binned(values: pd.Series, width: float) -> pd.Series:
    """Round to the nearest multiple of a width."""
    return (values.astype(float) / width).round() * width
