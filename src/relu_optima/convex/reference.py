r"""The convex programs written down for cvxpy and solved by Clarabel's interior-point method.

Gated, over w_i without constraints:

.. math:: \min_w \tfrac12 \lVert \textstyle\sum_i D_i X w_i - y \rVert^2
          + \lambda \sum_i \lVert w_i \rVert_2 ,

ReLU, with cones K_i = {u : (2 D_i - I) X u >= 0} (Pilanci & Ergen 2020, Theorem 1):

.. math:: \min_{v_i, w_i \in K_i} \tfrac12
          \lVert \textstyle\sum_i D_i X (v_i - w_i) - y \rVert^2
          + \lambda \sum_i (\lVert v_i \rVert_2 + \lVert w_i \rVert_2) .

The reference of the tests, and a fallback for small problems.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from relu_optima.convex.problem import Problem
from relu_optima.errors import extras_named


@dataclass(frozen=True)
class ReferenceAnswer:
    """Raw answer of the interior-point method.

    Attributes
    ----------
    v, w : array, shape (P, d)
        Blocks, feasible up to the tolerance of the method.
    value : float
        Optimal value as the method reports it.
    status : str
        cvxpy's status.
    iterations : int
        Interior-point iterations.
    """

    v: np.ndarray
    w: np.ndarray
    value: float
    status: str
    iterations: int


@extras_named()
def solve_reference(
    problem: Problem, lam: float, *, tol: float = 1e-9, time_limit: float | None = None
) -> ReferenceAnswer | None:
    """Solve the program by Clarabel."""
    import cvxpy as cp

    X, y = problem.X, problem.y
    count, d = problem.patterns.shape[1], X.shape[1]
    mask = problem.patterns.astype(np.float64)
    v = cp.Variable((count, d))
    w = cp.Variable((count, d)) if problem.formulation == "relu" else None
    blocks = v if w is None else v - w
    fit = cp.sum(cp.multiply(mask, X @ blocks.T), axis=1)
    penalty = cp.sum(cp.norm(v, axis=1))
    constraints = []
    if w is not None:
        penalty += cp.sum(cp.norm(w, axis=1))
        side = 2.0 * mask - 1.0
        constraints = [cp.multiply(side, X @ u.T) >= 0 for u in (v, w)]
    program = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(fit - y) + lam * penalty), constraints)
    options: dict[str, float] = {
        "tol_gap_abs": tol,
        "tol_gap_rel": tol,
        "tol_feas": tol,
        "max_iter": 500,
    }
    if time_limit is not None:
        options["time_limit"] = time_limit
    try:
        with warnings.catch_warnings():
            # an inaccurate answer shows in our own certificate
            warnings.filterwarnings("ignore", message="Solution may be inaccurate")
            program.solve(solver=cp.CLARABEL, **options)
    except cp.SolverError:
        return None
    if v.value is None:
        return None
    stats = program.solver_stats
    zero = np.zeros((count, d))
    return ReferenceAnswer(
        v=np.asarray(v.value),
        w=zero if w is None else np.asarray(w.value),
        value=float(program.value),
        status=str(program.status),
        iterations=int(stats.num_iters or 0) if stats is not None else 0,
    )
