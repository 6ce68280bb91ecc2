r"""The fast solver: dual augmented Lagrangian, semismooth Newton, a working set of blocks.

With X_b = s D_i X and cones K_b (the whole space for a gated program) the dual is

.. math:: \min_\theta \tfrac12 \lVert \theta \rVert^2 - y^\top \theta
          \quad\text{s.t.}\quad \lVert \mathrm{Proj}_{K_b}(X_b^\top \theta) \rVert \le \lambda ,

and each outer iteration minimises its augmented Lagrangian

.. math:: \psi(\theta) = \tfrac12 \lVert \theta \rVert^2 - y^\top \theta + \tfrac{1}{2 \sigma}
          \sum_b \bigl(\lVert \mathrm{Proj}_{K_b}(U_b + \sigma X_b^\top \theta) \rVert
          - \sigma \lambda\bigr)_+^2

by Newton steps over the working set (Li, Sun & Toh 2018 for the lasso; cones added here). The new
multipliers U are the proximal points: exactly feasible, exactly sparse primal blocks. All blocks
are priced after each outer iteration; stored multipliers bound most of them without a projection.
The lifted design [D_1 X, ..., D_P X] is never formed. Another loss, or an intercept, has a function
of its own in the place of |theta|^2 / 2 - y'theta (`convex.conjugate`).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from relu_optima.convex import curvature_kernels, kernels
from relu_optima.convex.blocks import Blocks
from relu_optima.convex.compilation import ENABLED, announce_compilation
from relu_optima.convex.conjugate import SquaredConjugate, State, conjugate_of
from relu_optima.convex.follow import PathFollower
from relu_optima.convex.incumbent import Answer, Incumbent
from relu_optima.convex.lagrangian import MAX_INNER, Lagrangian
from relu_optima.convex.loss import Loss
from relu_optima.convex.products import MANY_ROWS, combine

Callback = Callable[[dict[str, float]], bool | None]
Knot = tuple[float, np.ndarray, np.ndarray, np.ndarray, State]  # lam, U, theta, X_b'theta, rest
MAX_OUTER = 300  # many where a tiny strength makes blocks of neighbouring cones nearly cancel
SETTLING = 3  # Newton steps after which a warm start counts as good
STALLED = 20  # outer iterations without a better gap
FINISH = (0.5, 0.03)  # gaps below which the corrector may try to finish a gated program
FINISH_ROWS = 4_000  # beyond, its first factorisation costs more than the steps it saves
START = 50.0  # largest sigma of a warm start, in multiples of the first
SETTLED = 1e-3  # gap below which faces rarely change any more
ROUNDING_GAP = 1e-4  # below this, an outer iteration that gains nothing was lost to rounding
FEWER = 10  # share of many rows whose optimum a cold solve starts from
FEWER_GAP = 1e-2  # to which it is found; more tells nothing, since the rows differ by more
DETERMINED = 0.25  # weights for each row up to which that optimum is near the one of all rows
_COMPILED: set[str] = set()


class DualNewton:
    """Solver of one program for any number of regularisation strengths."""

    def __init__(
        self,
        X: np.ndarray,
        y: np.ndarray,
        patterns: np.ndarray,
        formulation: str,
        loss: Loss | None = None,
    ) -> None:
        self.basis = _row_space(X)
        self.X = X if self.basis is None else np.ascontiguousarray(X @ self.basis)
        self.y = y
        self.relu = formulation == "relu"
        self.blocks = Blocks(self.X, patterns.T, relu=self.relu)
        d = self.X.shape[1]
        self.sigma0 = (30.0 if self.relu else 10.0) * d / float(np.sum(self.X**2))
        self.conjugate = conjugate_of(y, loss)
        self.at = Lagrangian(self.X, self.conjugate, self.blocks, self.sigma0)
        self._outer = self._pricings = 0
        self._knots: list[Knot] = []
        self._follower: PathFollower | None = None
        self._priced = np.zeros((0, d))  # correlations at the last pricing
        _compile(formulation)

    def set_point(self, U: np.ndarray, fit: np.ndarray, intercept: float = 0.0) -> None:
        """Start from known blocks, their outputs and the intercept."""
        self.conjugate.intercept = intercept
        self._set_point(U if self.basis is None else U @ self.basis, fit)

    def _set_point(self, U: np.ndarray, fit: np.ndarray) -> None:
        """Start from blocks in the coordinates of self.X and their outputs."""
        self.at.U = U
        self.at.theta = self.conjugate.resume(fit)
        self._knots = []
        self.blocks.clear()
        self.blocks.enlarge(np.any(U, axis=1).nonzero()[0])

    def solve(
        self,
        lam: float,
        tol: float,
        *,
        deadline: float | None = None,
        callback: Callback | None = None,
    ) -> Answer:
        """Solve for one strength, from wherever the last solve ended."""
        conjugate = self.conjugate
        conjugate.begin()
        state = Incumbent(conjugate.at_zero)
        many = len(self.y) >= MANY_ROWS and isinstance(conjugate, SquaredConjugate)
        if many and not self.blocks.members.size:
            self._start_from_fewer(lam, deadline)
        if not self.blocks.members.size:
            self.blocks.first(self.at.theta, lam)
        else:
            self.at.sigma = min(max(self.at.sigma / 27.0, self.sigma0), START * self.sigma0)
            self.blocks.admit(self.blocks.price(self._extrapolate(lam), lam, self.at.used()), lam)
        gap, since = 1.0, 0
        warm = bool(self.at.U.any())
        first = 1e-2 if warm else 0.1
        corrects = not self.relu and conjugate.plain and len(self.y) <= FINISH_ROWS
        finishes = list(FINISH) if corrects else []
        status = "inaccurate"
        for outer in range(MAX_OUTER):
            goal = max(0.5 * min(0.1, 0.3 * gap) if outer else first, 0.02 * tol, 1e-14)
            before = self.at.U.copy(), self.at.theta, conjugate.state
            steps = self.at.minimise(lam, goal, deadline)
            if warm and not outer and steps <= SETTLING:
                # the prediction was good: a tighter step before the first look at all blocks
                self.at.sigma *= 30.0
                goal = min(first, max(10.0 * tol, 1e-14))
                steps = self.at.minimise(lam, goal, deadline)
            primal, mismatch = self.at.primal(lam)
            theta = conjugate.feasible(self.at.theta)
            bounds = self._price(lam, theta)
            height = float(bounds.max())
            dual, scale = conjugate.dual(theta, lam / height if height > 0 else np.inf)
            better = state.offer(primal, self.at.U, conjugate.state, dual, theta, scale)
            gap = state.gap
            since = 0 if better else since + 1
            self._outer += 1
            late = deadline is not None and time.perf_counter() >= deadline
            numbers = {
                "outer": float(outer + 1),
                "objective": state.primal,
                "dual_objective": state.dual,
                "gap": gap,
                "working_set": float(self.blocks.members.size),
            }
            if callback is not None and callback(numbers):
                status = "optimal" if gap <= tol else "inaccurate"
                break
            if gap <= tol:
                status = "optimal"
                break
            if late:
                status = "time_limit"
                break
            if since >= STALLED:
                break
            if finishes and gap <= finishes[0]:
                finishes = [level for level in finishes[1:] if level < gap]
                answer = self._finish(lam, tol, deadline)
                if answer is not None:
                    if callback is not None:
                        callback(self._numbers_of(answer, lam, outer + 2))
                    return answer
            missing = self.blocks.admit(bounds, lam)
            own = (primal - dual) / max(dual, state.floor)
            if own > 100.0 * gap and gap < 100.0 * ROUNDING_GAP and mismatch > goal:
                # a Newton system too ill-conditioned to solve: go back, and step less far
                self.at.U, self.at.theta = state.U.copy(), state.theta.copy()
                conjugate.state = state.rest
                self.at.sigma /= 10.0
            elif not better and gap < ROUNDING_GAP and not missing:
                self.at.sigma /= 10.0  # too large for float64: rounding undoes the progress
            elif steps >= MAX_INNER:
                # too far for one inner problem, whose multipliers are then worth nothing
                self.at.U, self.at.theta, conjugate.state = before
                self.at.sigma = max(self.at.sigma / 9.0, self.sigma0)
            elif missing <= 0.1 * self.blocks.members.size:
                self.at.sigma *= _growth(steps, gap)
        state.kkt = max(mismatch, self.at.stationarity(lam, self._priced), height / lam - 1.0)
        self._remember(lam, self._priced)
        return state.answer(status, self.basis)

    @property
    def counts(self) -> dict[str, int]:
        """Iterations so far."""
        return {"outer": self._outer, "newton": self.at.steps, "pricings": self._pricings}

    def work(self) -> dict[str, int]:
        """Return the work done so far beside the counted iterations."""
        cones = self.blocks.cones
        return {
            "corrections": 0 if self._follower is None else self._follower.counts["newton"],
            "projections": 0 if cones is None else cones.projections,
            "projection_steps": 0 if cones is None else cones.steps,
            "cg": self.at.system.cg_iterations,
        }

    def lambda_max(self) -> float:
        """Return the smallest strength whose optimum is zero, h(y)."""
        return self.blocks.height(self.conjugate.start)

    def _start_from_fewer(self, lam: float, deadline: float | None) -> None:
        """Start from the optimum over a sample of the rows, with its faces, where there is one."""
        n = len(self.y)
        rows = np.sort(np.random.default_rng(0).permutation(n)[: n // FEWER])
        X, y = self.X[rows], self.y[rows]
        patterns = np.ascontiguousarray(self.blocks.patterns[:, rows]).T
        if not y.any() or _row_space(X) is not None:
            return
        part = DualNewton(X, y, patterns, "relu" if self.relu else "gated")
        found = part.solve(lam * len(rows) / n, FEWER_GAP, deadline=deadline)
        self.at.steps += part.at.steps
        used = np.any(found.U, axis=1).nonzero()[0]
        if not 0 < used.size * X.shape[1] <= DETERMINED * len(rows):
            return
        U, half = found.U[used], len(self.blocks.patterns)
        fit = combine(
            self.blocks.patterns[used % half], self.X, self.blocks.signs(used)[:, None] * U
        )
        self._set_point(found.U, fit)
        self.blocks.start_from(part.blocks, rows)
        self.at.sigma = part.at.sigma * len(rows) / n

    def _finish(self, lam: float, tol: float, deadline: float | None) -> Answer | None:
        """Let the corrector of `follow` try to end a solve whose active blocks are about known."""
        if self._follower is None:
            self._follower = PathFollower(
                self.X, self.y, self.blocks.patterns, self.at.system.gram, self.conjugate
            )
        self._follower.start_from(lam, self.at.U, self.at.theta, self._priced)
        answer = self._follower.converge(lam, tol, deadline)
        if answer is None:
            return None
        self._outer += 1
        self.at.U, self.at.theta = answer.U, self._follower.theta.copy()
        active = self._follower.c.nonzero()[0]
        self.blocks.enlarge(np.setdiff1d(active, self.blocks.members))
        self._remember(lam, self._follower.C)
        U = answer.U if self.basis is None else answer.U @ self.basis.T
        return Answer(U, answer.dual, answer.gap, answer.kkt_residual, answer.status)

    def _numbers_of(self, answer: Answer, lam: float, outer: int) -> dict[str, float]:
        """What a callback is told once the corrector has ended a solve."""
        return {
            "outer": float(outer),
            "objective": self.at.primal(lam)[0],
            "dual_objective": -self.conjugate.value(answer.dual),
            "gap": answer.gap,
            "working_set": float(self.blocks.members.size),
        }

    def _price(self, lam: float, theta: np.ndarray) -> np.ndarray:
        """Bound the projected correlations of all blocks with theta."""
        self._pricings += 1
        self._priced = self.blocks.correlate_all(theta)
        return self.blocks.price(self._priced, lam, self.at.used())

    def _remember(self, lam: float, C: np.ndarray) -> None:
        knot = (lam, self.at.U.copy(), self.at.theta.copy(), C, self.conjugate.state)
        self._knots = [*self._knots[-1:], knot]

    def _extrapolate(self, lam: float) -> np.ndarray:
        """Predict the point at a new strength from the last two: the path is piecewise smooth.

        Returns the correlations with the new theta.
        """
        if not self._knots:
            return self.blocks.correlate_all(self.at.theta)
        if len(self._knots) < 2 or self._knots[0][0] == self._knots[1][0]:
            return self._knots[-1][3]
        (lam0, U0, theta0, C0, rest0), (lam1, U1, theta1, C1, rest1) = self._knots
        ratio = (lam - lam1) / (lam1 - lam0)
        active = np.any(U1 != 0, axis=1)[:, None]
        self.at.U = np.where(active, U1 + ratio * (U1 - U0), 0.0)
        self.at.theta = self.conjugate.inside(theta1 + ratio * (theta1 - theta0))
        push = np.where(rest1[1] != 0, rest1[1] + ratio * (rest1[1] - rest0[1]), 0.0)
        self.conjugate.state = (rest1[0] + ratio * (rest1[0] - rest0[0]), push)
        return C1 + ratio * (C1 - C0)


def _growth(steps: int, gap: float) -> float:
    """Factor of the next penalty: where faces have settled, a large one costs no more steps."""
    if steps > 2:
        return 3.0
    return 10.0 if gap > SETTLED else 30.0


def _compile(formulation: str) -> None:
    """Have the kernels compiled by a tiny program, before any time limit begins to run."""
    if not ENABLED or formulation in _COMPILED:
        return
    _COMPILED.add(formulation)
    report = announce_compilation(kernels if formulation == "relu" else curvature_kernels)
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((24, 3)), rng.standard_normal(24)
    tiny = DualNewton(X, y, X @ rng.standard_normal((3, 12)) > 0, formulation)
    for share in (0.5, 0.1, 0.01):  # few and many active blocks: each way to solve a system
        tiny.solve(share * tiny.lambda_max(), 1e-8)
    report()


def _row_space(X: np.ndarray) -> np.ndarray | None:
    """Orthonormal basis of the row space, or None if X has full column rank."""
    n, d = X.shape
    triangle = np.linalg.qr(X, mode="r") if n > d else X
    _, values, Vt = np.linalg.svd(triangle, full_matrices=False)
    rank = int(np.sum(values > 1e-12 * values[0]))
    return None if rank == d else np.ascontiguousarray(Vt[:rank].T)
