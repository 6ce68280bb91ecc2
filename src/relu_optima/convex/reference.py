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

import time
import warnings
from dataclasses import dataclass

import numpy as np

from relu_optima.convex.certificate import certify
from relu_optima.convex.cone_projection import project_on_cone
from relu_optima.convex.problem import Problem
from relu_optima.convex.solution import Solution, certified
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


def solve_by_reference(
    problem: Problem, lam: float, tol: float, time_limit: float | None, *, started: float
) -> Solution:
    """Solve by Clarabel, repair its small infeasibilities, certify."""
    scale_x, scale_y = problem.scales
    scaled = problem.scaled()
    wall = time.perf_counter()
    answer = solve_reference(
        scaled, lam / scale_x / scale_y, tol=min(1e-9, 0.01 * tol), time_limit=time_limit
    )
    late = time_limit is not None and time.perf_counter() - wall >= time_limit
    zero = np.zeros((problem.patterns.shape[1], problem.X.shape[1]))
    v, w = (zero, zero.copy()) if answer is None else (answer.v, answer.w)
    if problem.formulation == "relu":
        v, w = (into_cones(scaled, u) for u in (v, w))
    v, w = (u * (scale_y / scale_x) for u in (v, w))
    proof = certify(problem.X, problem.y, problem.gates, lam, v, w, problem.formulation)
    good = proof.gap <= tol and proof.violation <= 1e-9
    status = "optimal" if good else "time_limit" if late else "inaccurate"
    counts = {"iterations": 0 if answer is None else answer.iterations}
    return certified(problem, v, w, lam, proof, status, started, "clarabel", counts)


def into_cones(problem: Problem, blocks: np.ndarray) -> np.ndarray:
    """Project interior-point blocks on their cones and drop those that are numerically zero."""
    lengths = np.linalg.norm(problem.X, axis=1)
    rows = problem.X / np.where(lengths > 0, lengths, 1.0)[:, None]
    norms = np.linalg.norm(blocks, axis=1)
    out = np.zeros_like(blocks)
    for i in np.flatnonzero(norms > 1e-7 * norms.max(initial=0.0)):
        cone = np.where(problem.patterns[:, i], 1.0, -1.0)[:, None] * rows
        if (cone @ blocks[i]).min() >= -1e-12 * norms[i]:
            out[i] = blocks[i]  # a projection could only add rounding
        else:
            out[i] = project_on_cone(cone, blocks[i])[0]
    return out
