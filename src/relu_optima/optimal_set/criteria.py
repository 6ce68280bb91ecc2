"""The points of the polytope of optimal models that are best by a sum, or a sum of squares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linprog, nnls

from relu_optima.errors import DegenerateError
from relu_optima.optimal_set.rank import null_basis

if TYPE_CHECKING:
    from relu_optima.optimal_set.polytope import Polytope

CONSTANT = 1e-12  # share of a criterion below which it is the same all over the polytope
RIDGE = 1e-6  # weight of the pull to the centre


def lowest_vertex(
    body: Polytope, point: np.ndarray, basis: np.ndarray, cost: np.ndarray
) -> np.ndarray:
    """Minimise cost'beta over beta = point + basis t >= 0."""
    size = max(body.scale, 1e-300)
    moving = np.any(basis != 0, axis=1)
    answer = linprog(
        basis.T @ cost,
        A_ub=-basis[moving],
        b_ub=point[moving] / size,
        bounds=(-2.0, 2.0),  # |beta - point| <= sqrt(2) in units of the sum
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if answer.status != 0:
        raise DegenerateError(
            f"a linear program over {basis.shape[1]} coordinates of the optimal set failed: "
            f"{answer.message}",
            where="optimal_set.slack_tol",
            fix="solve again with a smaller convex.tol",
        )
    beta = point + basis @ (size * answer.x)
    return body.snap(beta)


def nearest_point(body: Polytope, factor: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Minimise |factor beta - target|^2 over a polytope that is more than a point."""
    size = body.scale
    inner = factor @ body.basis
    weight = float(np.linalg.norm(inner))
    rest = (target - factor @ body.centre) / size
    # Freedom of antipodal pairs changes no prediction anywhere: only rounding is left of it.
    if weight <= CONSTANT * float(np.linalg.norm(factor)):
        return body.centre.copy()
    # A small pull to the centre makes the criterion definite; the polish takes it out again.
    stacked = np.vstack([inner / weight, RIDGE * np.eye(body.dimension)])
    q, r = np.linalg.qr(stacked)
    best = q.T @ np.concatenate([rest / weight, np.zeros(body.dimension)])
    moved = body.basis[body.support] @ np.linalg.inv(r)
    base = body.centre[body.support] / size + moved @ best
    shift = _least_distance(moved, -base)
    beta = body.centre + body.basis @ (size * np.linalg.solve(r, best + shift))
    return _polish(body, beta, factor, target)


def _polish(body: Polytope, beta: np.ndarray, factor: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Solve the criterion exactly on the support that was found."""
    used = np.flatnonzero(beta > 1e-9 * body.scale)
    free = null_basis(body.columns[:, used], body.rank_tol)
    exact = np.zeros_like(beta)
    exact[used] = np.linalg.lstsq(body.columns[:, used], body.fit, rcond=None)[0]
    if free.shape[1]:
        move = factor[:, used] @ free
        rest = target - factor[:, used] @ exact[used]
        # Among equally good points stay near the one found: it is known to be feasible.
        shift = free.T @ (beta[used] - exact[used])
        step = np.linalg.lstsq(move, rest - move @ shift, rcond=1e-10)[0]
        exact[used] += free @ (shift + step)
    before = float(np.linalg.norm(factor @ beta - target))
    after = float(np.linalg.norm(factor @ exact - target))
    close = after <= before + 1e-9 * (1 + before)
    feasible = exact.min() >= -1e-12 * body.scale
    return np.asarray(np.maximum(exact if feasible and close else beta, 0.0))


def _least_distance(rows: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """Minimise |x|^2 subject to rows x >= bound, which must have a solution."""
    if np.all(bound <= 0):
        return np.zeros(rows.shape[1])
    system = np.vstack([rows.T, bound])
    goal = np.zeros(len(system))
    goal[-1] = 1.0
    dual = nnls(system, goal, maxiter=30 * bound.size + 100)[0]
    residual = system @ dual - goal
    return np.asarray(-residual[:-1] / residual[-1])
