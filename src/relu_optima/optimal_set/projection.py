"""Exact projection on a polyhedral cone, with the face and the multipliers it lands on.

The optimal set needs more than the projected point: which rows bind and how hard they push
decides the faces on which the optimum moves when the problem is perturbed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dtrtrs

from relu_optima.errors import DegenerateError

ROW_TOL = 1e-13  # a row is violated when a'p < -ROW_TOL * |g| for a unit row a
RANK_TOL = 1e-10  # a unit row is dependent on the face below this distance


@dataclass(frozen=True)
class Projection:
    """Projection p of g on the cone {u : A u >= 0}, that is p = g + A' rho with rho >= 0.

    Attributes
    ----------
    point : array, shape (d,)
        The projected point p.
    rows : array of int, shape (k,)
        Independent binding rows that hold p on its face.
    multipliers : array, shape (k,)
        Their rho >= 0, with respect to rows of A scaled to unit length.
    basis : array, shape (d, k)
        Orthonormal basis of the span of those rows.
    exact : bool
        False if the search stopped early because the norm fell below the given level; then
        ``point`` is only an upper bound in norm.
    """

    point: np.ndarray
    rows: np.ndarray
    multipliers: np.ndarray
    basis: np.ndarray
    exact: bool


def project_on_cone(
    rows: np.ndarray, g: np.ndarray, stop_norm: float = 0.0, guess: np.ndarray | None = None
) -> Projection:
    """Project g on {u : A u >= 0} by the dual active-set method of Goldfarb and Idnani.

    Minimises |u - g|^2 over A u >= 0. Every iterate is u = g + A' rho with rho >= 0, so its norm
    is an upper bound of the norm of the projection; this allows a rigorous early stop.
    """
    scale = float(np.linalg.norm(g))
    if scale == 0.0:
        empty = np.zeros(0)
        return Projection(g.copy(), empty.astype(int), empty, np.zeros((g.size, 0)), True)
    face = _Face(rows, g)
    if guess is not None and guess.size:
        face.start(guess)
    u = face.point()
    entering, gained, exact = -1, 0.0, True
    for _ in range(50 * g.size + 200):
        if entering < 0:
            if np.linalg.norm(u) < stop_norm:
                exact = False
                break
            values = rows @ u
            values[face.active] = 0.0
            entering, gained = int(np.argmin(values)), 0.0
            if values[entering] >= -ROW_TOL * scale:
                break
        row = rows[entering]
        inner, step, length = face.split(row)
        slope = face.multipliers_of(inner)
        ratios = np.full(slope.size, np.inf)
        np.divide(face.rho, slope, out=ratios, where=slope > 0)
        blocking = int(np.argmin(ratios)) if ratios.size else -1
        dual_step = float(ratios[blocking]) if ratios.size else np.inf
        primal_step = -float(row @ u) / length**2 if length > RANK_TOL else np.inf
        t = min(dual_step, primal_step)
        if not np.isfinite(t):  # the row repeats the face: what is left is rounding
            break
        face.rho = np.maximum(face.rho - t * slope, 0.0)
        gained += t
        if dual_step < primal_step:
            face.drop(blocking)
            u = g + rows[face.active].T @ face.rho + gained * row
        else:
            face.add(entering, inner, step / length, length, gained)
            u = face.point()
            entering = -1
    else:
        raise DegenerateError(
            f"the projection on a cone of {rows.shape[0]} rows did not end",
            fix="remove duplicated or nearly parallel rows of the data",
        )
    if exact:
        face.settle()
    active = np.array(face.active, dtype=int)
    return Projection(u, active, face.rho, face.basis.copy(), exact)


class _Face:
    """Binding rows with their orthonormal basis Q and triangle R, A_J' = Q R."""

    def __init__(self, rows: np.ndarray, g: np.ndarray) -> None:
        self.rows, self.g = rows, g
        self.active: list[int] = []
        self.rho = np.zeros(0)
        self._basis = np.zeros((g.size, g.size), order="F")
        self._upper = np.zeros((g.size, g.size), order="F")

    @property
    def basis(self) -> np.ndarray:
        """Orthonormal basis of the span of the rows."""
        return self._basis[:, : len(self.active)]

    def start(self, guess: np.ndarray) -> None:
        """Take the guessed rows that are independent and push: a valid start of the method."""
        kept = list(dict.fromkeys(int(row) for row in guess))[: self.g.size]
        while kept:
            basis, upper = np.linalg.qr(self.rows[kept].T)
            independent = np.abs(np.diag(upper)) > 1e-6
            if independent.all():
                k = len(kept)
                self._basis[:, :k], self._upper[:k, :k] = basis, upper
                self.active = kept
                target = self.multipliers_of(-(basis.T @ self.g))
                if target.min() >= 0:
                    self.rho = target
                    return
                independent = target > 0
            kept = [row for row, keep in zip(kept, independent, strict=True) if keep]
        self.active = []

    def point(self) -> np.ndarray:
        """Projection of g on the subspace on which the rows vanish."""
        u = self.g - self.basis @ (self.basis.T @ self.g)
        return np.asarray(u - self.basis @ (self.basis.T @ u))

    def split(self, row: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Split a row into its part in the span, the rest, and the length of the rest."""
        inner = self.basis.T @ row
        rest = row - self.basis @ inner
        again = self.basis.T @ rest
        rest = rest - self.basis @ again
        return inner + again, rest, float(np.sqrt(rest @ rest))

    def multipliers_of(self, inner: np.ndarray) -> np.ndarray:
        """Solve R x = inner."""
        k = inner.size
        if k == 0:
            return np.zeros(0)
        return np.asarray(dtrtrs(self._upper[:k, :k], inner)[0])

    def add(
        self, row: int, inner: np.ndarray, unit: np.ndarray, length: float, multiplier: float
    ) -> None:
        """Append a row that is independent of the others."""
        k = len(self.active)
        self._basis[:, k] = unit
        self._upper[:k, k], self._upper[k, k] = inner, length
        self.active.append(row)
        self.rho = np.append(self.rho, multiplier)

    def drop(self, position: int) -> None:
        """Remove one row."""
        self.active.pop(position)
        self.rho = np.delete(self.rho, position)
        k = len(self.active)
        if k:
            self._basis[:, :k], self._upper[:k, :k] = np.linalg.qr(self.rows[self.active].T)

    def settle(self) -> None:
        """Solve A_J' rho = -Q Q' g afresh, to shed the rounding of the updates."""
        self.rho = np.maximum(self.multipliers_of(-(self.basis.T @ self.g)), 0.0)
