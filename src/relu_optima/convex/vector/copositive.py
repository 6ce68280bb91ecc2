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
The interior-point method is believed in nothing: its N is shrunk until it is feasible, its U_i are
moved into their cones, and the two values bracket that of the relaxation.

*Cells may be narrow, and beta small.* The matrices are put into coordinates of their own,
T' (.) T with T^-2 = sum_k a_k a_k' / (a_k'g)^2 + m I at the centre g of the m rows a_k of a cell
(the Hessian of their logarithmic barrier), in which every cell is wide; N is counted in multiples
of beta.

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
from relu_optima.convex.low_rank.column_generation import feasible_multiple
from relu_optima.convex.problem import check_lambda
from relu_optima.convex.vector.cells import needed_rows
from relu_optima.convex.vector.problem import as_targets
from relu_optima.errors import extras_named

EXACT_ROWS = 4  # doubly non-negative matrices of this order are completely positive
CENTRING = 100  # Newton steps to the centre of a cell
CENTRED = 1e-3  # decrement at which they end: the coordinates need no more
LIFTS = np.append(0.0, np.geomspace(1e-13, 1e-2, 45))  # of multipliers; the best one counts
TIGHTER = 1e-2  # tolerances of the interior-point method, relative to that of the bracket


@dataclass(frozen=True)
class Relaxation:
    """The doubly non-negative relaxation of one program.

    Attributes
    ----------
    value : float
        Lower bound on the optimum over all patterns: value of a feasible dual point.
    above : float
        Upper bound on the relaxation's own value (not on the program's): that of feasible U_i.
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
        ``optimal`` where ``exact``, else ``lower_bound``; ``inaccurate`` where ``value`` is more
        than the tolerance below ``above``. The value is a bound all the same.
    iterations : int
        Interior-point iterations.
    seconds : float
        CPU time.
    """

    value: float
    above: float
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
        Relative distance of ``value`` from ``above`` up to which the relaxation is called solved.
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
        cones.append(_cone(at > 0, A[kept] / np.linalg.norm(A[kept], axis=1, keepdims=True), g))
    rows = max((len(cone.A) for cone in cones), default=0)
    found, exact = _Bracket(np.zeros_like(Y), 0.0, 0.5 * float(np.sum(Y * Y))), rows <= EXACT_ROWS
    status = "inaccurate"
    for equilibrate in (False, True):  # the method's own scaling is rarely better than ours
        found = found.with_(_solve(X, Y, lam, cones, TIGHTER * tol, equilibrate=equilibrate))
        if found.above - found.below <= tol * found.above:
            status = "optimal" if exact else "lower_bound"
            break
    return Relaxation(
        found.below, found.above, exact, found.dual, len(cones), rows, status, found.iterations,
        time.process_time() - started,
    )  # fmt: skip


@dataclass(frozen=True)
class _Cone:
    """A cell: rows that are on, the unit rows that bound it, its centre and its coordinates."""

    on: np.ndarray
    A: np.ndarray
    centre: np.ndarray
    T: np.ndarray


@dataclass(frozen=True)
class _Bracket:
    """Values of feasible points of the relaxation, and the dual one."""

    dual: np.ndarray
    below: float = 0.0
    above: float = np.inf
    iterations: int = 0

    def with_(self, other: _Bracket) -> _Bracket:
        """Take the better of each."""
        better = other if other.below > self.below else self
        steps = self.iterations + other.iterations
        return _Bracket(better.dual, better.below, min(self.above, other.above), steps)


def _cone(on: np.ndarray, A: np.ndarray, g: np.ndarray) -> _Cone:
    """Move an interior point to the minimum of -sum log(a_k'u) + m |u|^2 / 2, by Newton's method.

    The function is self-concordant, so steps of length 1 / (1 + decrement) stay inside and converge
    (Nesterov & Nemirovskii 1994, Theorem 2.2.2).
    """
    d = A.shape[1]
    u = g / np.linalg.norm(g)
    for _ in range(CENTRING):
        ratio = A / (A @ u)[:, None]
        hessian = ratio.T @ ratio + len(A) * np.eye(d)
        gradient = len(A) * u - ratio.sum(axis=0)
        step = np.linalg.solve(hessian, -gradient)
        decrement = float(np.sqrt(max(-gradient @ step, 0.0)))
        u = u + step / (1.0 + decrement)
        if decrement <= CENTRED:
            break
    ratio = A / (A @ u)[:, None]
    values, vectors = np.linalg.eigh(ratio.T @ ratio + len(A) * np.eye(d))
    return _Cone(on, A, u, (vectors / np.sqrt(values / values[0])) @ vectors.T)


def _solve(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    cones: list[_Cone],
    tol: float,
    *,
    equilibrate: bool,
) -> _Bracket:
    """Solve the scaled dual by Clarabel, and bracket the value by what it says.

    Lambda needs no diagonal: (A U A')_kk >= 0 holds for every U >= 0.
    """
    import cvxpy as cp

    n, K = Y.shape
    d = X.shape[1]
    s_x, s_y = float(np.linalg.norm(X, axis=1).max()) or 1.0, float(np.abs(Y).max()) or 1.0
    beta = lam / (s_x * s_y)
    N, constraints, multipliers = cp.Variable((n, K)), [], []
    for cone in cones:
        rows = cone.A @ cone.T
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        first, second = np.triu_indices(len(rows), 1)
        corner: cp.Expression = cp.Constant(cone.T @ cone.T)
        L = cp.Variable(len(first), nonneg=True) if len(first) else None
        if L is not None:
            pairs = rows[first][:, :, None] * rows[second][:, None, :]
            pairs = (pairs + pairs.transpose(0, 2, 1)).reshape(len(first), d * d)
            corner = corner - cp.reshape(L @ pairs, (d, d), order="C")
        side = (cone.T @ X[cone.on].T / s_x) @ N[np.flatnonzero(cone.on)]
        block = cp.bmat([[corner, side], [side.T, np.eye(K)]])
        constraints.append(0.5 * (block + block.T) >> 0)
        multipliers.append((L, first, second))
    target = cp.Maximize(cp.sum(cp.multiply(N, Y / s_y)) - 0.5 * beta * cp.sum_squares(N))
    program = cp.Problem(target, constraints)
    options: dict[str, float] = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), tol)
    options |= {"max_iter": 500, "equilibrate_enable": equilibrate}
    try:
        with warnings.catch_warnings():
            # how accurate the answer is shows in the bracket
            warnings.filterwarnings("ignore", message="Solution may be inaccurate")
            program.solve(solver=cp.CLARABEL, **options)
    except cp.SolverError:
        return _Bracket(np.zeros_like(Y))
    if N.value is None or constraints[0].dual_value is None:
        return _Bracket(np.zeros_like(Y))
    kernel, total, weights = np.eye(n), 0.0, []
    for cone, (L, first, second), constraint in zip(cones, multipliers, constraints, strict=True):
        S = np.zeros((len(cone.A), len(cone.A)))
        if L is not None:
            S[first, second] = np.maximum(L.value, 0.0)
        weights.append(S + S.T)
        Z = np.asarray(constraint.dual_value)[:d, :d]
        U = _inside(cone, cone.T @ (0.5 * (Z + Z.T)) @ cone.T / (beta * s_x**2))
        masked = np.where(cone.on[:, None], X, 0.0)
        kernel += 2.0 * masked @ U @ masked.T
        total += float(np.trace(U))
    residual = np.linalg.solve(kernel, Y)
    above = 0.5 * float(np.sum(Y * residual)) + lam**2 * total
    steps = program.solver_stats.num_iters if program.solver_stats is not None else 0
    best = _Bracket(np.zeros_like(Y), 0.0, above, int(steps or 0))
    for candidate in (lam / s_x * np.asarray(N.value), residual):
        height = max(
            _height(cone, X[cone.on].T @ candidate[cone.on] / lam, S)
            for cone, S in zip(cones, weights, strict=True)
        )
        below, dual = feasible_multiple(candidate, Y, 1.0, float(np.sqrt(height)))
        best = best.with_(_Bracket(dual, below, above))
    return best


