r"""Follow the path of a gated program: a corrector on the optimality system of its active blocks.

With C_b = X_b'theta the optimum is w_b = c_b C_b, c_b >= 0, where

.. math:: \theta + \sum_b c_b X_b X_b^\top \theta = y, \qquad \lVert C_b \rVert = \lambda
          \text{ where } c_b > 0, \qquad \lVert C_b \rVert \le \lambda \text{ elsewhere.}

For another loss the derivative of its function (`conjugate`) takes the place of theta - y, and the
Hessian of that the identity's. The strength enters the second part only, so one factorisation of
I + sum_b c_b X_b X_b' (see `follow_matrix`) serves a whole step and often the next points: Newton's
method with that matrix held fixed, while blocks enter and leave by its Schur complement. The matrix
is in single precision; the equations, the values and the certificate are in double.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from scipy.linalg import blas, lapack

from relu_optima.convex.conjugate import Conjugate, SquaredConjugate
from relu_optima.convex.follow_matrix import ByColumns, ByRows, factorise
from relu_optima.convex.incumbent import Answer
from relu_optima.convex.newton_system import NewtonSystem
from relu_optima.convex.products import adjoint, row_norms

MAX_ROWS = 6_000  # beyond, an n x n matrix may cost more than the general solver, 144 MB at least
MAX_STEPS = 30
FRUITLESS = 5  # steps in which the gap of a loss with a box has to fall to `SLOW` of its least
ROUGH = 1e-3  # gap above which images of blocks are not used again
ACCEPT = 0.9  # share of the tolerance at which all blocks are priced
RUN_AWAY = 1e9  # of lam: lengths are lam at the optimum, and float32 holds their squares
FARTHEST = 3.0  # share of the last move that an accelerated step may add or take back
SLOW = 0.3  # decrease of the gap above which the matrix is assembled anew
WATCHED = 0.99  # blocks whose correlation reaches this share of lam are part of every step
DAMPING = 1e-3  # relative, of the Schur complement: dependent blocks (mirrored gates) are common

Knot = tuple[float, np.ndarray, np.ndarray, np.ndarray]
Move = tuple[np.ndarray, np.ndarray, np.ndarray]  # change of theta by a correction, theta, c


class PathFollower:
    """Corrector for one gated program; it moves from strength to strength."""

    def __init__(
        self,
        X: np.ndarray,
        y: np.ndarray,
        patterns: np.ndarray,
        gram: Callable[[], np.ndarray] | None = None,
        conjugate: Conjugate | None = None,
    ) -> None:
        self.X, self.y, self.patterns = X, y, patterns
        self.conjugate = SquaredConjugate(y) if conjugate is None else conjugate
        self._inputs = X.astype(np.float32)
        self._gram = NewtonSystem(X).gram if gram is None else gram
        self.floor = 1e-12 * self.conjugate.at_zero
        self.counts = {"newton": 0, "pricings": 0, "factorisations": 0}
        self.theta = self.conjugate.start.copy()
        self.c = np.zeros(len(patterns))
        self.C = np.zeros((0, X.shape[1]))
        self._knots: list[Knot] = []
        self._held: ByRows | ByColumns | None = None
        self._roots: np.ndarray | None = None  # of the rows, as they were when it was made
        self._ahead = 1.0
        self._column = np.full(len(patterns), -1)  # where the block's image, solved, lies
        self._scale = np.zeros(len(patterns), dtype=np.float32)
        self._forget()

    def start_from(
        self, lam: float, U: np.ndarray, theta: np.ndarray, C: np.ndarray | None = None
    ) -> None:
        """Continue from an optimum that was found elsewhere."""
        self.theta = self.conjugate.feasible(theta).copy()
        self.c = row_norms(U) / lam
        self.C = np.zeros((0, self.X.shape[1])) if C is None else C
        self._knots = []
        self._held = None
        self._ahead = 1.0

    def step(self, lam: float, tol: float, deadline: float | None = None) -> Answer | None:
        """Move to another strength."""
        self._ahead = self._knots[-1][0] / lam if self._knots else 1.0
        self._extrapolate(lam)
        return self.converge(lam, tol, deadline)

    def converge(self, lam: float, tol: float, deadline: float | None = None) -> Answer | None:
        """Correct the current point until it is optimal."""
        if not self.C.size:
            self.C = self._price()
        watched, masks = self._watched(lam)
        C = self.C[watched]
        factor, last, best, fruitless = self._held, np.inf, np.inf, 0
        move: Move | None = None
        for _ in range(MAX_STEPS):
            if deadline is not None and time.perf_counter() >= deadline:
                return None
            norms = row_norms(C)
            inside = ((norms > lam) | (self.c[watched] > 0)).nonzero()[0]
            active, lengths = watched[inside], norms[inside]
            images = C[inside] @ self.X.T
            images *= masks[inside]
            fit = self.c[active] @ images
            error, rest = self.conjugate.error(fit)
            primal = error + lam * float(self.c[active] @ lengths)
            gap = self._gap(primal, lam, float(norms.max(initial=0.0)))[0]
            if gap <= ACCEPT * tol:  # over the watched blocks; now over all
                self.C = self._price()
                height = float(row_norms(self.C).max())
                exact, scale = self._gap(primal, lam, height)
                if exact <= tol:
                    self._knots = [*self._knots[-1:], (lam, self.theta, self.c, self.C)]
                    mismatch = float(np.linalg.norm(rest - self.theta) / self.conjugate.size)
                    off = float(np.abs(lengths / lam - 1.0).max(initial=0.0))
                    kkt = max(mismatch, off, height / lam - 1.0)
                    U = self.c[:, None] * self.C
                    return Answer(U, scale * self.theta, exact, kkt, "optimal")
                watched, masks = self._watched(lam)
                C = self.C[watched]
                last = np.inf
                continue
            fruitless = 0 if gap <= SLOW * best else fruitless + 1
            best = min(best, gap)
            if self._roots is not None and fruitless > FRUITLESS:
                return None  # rows come to the border of the box and leave it in turns
            defect = self.conjugate.defect(self.theta, fit, rest)
            if factor is None or gap > SLOW * last:
                factor, move = self._factor(active, defect), None
                self._held = factor
            last = gap
            if factor is None:
                return None
            if gap > ROUGH:
                self._forget()
            before = self.theta
            if float(lengths.max(initial=0.0)) > RUN_AWAY * lam:
                return None
            if not self._correct(lam, factor, active, images, lengths, defect):
                return None
            move = self._accelerate(before, move) if gap <= ROUGH else None
            C = adjoint(masks, self.X, self.theta)
        return None

    # -- one step -----------------------------------------------------------------------------

    def _extrapolate(self, lam: float) -> None:
        """Predict from the last two knots; correlations are linear in theta."""
        if len(self._knots) < 2 or self._knots[0][0] == self._knots[1][0]:
            return
        (lam0, theta0, c0, C0), (lam1, theta1, c1, C1) = self._knots
        ratio = (lam - lam1) / (lam1 - lam0)
        self.theta = self.conjugate.feasible(theta1 + ratio * (theta1 - theta0))
        self.c = np.where(c1 > 0, np.maximum(c1 + ratio * (c1 - c0), 0.0), 0.0)
        self.C = C1 + ratio * (C1 - C0)

    def _watched(self, lam: float) -> tuple[np.ndarray, np.ndarray]:
        """Blocks that may matter at this strength, and their patterns as numbers."""
        near = row_norms(self.C) > WATCHED * lam
        watched = np.flatnonzero(near | (self.c > 0))
        return watched, self.patterns[watched].astype(np.float64)

    def _gap(self, primal: float, lam: float, height: float) -> tuple[float, float]:
        """Relative gap with the best multiple of theta, and that multiple."""
        dual, scale = self.conjugate.dual(self.theta, lam / height if height > 0 else np.inf)
        return (primal - dual) / max(dual, self.floor), scale

    def _factor(self, active: np.ndarray, defect: np.ndarray) -> ByRows | ByColumns | None:
        """Factorise I + sum_b c_b X_b X_b'; None if it is not positive definite."""
        self.counts["factorisations"] += 1
        self._forget()
        c = (self._ahead * self.c[active]).astype(np.float32)
        masks = self.patterns[active].astype(np.float32)
        roots = self.conjugate.held_roots(self.theta, defect)
        if roots is not None:
            self._roots = roots.astype(np.float32)
            masks = masks * self._roots
        return factorise(self._inputs, self._gram, masks, c)

    def _scaled(self, rows: np.ndarray) -> np.ndarray:
        """Scale vectors, one in each row, by the roots; in single precision."""
        single = rows.astype(np.float32)
        return single if self._roots is None else single * self._roots

    def _correct(
        self,
        lam: float,
        factor: ByRows | ByColumns,
        active: np.ndarray,
        images: np.ndarray,
        lengths: np.ndarray,
        defect: np.ndarray,
    ) -> bool:
        """Newton's step; blocks whose coefficient would turn negative leave within it."""
        self.counts["newton"] += 1
        half = factor.whiten(self._scaled(defect)[:, None])[:, 0]
        c = self.c[active]
        if active.size:
            columns = self._solved(factor, active, images, lam)
            scale = self._scale[active]
            schur = blas.ssyrk(1.0, columns, trans=1, lower=0)
            schur.ravel(order="K")[:: active.size + 1] *= np.float32(1.0 + DAMPING)
            excess = ((lengths**2 - lam**2) / (2.0 * scale)).astype(np.float32)
            change, info = _solve(schur, columns.T @ half + excess)
            stays = c + change / scale >= 0
            while not (stays.all() or info):
                change[~stays] = -(scale * c)[~stays]
                base = half - columns[:, ~stays] @ change[~stays]
                right = columns[:, stays].T @ base + excess[stays]
                change[stays], info = _solve(schur[np.ix_(stays, stays)], right)
                leaves = stays & (c + change / scale < 0)
                if not leaves.any():
                    break
                stays &= ~leaves
            if info:
                return False
            half = half - columns @ change
            c = np.where(stays, c + change / scale, 0.0)
        x = factor.back(half)
        if self._roots is not None:
            x = self.conjugate.cut(self.theta, x.astype(np.float64) * self._roots)
        self.theta = self.conjugate.feasible(self.theta + x)
        self.c = self.c.copy()
        self.c[active] = c
        return bool(np.isfinite(self.theta).all())

    def _accelerate(self, before: np.ndarray, last: Move | None) -> Move:
        """Anderson's step with the last correction: takes out the slowest part of the error.

        That is the curvature of blocks that entered after the matrix was factorised.
        """
        move, theta, c = self.theta - before, self.theta, self.c
        if last is not None:
            last_move, last_theta, last_c = last
            change = move - last_move
            along, square = float(change @ move), float(change @ change)
            if abs(along) < FARTHEST * square:
                share = along / square
                self.theta = self.conjugate.feasible(theta - share * (theta - last_theta))
                self.c = np.where(c > 0, np.maximum(c - share * (c - last_c), 0.0), 0.0)
        return move, theta, c

    def _forget(self) -> None:
        """Drop the solved images: of another factor, or of a point too far from this one."""
        self._column[:] = -1
        self._columns: np.ndarray | None = None

    def _solved(
        self, factor: ByRows | ByColumns, active: np.ndarray, images: np.ndarray, lam: float
    ) -> np.ndarray:
        """Whitened images of the blocks; those at hand are used again."""
        new = self._column[active] < 0
        if new.any():
            columns = factor.whiten(np.asfortranarray(self._scaled(images[new] / lam).T))
            have = 0
            if self._columns is not None:
                have = self._columns.shape[1]
                columns = np.concatenate([self._columns.T, columns.T]).T
            self._columns = columns
            self._column[active[new]] = np.arange(have, columns.shape[1])
            self._scale[active[new]] = lam
        assert self._columns is not None
        return np.asarray(self._columns.T[self._column[active]].T)

    # -- products with the lifted design ------------------------------------------------------

    def _price(self) -> np.ndarray:
        """X_b'theta of all blocks."""
        self.counts["pricings"] += 1
        return adjoint(self.patterns, self.X, self.theta)


def _solve(matrix: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, int]:
    if not right.size:
        return right, 0
    factor, info = lapack.spotrf(matrix, lower=0, clean=0)
    if info:
        return right, int(info)
    x, info = lapack.spotrs(factor, right, lower=0)
    return np.asarray(x), int(info)
