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
The lifted design [D_1 X, ..., D_P X] is never formed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from relu_optima.convex import curvature_kernels, kernels
from relu_optima.convex.blocks import Blocks
from relu_optima.convex.compilation import ENABLED, announce_compilation
from relu_optima.convex.curvature import curvature_at
from relu_optima.convex.follow import PathFollower
from relu_optima.convex.incumbent import Answer, Incumbent
from relu_optima.convex.newton_system import NewtonSystem
from relu_optima.convex.products import combine, row_norms

Callback = Callable[[dict[str, float]], bool | None]
Knot = tuple[float, np.ndarray, np.ndarray, np.ndarray]  # lam, U, theta, X_b'theta
MAX_OUTER = 300  # many where a tiny strength makes blocks of neighbouring cones nearly cancel
MAX_INNER = 200
LEAP = 0.01  # relative residual of a step on fixed faces
STEEPEST = 0.3  # slope at which a line search may end, in multiples of the first one's
SETTLING = 3  # Newton steps after which a warm start counts as good
STALLED = 20  # outer iterations without a better gap
FINISH = (0.5, 0.03)  # gaps below which the corrector may try to finish a gated program
FINISH_ROWS = 4_000  # beyond, its first factorisation costs more than the steps it saves
START = 50.0  # largest sigma of a warm start, in multiples of the first
SETTLED = 1e-3  # gap below which faces rarely change any more
ROUNDING_GAP = 1e-4  # below this, an outer iteration that gains nothing was lost to rounding
_COMPILED: set[str] = set()


