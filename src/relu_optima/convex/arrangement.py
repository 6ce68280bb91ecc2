"""All activation patterns of a data set: the cells of its hyperplane arrangement.

The hyperplanes {u : x_j'u = 0} cut the space of gates into open cones. Lower-dimensional faces
need no pattern of their own because the closed cones of the convex program cover them.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.gates import activation_patterns, as_inputs
from relu_optima.errors import BudgetError

RANK_TOL = 1e-10
INTERIOR_TOL = 1e-9


def enumerate_patterns(X: np.ndarray, *, budget: int = 200_000) -> np.ndarray:
    """Return one interior gate for each cell of the arrangement, the all-zero cell left out.

    In general position in rank r there are 2 * sum_{k<r} binom(n-1, k) cells (Cover 1965).
    Rank 2 sorts angles; higher rank grows a tree of feasible sign prefixes, with one linear
    program for each candidate cell.

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
    rank = basis.shape[0]
    if rank == 1:
        points = np.array([[1.0], [-1.0]])
    elif rank == 2:
        points = _planar_cells(rows, budget)
    else:
        points = _cell_tree(rows, budget)
    gates = basis.T @ points.T
    # signs in the reduced space are exact to INTERIOR_TOL; in the full space use the same ones
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


def _cell_tree(rows: np.ndarray, budget: int) -> np.ndarray:
    """Grow sign prefixes; the arrangement is central, so half of it is enough."""
    signs = np.ones((1, 1))
    points = rows[:1] / np.abs(rows[0]).max()
    for k in range(1, len(rows)):
        side = points @ rows[k]
        grown_signs, grown_points = [], []
        for prefix, point, value in zip(signs, points, side, strict=True):
            for sign in (1.0, -1.0):
                # the point of the parent already witnesses one of its two children
                child = np.append(prefix, sign)
                inside = point if sign * value > INTERIOR_TOL else _witness(rows, child)
                if inside is not None:
                    grown_signs.append(child)
                    grown_points.append(inside)
            _refuse(2 * len(grown_signs), budget)
        signs, points = np.array(grown_signs), np.array(grown_points)
    # a witness may sit close to a border: centre it, so that the pattern survives rounding
    centred = []
    for prefix, point in zip(signs, points, strict=True):
        better = _witness(rows, prefix)
        centred.append(point if better is None else better)
    half = np.array(centred)
    return np.vstack([half, -half])


def _witness(rows: np.ndarray, signs: np.ndarray) -> np.ndarray | None:
    """Return the point with the largest margin in the box, or None if the cell is empty."""
    from scipy.optimize import linprog

    count, rank = signs.size, rows.shape[1]
    upper = np.column_stack([-signs[:, None] * rows[:count], np.ones(count)])
    cost = np.append(np.zeros(rank), -1.0)
    bounds = [(-1.0, 1.0)] * rank + [(None, 1.0)]
    answer = linprog(cost, A_ub=upper, b_ub=np.zeros(count), bounds=bounds, method="highs")
    if answer.status != 0 or answer.x[-1] <= INTERIOR_TOL:
        return None
    return np.asarray(answer.x[:rank])
