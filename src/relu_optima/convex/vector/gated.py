r"""The gated program with several outputs over listed gates, with a nuclear norm for every gate.

.. math:: \min_{V_i \in \mathbb{R}^{d \times K}}
          \tfrac12 \Big\lVert \sum_i D_i X V_i - Y \Big\rVert_F^2
          + \lambda \sum_i \lVert V_i \rVert_*

It is the least weight-decay objective of gated networks with any number of neurons behind each
gate: neurons u v' behind gate i sum to V_i at cost sum |u| |v| >= ||V_i||_*, with equality for a
singular value decomposition. The dual is

.. math:: \max_N \; \langle N, Y \rangle - \tfrac12 \lVert N \rVert_F^2
          \quad\text{s.t.}\quad \max_i \lVert X^\top D_i N \rVert_{op} \le \lambda ,

so a residual and P largest singular values are an exact certificate (Sahiner et al. 2021,
section 4, for the nuclear norm; Mishkin & Pilanci 2022 for gates).

Method: alternating directions between the quadratic, whose curvature A'A is used whole (see
`lifted`), and the shrinkage of singular values, over-relaxed, with a penalty that balances the two
residuals (Boyd et al. 2011, sections 3.4.1 and 3.4.3). With exact curvature the number of steps
does not depend on the conditioning of the data: 40 to 200 for a gap of 1e-6. Blocks Z are primal
points. The bound comes from the ridge solution W, whose residual has A'(Y - A W) = rho (W - Z + U)
by that system itself: near to feasible long before that of Z is, and priced without a product.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from relu_optima.convex.problem import check_lambda
from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution
from relu_optima.convex.solver import check_options, solve
from relu_optima.convex.vector.certificate import certify_gated
from relu_optima.convex.vector.lifted import Lifted, Ridge
from relu_optima.convex.vector.nuclear import network_of, operator_norms, shrink
from relu_optima.convex.vector.problem import VectorProblem, make_vector_problem

MAX_STEPS = 4_000
RELAXATION = 1.6
EASE = 0.2  # residual of an inexact ridge solve, relative to those of the method
LOOK = 5  # steps between two looks at the gap
STOP = 0.9  # share of the tolerance at which they stop: the certificate sums in another order
BALANCE = 4  # steps between the first changes of the penalty; each lets twice as many pass
UNBALANCED = 3.0  # ratio of relative residuals that changes it
START = 30.0  # first penalty in multiples of (lam / lam_max) times the mean eigenvalue of A'A


@dataclass
class _State:
    """Where the iteration stands: blocks, scaled multipliers, penalty."""

    Z: np.ndarray
    U: np.ndarray
    rho: float


class GatedNuclear:
    """One program, for any number of strengths."""

    def __init__(self, problem: VectorProblem) -> None:
        self.problem = problem
        self.lifted = Lifted(problem.X, problem.patterns)
        self.target = self.lifted.correlate(problem.Y)
        self.lam_max = float(operator_norms(self.target).max(initial=0.0))
        self._ridge: Ridge | None = None
        self._state: _State | None = None

    def solve(self, lam: float, tol: float, time_limit: float | None) -> ShallowSolution:
        """Solve for one strength, from wherever the last solve ended."""
        started, wall = time.process_time(), time.perf_counter()
        problem = self.problem
        if lam >= self.lam_max:
            zero = np.zeros((problem.patterns.shape[1], problem.X.shape[1], problem.Y.shape[1]))
            return self._solution(zero, problem.Y, lam, "optimal", {}, started, tol)
        if self._ridge is None:
            self._ridge = Ridge(self.lifted)
        before = self._ridge.steps, self._ridge.factors
        deadline = None if time_limit is None else wall + time_limit
        Z, N, status, steps = self._iterate(lam, tol, deadline)
        counts = {
            "steps": steps,
            "cg": self._ridge.steps - before[0],
            "factors": self._ridge.factors - before[1],
        }
        return self._solution(Z, N, lam, status, counts, started, tol)

    def _begin(self, lam: float) -> _State:
        """Start from zero, or from the state of another strength."""
        if self._state is None:
            rho = START * lam / self.lam_max * self.lifted.mean_curvature()
            zero = np.zeros_like(self.target)
            self._state = _State(zero, zero.copy(), rho)
        return self._state

    def _iterate(
        self, lam: float, tol: float, deadline: float | None
    ) -> tuple[np.ndarray, np.ndarray, str, int]:
        """Return blocks, dual candidate, status and number of steps."""
        ridge, state, Y = self._ridge, self._begin(lam), self.problem.Y
        assert ridge is not None
        if ridge.rho != state.rho:
            ridge.refactor(state.rho)
        best_primal, best_dual, scale = np.inf, 0.0, 1.0
        best = proving = state.Z
        status, change, energy = "inaccurate", BALANCE, float(np.vdot(Y, Y))
        accuracy = EASE * float(np.linalg.norm(self.target))
        for step in range(1, MAX_STEPS + 1):
            rho, last = state.rho, state.Z
            W, slack = ridge.solve(self.target + rho * (last - state.U), accuracy)
            priced = rho * (W - last + state.U) + slack  # A'(Y - A W)
            relaxed = RELAXATION * W + (1.0 - RELAXATION) * last
            state.Z, nuclear, _ = shrink(relaxed + state.U, lam / rho)
            state.U = state.U + relaxed - state.Z
            primal_slip = float(np.linalg.norm(W - state.Z))
            dual_slip = float(np.linalg.norm(state.Z - last))
            accuracy = EASE * rho * float(np.hypot(primal_slip, dual_slip))
            late = deadline is not None and time.perf_counter() >= deadline
            if step % LOOK == 0 or late:
                N = Y - self.lifted.fit(state.Z)
                primal = 0.5 * float(np.vdot(N, N)) + lam * nuclear
                if primal < best_primal:
                    best_primal, best = primal, state.Z
                fitted, height = float(np.vdot(self.target, W)), operator_norms(priced).max()
                square = energy - fitted - float(np.vdot(priced, W))
                dual, multiple = dual_value(square, energy - fitted, lam, float(height))
                if dual > best_dual:
                    best_dual, proving, scale = dual, W, multiple
                if best_primal - best_dual <= STOP * tol * best_dual:
                    status = "optimal"
                    break
                if late:
                    status = "time_limit"
                    break
            if step == change:
                change *= 2
                self._balance(primal_slip, dual_slip)
        return best, scale * (Y - self.lifted.fit(proving)), status, step

    def _balance(self, primal_slip: float, dual_slip: float) -> None:
        """Change the penalty where one relative residual is much larger than the other."""
        state, ridge = self._state, self._ridge
        assert state is not None
        assert ridge is not None
        size, push = float(np.linalg.norm(state.Z)), float(np.linalg.norm(state.U))
        if size and not (push and dual_slip and primal_slip):
            return
        # blocks that are all zero: the primal residual is everything
        ratio = (primal_slip / size) / (dual_slip / push) if size else np.inf
        if 1.0 / UNBALANCED < ratio < UNBALANCED:
            return
        factor = float(np.clip(np.sqrt(ratio), 0.2, 5.0))
        state.rho *= factor
        state.U = state.U / factor
        ridge.refactor(state.rho)

    def _solution(
        self,
        blocks: np.ndarray,
        dual: np.ndarray,
        lam: float,
        status: str,
        counts: dict[str, int],
        started: float,
        tol: float,
    ) -> ShallowSolution:
        """Value an answer as the certificate does: from network and dual vector alone."""
        problem = self.problem
        _, values, _ = np.linalg.svd(blocks, full_matrices=False)
        ranks = (values > 0.0).sum(axis=1)
        # shrinkage leaves exact zeros up to the rounding of the products that apply it
        ranks = np.minimum(ranks, (values > 1e-13 * values.max(initial=0.0)).sum(axis=1))
        network = network_of(blocks, problem.gates, ranks)
        proof = certify_gated(problem.X, problem.Y, problem.gates, lam, network, dual)
        if status == "optimal" and proof.gap > tol:
            status = "inaccurate"
        return ShallowSolution(
            X=problem.X,
            Y=problem.Y,
            lam=lam,
            network=network,
            objective=proof.objective,
            dual_objective=proof.dual_objective,
            gap=proof.gap,
            kkt_residual=proof.kkt_residual,
            violation=0.0,
            dual=proof.dual,
            status=status,
            exact=False,
            method="alternating_directions",
            formulation="gated",
            gates=problem.gates,
            counts=counts,
            seconds=time.process_time() - started,
        )


def dual_value(square: float, along: float, lam: float, height: float) -> tuple[float, float]:
    """Value of the best feasible multiple of N, and that multiple, from |N|^2 and <N, Y>."""
    if square <= 0.0 or along <= 0.0:
        return 0.0, 0.0
    scale = min(along / square, lam / height) if height > 0 else along / square
    return scale * along - 0.5 * scale**2 * square, scale


def solve_vector_gated(
    X: np.ndarray,
    Y: np.ndarray,
    gates: np.ndarray,
    lam: float,
    *,
    tol: float = 1e-6,
    time_limit: float | None = None,
) -> ShallowSolution:
    r"""Solve the gated program with several outputs: a nuclear norm for every gate.

    .. math:: \min_{V_i} \tfrac12 \lVert \sum_i D_i X V_i - Y \rVert_F^2
              + \lambda \sum_i \lVert V_i \rVert_*

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    Y : array, shape (n, K) or (n,)
        Targets. One output is today's group lasso and is given to `relu_optima.convex.solve`.
    gates : array, shape (d, P)
        Gate vectors in columns; equal and all-zero patterns are merged.
    lam : float
        Canonical regularisation strength, positive.
    tol : float, default 1e-6
        Relative duality gap to reach, in (0, 1). Below about 1e-11 rounding decides.
    time_limit : float, optional
        Wall-clock limit in seconds; the best point so far is returned.

    Returns
    -------
    ShallowSolution
        The network (as many neurons behind a gate as its block has rank) and its certificate,
        which holds for networks over these gates.

    Raises
    ------
    SolveInputError
        If an argument has no meaning; the message names it.
    BudgetError
        If the blocks of all gates have more than 1e8 numbers.

    Notes
    -----
    Memory is that of X, of P d K numbers, and of one matrix of order at most 6000.

    References
    ----------
    Sahiner, Ergen, Pauly, Pilanci 2021, "Vector-output ReLU neural network problems are copositive
    programs", section 4. Boyd et al. 2011, "Distributed optimization ... ADMM", section 3.
    """
    return vector_gated_path(X, Y, gates, np.array([lam]), tol=tol, time_limit=time_limit)[0]


def vector_gated_path(
    X: np.ndarray,
    Y: np.ndarray,
    gates: np.ndarray,
    lams: np.ndarray,
    *,
    tol: float = 1e-6,
    time_limit: float | None = None,
) -> list[ShallowSolution]:
    """Solve `solve_vector_gated`'s program for several strengths, each from the last answer.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    Y : array, shape (n, K) or (n,)
        Targets.
    gates : array, shape (d, P)
        Gate vectors in columns.
    lams : array, shape (L,)
        Canonical strengths, positive; falling ones profit most from each other.
    tol : float, default 1e-6
        Relative duality gap of each, in (0, 1).
    time_limit : float, optional
        Wall-clock limit of each solve in seconds.

    Returns
    -------
    list of ShallowSolution
        One for each strength, in their order.

    Raises
    ------
    SolveInputError
        If an argument has no meaning.
    BudgetError
        If the blocks of all gates have more than 1e8 numbers.
    """
    problem = make_vector_problem(X, Y, gates)
    check_options(tol, time_limit, "auto")
    strengths = [check_lambda(lam) for lam in np.asarray(lams, dtype=object).ravel()]
    if problem.Y.shape[1] == 1:
        return [_scalar(problem, lam, tol, time_limit) for lam in strengths]
    engine = GatedNuclear(problem)
    return [engine.solve(lam, tol, time_limit) for lam in strengths]


def _scalar(
    problem: VectorProblem, lam: float, tol: float, time_limit: float | None
) -> ShallowSolution:
    """One output: the answer of the scalar program, in this program's words."""
    found = solve(
        problem.X, problem.Y, problem.gates, lam, formulation="gated", tol=tol,
        time_limit=time_limit,
    )  # fmt: skip
    net = found.network()
    network = ShallowNetwork(net.W1, net.w2[:, None], net.gates)
    return ShallowSolution(
        X=problem.X,
        Y=problem.Y,
        lam=lam,
        network=network,
        objective=found.objective,
        dual_objective=found.dual_objective,
        gap=found.gap,
        kkt_residual=found.kkt_residual,
        violation=0.0,
        dual=found.dual[:, None],
        status=found.status,
        exact=False,
        method=found.backend,
        formulation="gated",
        gates=problem.gates,
        counts=found.counts,
        seconds=found.seconds,
    )


def vector_gated_lambda_max(X: np.ndarray, Y: np.ndarray, gates: np.ndarray) -> float:
    """Return the smallest strength whose optimum is the zero network.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    Y : array, shape (n, K) or (n,)
        Targets.
    gates : array, shape (d, P)
        Gate vectors in columns.

    Returns
    -------
    float
        The largest singular value of X'D_i Y over the gates.

    Raises
    ------
    SolveInputError
        If an argument has no meaning.
    """
    problem = make_vector_problem(X, Y, gates)
    return GatedNuclear(problem).lam_max
