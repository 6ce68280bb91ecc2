"""The penalty of a function of one input, and the dual bound: O(N), no code of the solver."""

from __future__ import annotations

import numpy as np

from relu_optima.convex.deep.value import check_depth
from relu_optima.errors import SolveInputError

MAX_POINTS = 2000  # the dense polish of the solver is cubic in the points


def spline_cost(x: np.ndarray, f: np.ndarray, depth: int) -> float:
    """Return the least Σ |z| of branches of a depth through given points.

    Parameters
    ----------
    x : array, shape (n,)
        Inputs, in any order; equal ones need equal values.
    f : array, shape (n,)
        Values to interpolate.
    depth : int
        Layers of weights, from 2.

    Returns
    -------
    float
        ½(|Δ|₁ + max(|Δ|₁, |s_first + s_last|)) for depth 2, ½(|s_first| + |Δ|₁ + |s_last|) beyond.

    Raises
    ------
    SolveInputError
        For fewer than two points or one input with two values.
    """
    depth = check_depth(depth)
    points, values, _, lost = merged_points(x, f)
    if lost > 0:
        raise SolveInputError("one input has two values", where="x", allowed="a function")
    s = np.diff(values) / np.diff(points)
    change = float(np.abs(np.diff(s)).sum())
    if depth == 2:
        return 0.5 * (change + max(change, abs(float(s[0] + s[-1]))))
    return 0.5 * (abs(float(s[0])) + change + abs(float(s[-1])))


def dual_bound(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, lam: float, depth: int, f: np.ndarray
) -> tuple[float, np.ndarray]:
    """Bound the value from below by the residual, centred and scaled into the dual set.

    With Σν = 0 and C(x_k) = Σ_j ν_j min(x_j - x_1, x_k - x_1) a clip over [a, b] has
    Σ ν clip = C(b) - C(a): depth 3 asks for max C - min C ≤ λ, depth 2 for ramps alone, that is
    |C(x_N) - C(a)| ≤ λ and |C(a) - C(x_1)| ≤ λ. O(N), and no code of the solver.
    """
    nu = weights * (y - f)
    nu = nu - weights * (nu.sum() / weights.sum())
    above = np.cumsum(nu[::-1])[::-1][1:]  # Σ over points right of each interval
    C = np.concatenate([[0.0], np.cumsum(np.diff(x) * above)])
    if depth > 2:
        size = float(np.ptp(C))
    else:
        size = float(max(np.abs(C[-1] - C).max(), np.abs(C - C[0]).max()))
    square = float(np.sum(nu**2 / weights))
    best = float(nu @ y) / square if square > 0 else 0.0
    scale = min(best, lam / size) if size > 0 else best
    scale = max(scale, 0.0)
    return scale * float(nu @ y) - 0.5 * scale**2 * square, scale * nu


def merged_points(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Merge equal inputs: points, mean targets, counts, and the error that no function avoids."""
    x = np.asarray(x, dtype=np.float64).reshape(-1)
    y = np.asarray(y, dtype=np.float64).reshape(-1)
    if len(x) != len(y) or not np.isfinite(x).all() or not np.isfinite(y).all():
        raise SolveInputError(
            f"{len(x)} inputs and {len(y)} targets, or entries that are not finite",
            where="x, y",
            allowed="one finite target for each input",
        )
    points, place, count = np.unique(x, return_inverse=True, return_counts=True)
    if not 2 <= len(points) <= MAX_POINTS:
        raise SolveInputError(
            f"{len(points)} distinct inputs", where="x", allowed=f"from 2 to {MAX_POINTS}"
        )
    mean = np.bincount(place, weights=y) / count
    lost = 0.5 * float(np.sum((y - mean[place]) ** 2))
    return points, mean, count.astype(np.float64), lost
