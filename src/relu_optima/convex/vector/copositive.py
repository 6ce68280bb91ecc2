r"""The copositive program of vector-output networks, and its doubly non-negative relaxation.

With U_i = (1 / 2 beta) sum w w' over the neurons of cell i the weight-decay objective, second layer
eliminated, is linear-fractional in the U_i (Sahiner et al. 2021, Theorem 2):

.. math:: \min_{U_i \in \mathcal{C}_i} \tfrac12 \mathrm{tr}\, Y^\top
          \Bigl( I + 2 \sum_i D_i X U_i X^\top D_i \Bigr)^{-1} Y
          + \beta^2 \sum_i \mathrm{tr}\, U_i , \qquad
          \mathcal{C}_i = \mathrm{conv} \{ u u^\top : u \in K_i \} .

The relaxation asks U_i >= 0 (positive semidefinite) and A_i U_i A_i' >= 0 entrywise for the rows
A_i of the cone K_i: a lower bound. Solved is its dual,

.. math:: \max_{N, \Lambda_i \ge 0} \langle N, Y \rangle - \tfrac12 \lVert N \rVert_F^2
          \quad\text{s.t.}\quad
          X^\top D_i N N^\top D_i X + A_i^\top \Lambda_i A_i \preceq \beta^2 I ,

whose matrices have order d + K only (a Schur complement), and every feasible point of which is a
bound: for u in K_i, |N'D_i X u|^2 <= beta^2 |u|^2 - (A_i u)'Lambda_i (A_i u) <= beta^2 |u|^2.

*Rows that others imply may be dropped*: A_j = sum_k c_k A_k with c >= 0 makes row j of A U A' a
non-negative sum of kept ones, so the relaxation is the same.

*It is exact if every cell is left with at most four rows.* Let A have k <= 4 rows. A U A' is doubly
non-negative of order k <= 4, hence completely positive (Maxfield & Minc 1962): A U A' = B B' with
B >= 0. Write U = Z Z' with as many columns as B (zero columns may be added to either). A Z and B
have one Gram matrix, so A Z Q = B for an orthogonal Q: the columns of Z Q lie in the cone, and
U = (Z Q)(Z Q)' is a sum of their squares.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass

import numpy as np

from relu_optima.convex.arrangement import enumerate_patterns
from relu_optima.convex.problem import check_lambda
from relu_optima.convex.vector.cells import needed_rows
from relu_optima.convex.vector.problem import as_targets
from relu_optima.errors import extras_named

EXACT_ROWS = 4  # doubly non-negative matrices of this order are completely positive


@dataclass(frozen=True)
class Relaxation:
    """The doubly non-negative relaxation of one program.

    Attributes
    ----------
    value : float
        Lower bound on the optimum over all patterns: value of a feasible dual point.
    solver_value : float
        What the interior-point method says, feasible only to its tolerance.
    exact : bool
        Whether the relaxation is proved to have the program's value: no cell is left with more
        than four rows.
    dual : array, shape (n, K)
        Dual point of ``value``: feasible for the program itself.
    cells : int
        Cells of the arrangement.
    rows : int
        Largest number of rows that bound a cell.
    status : str
        ``optimal`` where ``exact``, else ``lower_bound``; ``inaccurate`` where the interior-point
        method did not call its answer solved (tiny strengths), or the feasible value is more than
        the tolerance below its own. The value is a bound all the same.
    iterations : int
        Interior-point iterations.
    seconds : float
        CPU time.
    """

    value: float
    solver_value: float
    exact: bool
    dual: np.ndarray
    cells: int
    rows: int
    status: str
    iterations: int
    seconds: float


@extras_named()
def copositive_relaxation(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    *,
    tol: float = 1e-7,
    budget: int = 2_000,
    reduce_rows: bool = True,
) -> Relaxation:
    r"""Bound the vector-output program over all patterns by its semidefinite relaxation.

    .. math:: \min_{U_i \succeq 0,\; A_i U_i A_i^\top \ge 0} \tfrac12 \mathrm{tr}\, Y^\top
              \bigl( I + 2 \sum_i D_i X U_i X^\top D_i \bigr)^{-1} Y
              + \lambda^2 \sum_i \mathrm{tr}\, U_i

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    Y : array, shape (n, K) or (n,)
        Targets.
    lam : float
        Canonical regularisation strength, positive.
    tol : float, default 1e-7
        Tolerances of the interior-point method, and relative distance of the feasible value from
        its own that is still called solved.
    budget : int, default 2000
        Most cells that are enumerated.
    reduce_rows : bool, default True
        Drop the rows of each cone that others imply; the value is the same.

    Returns
    -------
    Relaxation
        Bound, whether it is the optimum, and a dual point that proves it.

    Raises
    ------
    SolveInputError
        If an argument has no meaning.
    BudgetError
        If the arrangement has more cells than `budget`.

    References
    ----------
    Sahiner, Ergen, Pauly, Pilanci 2021, "Vector-output ReLU neural network problems are copositive
    programs", Theorem 2. Maxfield, Minc 1962, "On the matrix equation X'X = A".
    """
    started = time.process_time()
    X, Y = as_targets(X, Y)
    lam = check_lambda(lam)
    gates = enumerate_patterns(X, budget=budget)
    cones = []
    for g in gates.T:
        at = X @ g
        A = np.where(at > 0, 1.0, -1.0)[:, None] * X
        kept = needed_rows(A, g) if reduce_rows else np.flatnonzero(np.any(X, axis=1))
        cones.append((at > 0, A[kept] / np.linalg.norm(A[kept], axis=1, keepdims=True)))
    rows = max((len(A) for _, A in cones), default=0)
    best, iterations = _Attempt(), 0
    for unit in (False, True):
        attempt = _solve(X, Y, lam, cones, tol, unit)
        iterations += attempt.iterations
        if attempt.bound >= best.bound:
            best = attempt
        if best.solved:
            break
    exact = rows <= EXACT_ROWS
    status = "optimal" if exact else "lower_bound"
    if not (best.solved and best.bound >= best.value - tol * abs(best.value)):
        status = "inaccurate"
    dual = np.zeros_like(Y) if best.dual is None else best.dual
    return Relaxation(
        best.bound, best.value, exact, dual, len(cones), rows, status, iterations,
        time.process_time() - started,
    )  # fmt: skip


@dataclass(frozen=True)
class _Attempt:
    """What the interior-point method gave: a feasible point and whether it called it solved."""

    bound: float = 0.0
    value: float = np.inf
    dual: np.ndarray | None = None
    iterations: int = 0
    solved: bool = False


def _solve(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    cones: list[tuple[np.ndarray, np.ndarray]],
    tol: float,
    unit: bool,
) -> _Attempt:
    """Solve the dual by Clarabel, with blocks divided by lam^2 or not, and make it feasible.

    Lambda needs no diagonal: (A U A')_kk >= 0 holds for every U >= 0. Neither scaling of the
    blocks serves all data, so the caller tries the other one where a solve fails.
    """
    import cvxpy as cp

    n, K = Y.shape
    d = X.shape[1]
    N, constraints, multipliers = cp.Variable((n, K)), [], []
    size, factor = (1.0, 1.0 / lam) if unit else (lam**2, 1.0)
    for on, A in cones:
        first, second = np.triu_indices(len(A), 1)
        corner: cp.Expression = cp.Constant(size * np.eye(d))
        L = cp.Variable(len(first), nonneg=True) if len(first) else None
        if L is not None:
            pairs = A[first][:, :, None] * A[second][:, None, :]
            pairs = (pairs + pairs.transpose(0, 2, 1)).reshape(len(first), d * d)
            corner = corner - cp.reshape(L @ pairs, (d, d), order="C")
        side = factor * (X[on].T @ N[np.flatnonzero(on)])
        block = cp.bmat([[corner, side], [side.T, np.eye(K)]])
        constraints.append(0.5 * (block + block.T) >> 0)
        multipliers.append((L, first, second))
    target = cp.Maximize(cp.sum(cp.multiply(N, Y)) - 0.5 * cp.sum_squares(N))
    program = cp.Problem(target, constraints)
    options = {"tol_gap_abs": tol, "tol_gap_rel": tol, "tol_feas": tol, "max_iter": 500}
    try:
        with warnings.catch_warnings():
            # an inaccurate answer shows in the status
            warnings.filterwarnings("ignore", message="Solution may be inaccurate")
            program.solve(solver=cp.CLARABEL, **options)
    except cp.SolverError:
        return _Attempt()
    if N.value is None:
        return _Attempt()
    point, height = np.asarray(N.value), 0.0
    for (on, A), (L, first, second) in zip(cones, multipliers, strict=True):
        M, S = X[on].T @ point[on], np.zeros((len(A), len(A)))
        if L is not None:
            S[first, second] = np.maximum(L.value, 0.0) * (lam**2 if unit else 1.0)
        height = max(height, float(np.linalg.eigvalsh(M @ M.T + A.T @ (S + S.T) @ A)[-1]))
    dual = min(1.0, lam / np.sqrt(height)) * point if height > 0 else point
    bound = float(np.sum(dual * Y)) - 0.5 * float(np.sum(dual * dual))
    stats = program.solver_stats
    steps = int(stats.num_iters or 0) if stats is not None else 0
    return _Attempt(bound, float(program.value), dual, steps, program.status == "optimal")
