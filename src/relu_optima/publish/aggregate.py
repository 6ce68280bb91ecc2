r"""Summarise seeds by count, median and an interval whose coverage is known exactly.

For :math:`n` independent draws of a continuous distribution with median :math:`m`, the order
statistics satisfy

.. math:: P(x_{(k)} \le m \le x_{(n+1-k)}) = 1 - 2\,P(B < k), \qquad B \sim \mathrm{Bin}(n, 1/2),

whatever the distribution is. The interval takes the largest :math:`k` that keeps 95 %. Below
six seeds no pair of order statistics reaches 95 %: the range of all values is then reported with
its true coverage (93.75 % for five seeds, 0 for one). No resampling, no randomness.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from relu_optima.publish.frames import is_ok, run_ids, status_counts

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95
Spread = Literal["interval", "quartiles"]
SPREAD_HELP = (
    "What is shown around a median: `interval`, with known coverage, or `quartiles` of the seeds."
)


@dataclass(frozen=True)
class MedianInterval:
    """Median of a sample and the interval around it.

    Attributes
    ----------
    n : int
        Finite values.
    median : float
        NaN if there is none.
    low, high : float
        Ends of the interval, NaN if there is no value.
    coverage : float
        Probability in [0, 1) that such an interval contains the true median; at least the
        confidence asked for if `n` is large enough, else what the full range attains. NaN for
        quartiles, which are no interval for the median.
    """

    n: int
    median: float
    low: float
    high: float
    coverage: float


def median_interval(values: Iterable[float], confidence: float = CONFIDENCE) -> MedianInterval:
    """Return median and distribution-free interval of a sample.

    Parameters
    ----------
    values : iterable of float
        Sample; values that are not finite are left out and not counted.
    confidence : float
        Coverage wanted, in (0, 1).

    Returns
    -------
    MedianInterval
        The interval between two order statistics, or the range if the sample is too small.

    References
    ----------
    .. [1] H. A. David and H. N. Nagaraja, "Order Statistics", 3rd ed., 2003, Section 7.1.
    """
    sample = np.asarray(list(values), dtype=np.float64)
    sample = np.sort(sample[np.isfinite(sample)])
    n = int(sample.size)
    if n == 0:
        return MedianInterval(0, math.nan, math.nan, math.nan, 0.0)
    rank, tail = 1, 1  # tail = 2^n P(B < rank) in exact integers
    while 2 * rank < n:
        wider = tail + math.comb(n, rank)
        if 1 - 2 * wider / 2**n < confidence:
            break
        rank, tail = rank + 1, wider
    coverage = max(1 - 2 * tail / 2**n, 0.0)
    low, high = float(sample[rank - 1]), float(sample[n - rank])
    return MedianInterval(n, float(np.median(sample)), low, high, coverage)


def median_quartiles(values: Iterable[float]) -> MedianInterval:
    """Return median and quartiles of a sample, interpolated linearly between order statistics."""
    sample = np.asarray(list(values), dtype=np.float64)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return MedianInterval(0, math.nan, math.nan, math.nan, math.nan)
    low, middle, high = (float(v) for v in np.quantile(sample, [0.25, 0.5, 0.75]))
    return MedianInterval(int(sample.size), middle, low, high, math.nan)


def summarise_sample(values: Iterable[float], spread: Spread) -> MedianInterval:
    """Return the median of a sample with the spread asked for."""
    return median_quartiles(values) if spread == "quartiles" else median_interval(values)


def aggregate_seeds(
    frame: pd.DataFrame,
    by: Sequence[str],
    values: Sequence[str],
    spread: Spread = "interval",
) -> pd.DataFrame:
    """Summarise all runs that agree on some columns.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row for each run, with ``run_id`` and ``status``.
    by : sequence of str
        Columns that name a group; groups keep the order of their first run, and missing values
        form a group of their own.
    values : sequence of str
        Numeric columns to summarise over the runs whose status is good.
    spread : {"interval", "quartiles"}
        What surrounds each median.

    Returns
    -------
    pandas.DataFrame
        One row for each group: `by`, ``n_runs``, ``n_ok``, ``not_ok`` (statuses with counts), for
        each value ``<value>.n``, ``.median``, ``.low``, ``.high``, ``.coverage``; ``runs``.
    """
    import pandas as pd

    groups = (
        frame.groupby(list(by), sort=False, dropna=False, observed=True) if by else [((), frame)]
    )
    rows = []
    for key, group in groups:
        good = group[is_ok(group)]
        row: dict[str, object] = dict(zip(by, key, strict=True))
        row |= {"n_runs": len(group), "n_ok": len(good), "not_ok": status_counts(group)}
        for name in values:
            summary = summarise_sample(pd.to_numeric(good[name], errors="coerce"), spread)
            row |= {f"{name}.{part}": getattr(summary, part) for part in _PARTS}
        row["runs"] = run_ids(group)
        rows.append(row)
    summaries = [f"{name}.{part}" for name in values for part in _PARTS]
    return pd.DataFrame(rows, columns=[*by, "n_runs", "n_ok", "not_ok", *summaries, "runs"])


_PARTS = ("n", "median", "low", "high", "coverage")


def describe_interval(
    coverages: Iterable[float],
    confidence: float = CONFIDENCE,
    spread: Spread = "interval",
    seeds: str = "seeds",
) -> str:
    """Say in words what the drawn intervals are."""
    if spread == "quartiles":
        return f"median and quartiles over {seeds}"
    found = sorted({c for c in coverages if c > 0})
    if not found:
        return "single runs"
    wanted = f"{100 * confidence:g}\N{NO-BREAK SPACE}%"
    if found[0] >= confidence:
        return f"median and {wanted} interval over {seeds}"
    least = f"{100 * found[0]:.3g}\N{NO-BREAK SPACE}%"
    if found[-1] < confidence:
        return f"median and range over {seeds} (too few for {wanted}: covers {least})"
    return f"median and {wanted} interval over {seeds} (range where seeds are few: covers {least})"
