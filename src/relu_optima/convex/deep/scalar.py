r"""One singular value of a deep network: the scalar problem behind every closed form.

.. math:: \min_{s \ge 0} \; \tfrac12 (\sigma - s)^2 + \tfrac{\lambda L}{2} s^{2/L}

is what is left of a network of L layers along one direction, since L scalars with product s have
least sum of squares L s^{2/L} (arithmetic and geometric mean, attained by equal scalars).

L = 2: convex, s = (σ - λ)₊. L ≥ 3: with p = 2/L - 1 in (-1, 0) the derivative is
g(s) = s - σ + λ s^p, which is convex on s > 0 and least at s_m = (λ |p|)^{1/(1 - p)}. If
g(s_m) ≥ 0 the objective increases and s = 0 is optimal. Otherwise g has two zeros; the objective
rises from 0 to the smaller and falls to the larger, so the optimum is s = 0 or the larger zero,
whichever has the smaller value: a hard threshold, unlike the soft one of L = 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq


def objective(s: float, sigma: float, lam: float, depth: int) -> float:
    """Evaluate the scalar problem."""
    return 0.5 * (sigma - s) ** 2 + 0.5 * lam * depth * float(s ** (2.0 / depth))


def larger_stationary_point(sigma: float, lam: float, depth: int) -> float | None:
    """Return the local minimum away from 0, or None if the objective has none."""
    if depth == 2:
        return sigma - lam if sigma > lam else None
    power = 2.0 / depth - 1.0

    def slope(s: float) -> float:
        return s - sigma + lam * float(s**power)

    lowest = float((-lam * power) ** (1.0 / (1.0 - power)))
    if not 0.0 < lowest < sigma or slope(lowest) >= 0.0:
        return None
    # to the last bit: the objective is flat there, the network that is built from s is not
    return float(brentq(slope, lowest, sigma, xtol=1e-300, rtol=4 * np.finfo(float).eps))


def shrink(sigma: float, lam: float, depth: int) -> float:
    """Return the minimiser; 0 where both candidates are equal."""
    s = larger_stationary_point(sigma, lam, depth)
    if s is None or objective(s, sigma, lam, depth) >= 0.5 * sigma**2:
        return 0.0
    return s


def strongest(sigma: float, depth: int) -> float:
    """Return the least strength whose minimiser is 0.

    There both candidates have one value: ½(σ - s)² + (L/2) s (σ - s) = ½σ² with λ s^p = σ - s, so
    s = σ (L - 2)/(L - 1), and λ = (σ - s) s^{-p}.
    """
    if depth == 2 or sigma == 0:
        return sigma
    s = sigma * (depth - 2) / (depth - 1)
    return float((sigma - s) * s ** (1.0 - 2.0 / depth))


def shrink_all(sigma: Sequence[float] | np.ndarray, lam: float, depth: int) -> np.ndarray:
    """Shrink each of several values; equal ones are computed once."""
    distinct, place = np.unique(np.asarray(sigma, dtype=np.float64), return_inverse=True)
    out = np.array([shrink(float(v), lam, depth) for v in distinct])
    return np.asarray(out[place])


def total(s: np.ndarray, sigma: np.ndarray, lam: float, depth: int) -> float:
    """Sum the scalar objectives."""
    fit = 0.5 * float(np.sum((sigma - s) ** 2))
    return fit + 0.5 * lam * depth * float(np.sum(s ** (2.0 / depth)))
