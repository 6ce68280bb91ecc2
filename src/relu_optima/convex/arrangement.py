"""All activation patterns of a data set: the cells of its hyperplane arrangement.

The hyperplanes {u : x_j'u = 0} cut the space of gates into open cones. Lower-dimensional faces
need no pattern of their own because the closed cones of the convex program cover them.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.gates import activation_patterns, as_inputs
from relu_optima.errors import BudgetError

RANK_TOL = 1e-10  # singular value, relative to the largest, below which a direction is no data
INTERIOR_TOL = 1e-9  # sine of the angle below which two hyperplanes are one
THIN = 1e-6  # margin below which a cell's point is moved to the middle


def enumerate_patterns(X: np.ndarray, *, budget: int = 200_000) -> np.ndarray:
    """Return one interior gate for each cell of the arrangement, the all-zero cell left out.

    In general position in rank r there are 2 * sum_{k<r} binom(n-1, k) cells (Cover 1965).
    Hyperplanes are added one by one. The cells that a new one cuts are those of the arrangement
    restricted to it, of rank r - 1 (deletion and restriction, Zaslavsky 1975); rank 2 sorts
    angles. No cell is searched for in vain, and degenerate positions need no special case.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs; zero rows switch nothing.
    budget : int, default 200000
        Most cells that are enumerated.

    Returns
    -------
    array, shape (d, P)
        Interior points, in lexicographic order of their patterns.

    Raises
    ------
    BudgetError
        If there are more cells than the budget.
    SolveInputError
        If X is not a finite non-empty matrix.
    """
    X = as_inputs(X)
    lengths = np.linalg.norm(X, axis=1)
    rows = X[lengths > 0] / lengths[lengths > 0][:, None]
    if rows.shape[0] == 0:
        return np.zeros((X.shape[1], 0))
    _, values, Vt = np.linalg.svd(rows, full_matrices=False)
    basis = Vt[values > RANK_TOL * values[0]]
    rows = rows @ basis.T
    points = _centred(rows, _cells(rows, budget))
    gates = basis.T @ points.T
    patterns = rows @ points.T > 0
    alive = np.flatnonzero(patterns.any(axis=0))
    order = alive[np.lexsort(patterns[::-1, alive])]
    gates = np.ascontiguousarray(gates[:, order])
    assert (activation_patterns(X[lengths > 0], gates) == patterns[:, order]).all()
    return gates


def _refuse(count: int, budget: int) -> None:
    if count > budget:
        raise BudgetError(
            f"the arrangement has more than {budget} cells",
            where="convex.gates.source",
            fix="sample the gates instead: convex.gates.source=sample",
        )


def _cells(rows: np.ndarray, budget: int) -> np.ndarray:
    """Return one unit point in each cell of the unit rows' hyperplanes, shape (C, r)."""
    _, values, Vt = np.linalg.svd(rows, full_matrices=False)
    basis = Vt[values > RANK_TOL * values[0]]
    if len(basis) == 1:
        return np.vstack([basis, -basis])
    flat = rows @ basis.T
    if len(basis) == 2:
        return np.asarray(_planar_cells(flat, budget) @ basis)
    points = np.vstack([flat[:1], -flat[:1]])
    for k in range(1, len(flat)):
        points = _add_hyperplane(flat[:k], flat[k], points, budget)
        _refuse(len(points), budget)
    return np.asarray(points @ basis)


def _add_hyperplane(
    rows: np.ndarray, normal: np.ndarray, points: np.ndarray, budget: int
) -> np.ndarray:
    """Split the cells that one more hyperplane cuts."""
    along = rows @ normal
    rest = rows - along[:, None] * normal
    lengths = np.linalg.norm(rest, axis=1)
    if lengths.min() <= INTERIOR_TOL:
        return points  # the same hyperplane again
    # an orthonormal basis of the hyperplane: all but the first right singular vector
    plane = np.linalg.svd(normal[None])[2][1:]
    inside = _cells((rest / lengths[:, None]) @ plane.T, budget) @ plane
    values = inside @ rows.T
    step = np.abs(values) / np.maximum(np.abs(along), np.finfo(float).tiny)
    shift = (0.5 * np.minimum(1.0, step.min(axis=1)))[:, None] * normal
    keys = {key.tobytes() for key in np.packbits(values > 0, axis=1)}
    old = np.packbits(points @ rows.T > 0, axis=1)
    whole = np.array([key.tobytes() not in keys for key in old], dtype=bool)
    grown = np.vstack([points[whole], inside + shift, inside - shift])
    return np.asarray(grown / np.linalg.norm(grown, axis=1)[:, None])


def _centred(rows: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Move points that are close to a border into the middle of their cell."""
    values = points @ rows.T
    out = points.copy()
    for i in np.flatnonzero(np.abs(values).min(axis=1) < THIN):
        out[i] = _deepest(rows, np.where(values[i] > 0, 1.0, -1.0), points[i])
    return out


def _planar_cells(rows: np.ndarray, budget: int) -> np.ndarray:
    """Cells in the plane lie between neighbouring boundary angles."""
    normal = np.arctan2(rows[:, 1], rows[:, 0])
    angles = np.sort(np.mod(np.concatenate([normal, normal + np.pi]) + np.pi / 2, 2 * np.pi))
    angles = angles[np.append(True, np.diff(angles) > 2 * INTERIOR_TOL)]
    if angles.size > 1 and angles[0] + 2 * np.pi - angles[-1] <= 2 * INTERIOR_TOL:
        angles = angles[:-1]
    _refuse(angles.size, budget)
    middle = 0.5 * (angles + np.append(angles[1:], angles[0] + 2 * np.pi))
    return np.column_stack([np.cos(middle), np.sin(middle)])


def _deepest(rows: np.ndarray, signs: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Return the point of a cell with the largest margin in the box."""
    from scipy.optimize import linprog

    n, rank = rows.shape
    upper = np.column_stack([-signs[:, None] * rows, np.ones(n)])
    cost = np.append(np.zeros(rank), -1.0)
    bounds = [(-1.0, 1.0)] * rank + [(None, 1.0)]
    answer = linprog(cost, A_ub=upper, b_ub=np.zeros(n), bounds=bounds, method="highs")
    margin = np.abs(rows @ point).min()
    if answer.status != 0 or (signs * (rows @ answer.x[:rank])).min() <= margin:
        return point
    return np.asarray(answer.x[:rank])
