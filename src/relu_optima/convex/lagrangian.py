r"""The augmented Lagrangian of the dual program at one penalty, and Newton's method on it.

.. math:: \psi(\theta) = \tfrac12 \lVert \theta \rVert^2 - y^\top \theta + \tfrac{1}{2 \sigma}
          \sum_b \bigl(\lVert \mathrm{Proj}_{K_b}(U_b + \sigma X_b^\top \theta) \rVert
          - \sigma \lambda\bigr)_+^2

over the working set (Li, Sun & Toh 2018 for the lasso; cones added here). For another loss its
function of theta takes the place of the first two terms (`convex.conjugate`).
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from relu_optima.convex.blocks import Blocks
from relu_optima.convex.conjugate import Conjugate, SquaredConjugate
from relu_optima.convex.curvature import curvature_at
from relu_optima.convex.newton_system import NewtonSystem
from relu_optima.convex.products import combine, row_norms

MAX_INNER = 200
LEAP = 0.01  # relative residual of a step on fixed faces
PATIENCE = 15  # Newton steps after which they may be damped; problems that are not hard take fewer
SHORT = 0.5  # share of a Newton step below which the next is damped
MORE, LESS = 4.0, 16.0  # by how much the damping grows after a short step and falls after a whole
STEEPEST = 0.3  # slope at which a line search may end, in multiples of the first one's


class Lagrangian:
    """A point (U, theta) with its penalty sigma, and the steps that improve it."""

    def __init__(self, X: np.ndarray, conjugate: Conjugate, blocks: Blocks, sigma: float) -> None:
        self.X, self.conjugate, self.blocks, self.sigma = X, conjugate, blocks, sigma
        self.U: np.ndarray = np.zeros((blocks.count, X.shape[1]))
        self.theta = conjugate.start.copy()
        self.system = NewtonSystem(X)
        self.steps = 0
        self._step = 1.0
        self._damping = 0.0

    def minimise(self, lam: float, goal: float, deadline: float | None) -> int:
        """Minimise the augmented Lagrangian over the working set; U becomes the new multipliers.

        Returns the number of Newton steps.
        """
        before = self.steps
        X, ws, sigma, conjugate = self.X, self.blocks.members, self.sigma, self.conjugate
        conjugate.advance(self.theta, sigma)
        U = self.U[ws]
        C = self.blocks.correlate(self.theta)
        C = C + self._leap(U, C, lam)
        P, norms, active = self.blocks.above(U + sigma * C, sigma * lam)
        value = self._value(norms, lam)
        for _ in range(MAX_INNER):
            prox = P * (1.0 - sigma * lam / norms)[:, None]
            blocks, masks = ws[active], self.blocks.masks[active]
            fit = combine(masks, X, self.blocks.signs(blocks)[:, None] * prox)
            gradient = conjugate.gradient(self.theta) + fit
            size = conjugate.distance(self.theta, gradient, fit)
            if size < goal:
                break
            if deadline is not None and time.perf_counter() >= deadline:
                break
            accuracy = min(0.05, 0.1 * np.sqrt(size))
            x = self._direction(blocks, masks, P, lam, gradient, accuracy)
            x = conjugate.move(self.theta, x, gradient)
            self.steps += 1
            dC = self.blocks.correlate(x)
            slope = float(gradient @ x)
            C, value, P, norms, active = self._search_line(x, dC, U, C, value, slope, lam)
            if isinstance(conjugate, SquaredConjugate):
                self._damp(self.steps - before)
        self.U[ws] = 0.0
        self.U[ws[active]] = P * (1.0 - sigma * lam / norms)[:, None]
        conjugate.settle(self.theta)
        return self.steps - before

    def _direction(
        self,
        blocks: np.ndarray,
        masks: np.ndarray,
        P: np.ndarray,
        lam: float,
        gradient: np.ndarray,
        accuracy: float,
    ) -> np.ndarray:
        """Solve the damped Newton system, rows scaled by the Hessian of the conjugate."""
        roots = self.conjugate.roots(self.theta)
        if roots is not None:
            masks, gradient = masks * roots, gradient * roots
        curvature = curvature_at(self.blocks.cones, blocks, masks, P, self.sigma, lam)
        if self.conjugate.shifts:
            curvature = replace(curvature, column=roots)
        more = 1.0 + self._damping
        damped = replace(curvature, sigma=self.sigma / more)
        x = self.system.direction(damped, gradient / more, accuracy)
        return x if roots is None else x * roots

    def _damp(self, steps: int) -> None:
        """Choose how much of the identity is added to the next system (Levenberg 1944).

        Where faces and blocks change all along a step, its direction is worth little unless it is
        short; that is so if many steps have not solved the problem, and steps are short.
        """
        if self._step < SHORT and (self._damping or steps >= PATIENCE):
            self._damping = max(1.0, MORE * self._damping)
        elif self._step >= 1.0:
            self._damping = self._damping / LESS if self._damping > 1.0 else 0.0

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
        P = U + sigma * lam * q
        curvature = curvature_at(self.blocks.cones, blocks, masks, P, sigma, lam)
        if not curvature.on_faces():
            return np.zeros_like(C)
        answer = curvature.answer()(C[active] - lam * q)
        signs = self.blocks.signs(blocks)[:, None]
        gradient = self.conjugate.gradient(self.theta)
        gradient = gradient + combine(masks, self.X, signs * (U + answer))
        x = self._direction(blocks, masks, P, lam, gradient, LEAP)
        x = self.conjugate.move(self.theta, x, gradient)
        self.steps += 1
        self.theta = self.conjugate.inside(self.theta + x)
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
            self.theta = self.conjugate.inside(start + step * x)
            trial = C + step * dC
            P, norms, active = self.blocks.above(U + sigma * trial, sigma * lam)
            new = self._value(norms, lam)
            along = np.einsum("ij,ij->i", P, dC[active])
            here = float(self.conjugate.gradient(self.theta) @ x)
            here += float((1.0 - sigma * lam / norms) @ along)
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

    def _value(self, norms: np.ndarray, lam: float) -> float:
        over = norms - self.sigma * lam
        return self.conjugate.value(self.theta) + float(over @ over / (2 * self.sigma))

    def primal(self, lam: float) -> tuple[float, float]:
        """Primal value at U, and how far theta is from its residual, relative to the start."""
        active = self._active()
        used = self.blocks.members[active]
        U = self.U[used]
        fit = combine(self.blocks.masks[active], self.X, self.blocks.signs(used)[:, None] * U)
        error, rest = self.conjugate.error(fit)
        mismatch = float(np.linalg.norm(rest - self.theta) / self.conjugate.size)
        return error + lam * float(row_norms(U).sum()), mismatch

    def _active(self) -> np.ndarray:
        """Positions among the members of the blocks that are not zero."""
        return np.asarray(np.any(self.U[self.blocks.members], axis=1).nonzero()[0])

    def used(self) -> np.ndarray:
        """Blocks that are not zero."""
        return np.asarray(self.blocks.members[self._active()])

    def stationarity(self, lam: float, priced: np.ndarray) -> float:
        """Largest |Proj_K(C_b) / lam - u_b / |u_b|| over the active blocks, as last priced."""
        used = self.used()
        if not used.size:
            return 0.0
        C = self.blocks.nearest(used, priced[used])
        U = self.U[used]
        unit = U / row_norms(U)[:, None]
        return float(row_norms(C / lam - unit).max())
