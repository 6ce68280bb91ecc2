"""Solve the lasso of mirrors: an interior point method, then exactly on the knots it found."""

from __future__ import annotations

import numpy as np

from relu_optima.convex.deep.mirror_cost import dual_bound, spline_cost
from relu_optima.errors import extras_named


def slope_changes(x: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the matrix from slopes to changes, and for depth 2 the row of s_first + s_last."""
    count = len(x) - 1
    inner = np.diff(np.eye(count), axis=0)
    if depth > 2:
        ends = np.zeros((2, count))
        ends[0, 0] = ends[1, -1] = 1.0
        return np.vstack([ends[:1], inner, ends[1:]]), None
    total = np.zeros(count)
    total[0] += 1.0
    total[-1] += 1.0
    return inner, total


@extras_named()
def quadratic_program(
    x: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
    lam: float,
    D: np.ndarray,
    extra: np.ndarray | None,
) -> np.ndarray:
    """Solve in slopes by Clarabel."""
    import cvxpy as cp

    s, start = cp.Variable(len(x) - 1), cp.Variable()
    f = start + np.tril(np.ones((len(x), len(x))), -1)[:, :-1] @ cp.multiply(np.diff(x), s)
    change = cp.norm1(D @ s)
    penalty = change if extra is None else change + cp.maximum(change, cp.abs(extra @ s))
    error = cp.multiply(np.sqrt(weights), f - y)
    program = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(error) + 0.5 * lam * penalty))
    program.solve(solver=cp.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    if s.value is None:
        return np.full(len(x), float(weights @ y / weights.sum()))
    return np.asarray(f.value, dtype=np.float64)


def polished(
    x: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
    lam: float,
    D: np.ndarray,
    extra: np.ndarray | None,
    f: np.ndarray,
) -> np.ndarray:
    """Solve on the knots and signs found, if that proves more; else keep the point."""
    s = np.diff(f) / np.diff(x)
    change = D @ s
    size = max(float(np.abs(change).max(initial=0.0)), float(np.abs(s).max()), 1e-300)
    best, gap = f, _gap(x, y, weights, lam, extra is None, f)
    for level in (1e-4, 1e-6, 1e-8):
        sign = np.where(np.abs(change) > level * size, np.sign(change), 0.0)
        rows = D[sign == 0]
        cost = 0.5 * lam * (sign @ D)
        if extra is not None:
            total = float(np.abs(change).sum())
            end = float(extra @ s)
            if abs(abs(end) - total) <= level * size:
                rows = np.vstack([rows, (sign @ D - np.sign(end) * extra)[None]])
            cost = cost + 0.5 * lam * (np.sign(end) * extra if abs(end) > total else sign @ D)
        basis = _null_space(rows, len(s))
        lift = np.tril(np.ones((len(x), len(x))), -1)[:, :-1] * np.diff(x)
        design = np.hstack([np.ones((len(x), 1)), lift @ basis])
        target = design.T @ (weights * y) - np.concatenate([[0.0], cost @ basis])
        found = np.linalg.lstsq(design.T @ (weights[:, None] * design), target, rcond=None)[0]
        point = design @ found
        reached = _gap(x, y, weights, lam, extra is None, point)
        if reached < gap:
            best, gap = point, reached
    return best


def _gap(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, lam: float, deep: bool, f: np.ndarray
) -> float:
    depth = 3 if deep else 2
    value = 0.5 * float(weights @ (f - y) ** 2) + lam * spline_cost(x, f, depth)
    return value - dual_bound(x, y, weights, lam, depth, f)[0]


def _null_space(rows: np.ndarray, size: int) -> np.ndarray:
    if len(rows) == 0:
        return np.eye(size)
    _, s, Vt = np.linalg.svd(rows)
    rank = int(np.sum(s > 1e-12 * max(float(s[0]), 1e-300)))
    return np.asarray(Vt[rank:].T)