def _height(cone: _Cone, M: np.ndarray, S: np.ndarray) -> float:
    """Bound max |M'u|^2 over unit u of a cell by the multipliers S of its normalised rows.

    It is the top eigenvalue of M M' + A'S A. What S lacks in the narrow directions of the cell
    counts most there, and adding t to all its entries off the diagonal mends it, at a cost of
    order t along the centre: sum_kl a_k a_l' - sum_k a_k a_k' is negative across it.
    """
    rows = cone.A / np.linalg.norm(cone.A @ cone.T, axis=1, keepdims=True)
    whole = rows.sum(axis=0)
    more = np.outer(whole, whole) - rows.T @ rows
    shapes = M @ M.T + rows.T @ S @ rows + LIFTS[:, None, None] * more
    return float(np.linalg.eigvalsh(shapes)[:, -1].min())


def _inside(cone: _Cone, U: np.ndarray) -> np.ndarray:
    """Move U into the doubly non-negative cone of a cell: drop what is negative, add centre."""
    values, vectors = np.linalg.eigh(U)
    U = (vectors * np.maximum(values, 0.0)) @ vectors.T
    at = cone.A @ cone.centre
    lack = float(np.max(-(cone.A @ U @ cone.A.T) / np.outer(at, at)))
    return np.asarray(U + max(lack, 0.0) * np.outer(cone.centre, cone.centre))