class DualNewton:
    """Solver of one program for any number of regularisation strengths."""

    def __init__(
        self, X: np.ndarray, y: np.ndarray, patterns: np.ndarray, formulation: str
    ) -> None:
        self.basis = _row_space(X)
        self.X = X if self.basis is None else np.ascontiguousarray(X @ self.basis)
        self.y = y
        self.relu = formulation == "relu"
        self.blocks = Blocks(self.X, patterns.T, relu=self.relu)
        d = self.X.shape[1]
        self.U: np.ndarray = np.zeros((self.blocks.count, d))
        self.system = NewtonSystem(self.X)
        self.theta = y.copy()
        self.sigma = self.sigma0 = (30.0 if self.relu else 10.0) * d / float(np.sum(self.X**2))
        self.counts = {"outer": 0, "newton": 0, "pricings": 0}
        self._knots: list[Knot] = []
        self._step = 1.0
        self._follower: PathFollower | None = None
        self._priced = np.zeros((0, d))  # correlations at the last pricing
        _compile(formulation)

    def set_point(self, U: np.ndarray, theta: np.ndarray) -> None:
        """Start from known blocks and residual."""
        self.U = U if self.basis is None else U @ self.basis
        self.theta = theta.copy()
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
        state = Incumbent(self.y)
        if not self.blocks.members.size:
            self.blocks.first(self.theta, lam)
        else:
            self.sigma = min(max(self.sigma / 27.0, self.sigma0), START * self.sigma0)
            self.blocks.admit(self.blocks.price(self._extrapolate(lam), lam, self._used()), lam)
        gap, since = 1.0, 0
        warm = bool(self.U.any())
        first = 1e-2 if warm else 0.1
        finishes = [] if self.relu or len(self.y) > FINISH_ROWS else list(FINISH)
        status = "inaccurate"
        for outer in range(MAX_OUTER):
            goal = max(0.5 * min(0.1, 0.3 * gap) if outer else first, 0.02 * tol, 1e-14)
            before = self.U.copy(), self.theta
            steps = self._minimise(lam, goal, deadline)
            if warm and not outer and steps <= SETTLING:
                # the prediction was good: a tighter step before the first look at all blocks
                self.sigma *= 30.0
                goal = min(first, max(10.0 * tol, 1e-14))
                steps = self._minimise(lam, goal, deadline)
            primal, mismatch = self._primal(lam)
            bounds = self._price(lam)
            height = float(bounds.max())
            dual, scale = self._dual(lam, height)
            better = state.offer(primal, self.U, dual, self.theta, scale)
            gap = state.gap
            since = 0 if better else since + 1
            self.counts["outer"] += 1
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
                self.U, self.theta = state.U.copy(), state.theta.copy()
                self.sigma /= 10.0
            elif not better and gap < ROUNDING_GAP and not missing:
                self.sigma /= 10.0  # too large for float64: rounding undoes the progress
            elif steps >= MAX_INNER:
                # too far for one inner problem, whose multipliers are then worth nothing
                self.U, self.theta = before
                self.sigma = max(self.sigma / 9.0, self.sigma0)
            elif missing <= 0.1 * self.blocks.members.size:
                self.sigma *= _growth(steps, gap)
        state.kkt = max(mismatch, self._stationarity(lam), height / lam - 1.0)
        self._remember(lam, self._priced)
        return state.answer(status, self.basis)

    def work(self) -> dict[str, int]:
        """Return the work done so far beside the counted iterations."""
        cones = self.blocks.cones
        return {
            "corrections": 0 if self._follower is None else self._follower.counts["newton"],
            "projections": 0 if cones is None else cones.projections,
            "projection_steps": 0 if cones is None else cones.steps,
            "cg": self.system.cg_iterations,
        }

    def lambda_max(self) -> float:
        """Return the smallest strength whose optimum is zero, h(y)."""
        return self.blocks.height(self.y)

    # -- one outer iteration ------------------------------------------------------------------

    def _minimise(self, lam: float, goal: float, deadline: float | None) -> int:
        """Minimise the augmented Lagrangian over the working set; U becomes the new multipliers.

        Returns the number of Newton steps.
        """
        before = self.counts["newton"]
        X, y, ws, sigma = self.X, self.y, self.blocks.members, self.sigma
        U = self.U[ws]
        C = self.blocks.correlate(self.theta)
        scale = float(np.linalg.norm(y))
        C = C + self._leap(U, C, lam)
        P, norms, active = self.blocks.above(U + sigma * C, sigma * lam)
        value = self._value(norms, lam)
        for _ in range(MAX_INNER):
            prox = P * (1.0 - sigma * lam / norms)[:, None]
            blocks, masks = ws[active], self.blocks.masks[active]
            gradient = self.theta - y + combine(masks, X, self.blocks.signs(blocks)[:, None] * prox)
            size = float(np.linalg.norm(gradient)) / scale
            if size < goal:
                break
            if deadline is not None and time.perf_counter() >= deadline:
                break
            accuracy = min(0.05, 0.1 * np.sqrt(size))
            curvature = curvature_at(self.blocks.cones, blocks, masks, P, sigma, lam)
            x = self.system.direction(curvature, gradient, accuracy)
            self.counts["newton"] += 1
            dC = self.blocks.correlate(x)
            slope = float(gradient @ x)
            C, value, P, norms, active = self._search_line(x, dC, U, C, value, slope, lam)
        self.U[ws] = 0.0
        self.U[ws[active]] = P * (1.0 - sigma * lam / norms)[:, None]
        return self.counts["newton"] - before

    def _leap(self, U: np.ndarray, C: np.ndarray, lam: float) -> np.ndarray:
        """Move theta by Newton's step on the optimality system at U, whose faces are held fixed.

        The multipliers U + sigma C that a new sigma gives lie far from U, on other faces, until
        theta has moved; a system that is built there sends it astray. Returns the change of C.
        """
        active = np.any(U, axis=1).nonzero()[0]
        if not active.size:
            return np.zeros_like(C)
        sigma, masks = self.sigma, self.blocks.masks[active]
        blocks, U = self.blocks.members[active], U[active]
        q = U / row_norms(U)[:, None]
        curvature = curvature_at(self.blocks.cones, blocks, masks, U + sigma * lam * q, sigma, lam)
        if not curvature.on_faces():
            return np.zeros_like(C)
        answer = curvature.answer()(C[active] - lam * q)
        signs = self.blocks.signs(blocks)[:, None]
        gradient = self.theta - self.y + combine(masks, self.X, signs * (U + answer))
        x = self.system.direction(curvature, gradient, LEAP)
        self.counts["newton"] += 1
        self.theta = self.theta + x
        return self.blocks.correlate(x)

    def _search_line(
        self,
        x: np.ndarray,
        dC: np.ndarray,
        U: np.ndarray,
        C: np.ndarray,
        value: float,
        slope: float,
        lam: float,
    ) -> tuple[np.ndarray, float, np.ndarray, np.ndarray, np.ndarray]:
        """Move theta along x until psi has fallen enough and does not rise steeply.

        Faces of cones change along x, so the full step often overshoots; the slope at a trial
        point is known from its projections, and a secant on it finds the kink between two trials.
        """
        sigma = self.sigma
        start, step = self.theta, min(1.0, 2.0 * self._step)
        low, low_slope, high, high_slope = 0.0, slope, np.inf, np.inf
        slack = 1e-13 * abs(value)
        for _ in range(20):
            self.theta = start + step * x
            trial = C + step * dC
            P, norms, active = self.blocks.above(U + sigma * trial, sigma * lam)
            new = self._value(norms, lam)
            along = np.einsum("ij,ij->i", P, dC[active])
            here = float((self.theta - self.y) @ x + (1.0 - sigma * lam / norms) @ along)
            steep = here > -STEEPEST * slope and -slope > 1e3 * slack
            if new <= value + 1e-4 * step * slope + slack and not steep:
                if step < 1.0 and high == np.inf and here < 0.5 * slope:
                    low, low_slope = step, here
                    step = min(1.0, 3.0 * step)
                    continue
                break
            if here > 0:
                high, high_slope = step, here
            else:
                low, low_slope = step, here
            if high == np.inf:
                break  # psi falls all along: what fails is rounding
            share = -low_slope / (high_slope - low_slope)
            step = low + (high - low) * min(0.9, max(0.1, share))
        self._step = step
        return trial, new, P, norms, active

    def _finish(self, lam: float, tol: float, deadline: float | None) -> Answer | None:
        """Let the corrector of `follow` try to end a solve whose active blocks are about known."""
        if self._follower is None:
            self._follower = PathFollower(self.X, self.y, self.blocks.patterns, self.system.gram)
        self._follower.start_from(lam, self.U, self.theta, self._priced)
        answer = self._follower.converge(lam, tol, deadline)
        if answer is None:
            return None
        self.counts["outer"] += 1
        self.U, self.theta = answer.U, self._follower.theta.copy()
        active = self._follower.c.nonzero()[0]
        self.blocks.enlarge(np.setdiff1d(active, self.blocks.members))
        self._remember(lam, self._follower.C)
        U = answer.U if self.basis is None else answer.U @ self.basis.T
        return Answer(U, answer.dual, answer.gap, answer.kkt_residual, answer.status)

    def _numbers_of(self, answer: Answer, lam: float, outer: int) -> dict[str, float]:
        """What a callback is told once the corrector has ended a solve."""
        return {
            "outer": float(outer),
            "objective": self._primal(lam)[0],
            "dual_objective": float(self.y @ answer.dual - 0.5 * answer.dual @ answer.dual),
            "gap": answer.gap,
            "working_set": float(self.blocks.members.size),
        }

    def _value(self, norms: np.ndarray, lam: float) -> float:
        theta = self.theta
        over = norms - self.sigma * lam
        return float(0.5 * theta @ theta - self.y @ theta + over @ over / (2 * self.sigma))

    def _primal(self, lam: float) -> tuple[float, float]:
        """Primal value at U, and how far theta is from its residual, relative to y."""
        active = self._active()
        used = self.blocks.members[active]
        U = self.U[used]
        rest = self.y - combine(
            self.blocks.masks[active], self.X, self.blocks.signs(used)[:, None] * U
        )
        mismatch = float(np.linalg.norm(rest - self.theta) / np.linalg.norm(self.y))
        return 0.5 * float(rest @ rest) + lam * float(row_norms(U).sum()), mismatch

    def _active(self) -> np.ndarray:
        """Positions among the members of the blocks that are not zero."""
        return np.asarray(np.any(self.U[self.blocks.members], axis=1).nonzero()[0])

    def _used(self) -> np.ndarray:
        """Blocks that are not zero."""
        return np.asarray(self.blocks.members[self._active()])

    def _price(self, lam: float) -> np.ndarray:
        """Bound the projected correlations of all blocks with theta."""
        self.counts["pricings"] += 1
        self._priced = self.blocks.correlate_all(self.theta)
        return self.blocks.price(self._priced, lam, self._used())

    def _stationarity(self, lam: float) -> float:
        """Largest |Proj_K(C_b) / lam - u_b / |u_b|| over the active blocks, as last priced."""
        used = self._used()
        if not used.size:
            return 0.0
        C = self.blocks.nearest(used, self._priced[used])
        U = self.U[used]
        unit = U / row_norms(U)[:, None]
        return float(row_norms(C / lam - unit).max())

    def _dual(self, lam: float, height: float) -> tuple[float, float]:
        """Value and length of the best feasible multiple of theta."""
        square = float(self.theta @ self.theta)
        if square == 0.0:
            return 0.0, 0.0
        along = float(self.y @ self.theta)
        beta = max(0.0, along / square)
        if height > 0:
            beta = min(beta, lam / height)
        return beta * along - 0.5 * beta**2 * square, beta

    def _remember(self, lam: float, C: np.ndarray) -> None:
        self._knots = [*self._knots[-1:], (lam, self.U.copy(), self.theta.copy(), C)]

    def _extrapolate(self, lam: float) -> np.ndarray:
        """Predict the point at a new strength from the last two: the path is piecewise smooth.

        Returns the correlations with the new theta.
        """
        if not self._knots:
            return self.blocks.correlate_all(self.theta)
        if len(self._knots) < 2 or self._knots[0][0] == self._knots[1][0]:
            return self._knots[-1][3]
        (lam0, U0, theta0, C0), (lam1, U1, theta1, C1) = self._knots
        ratio = (lam - lam1) / (lam1 - lam0)
        active = np.any(U1 != 0, axis=1)[:, None]
        self.U = np.where(active, U1 + ratio * (U1 - U0), 0.0)
        self.theta = theta1 + ratio * (theta1 - theta0)
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
