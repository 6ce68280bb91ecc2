r"""Newton systems of the dual augmented Lagrangian, by the cheapest of three ways.

Each step solves, over the active blocks b with p_b the projection of the block's vector,

.. math:: \bigl(I + \sigma \sum_b X_b M_b X_b^\top\bigr) x = -g, \qquad
          M_b = F_b \bigl[(1 - a_b) I + a_b q_b q_b^\top\bigr] F_b,

a_b = sigma lam / |p_b|, q_b = p_b / |p_b|, F_b the projector on the directions of the face.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.linalg import blas, lapack

from relu_optima.convex.cones import ConeProjector
from relu_optima.convex.curvature_kernels import face_bases, leave_faces
from relu_optima.convex.products import adjoint, combine

DIRECT_ROWS = 6_000  # largest n for an n x n matrix
MAX_COLUMNS = 20_000  # largest number of columns for their Gram matrix


OVERHEAD = 2e6  # of an iteration of conjugate gradients, in multiplications
MAX_CG = 300
MAX_REFINEMENTS = 20
SINGLE = 3e-4  # relative residual above which conjugate gradients run in single precision


@dataclass
class NewtonSystem:
    """Solver of the Newton systems of one data set.

    Attributes
    ----------
    X : array, shape (n, d)
        Inputs.
    cones : ConeProjector or None
        Faces of the blocks; None for a gated program.
    cg_iterations : int
        Conjugate-gradient iterations so far.
    """

    X: np.ndarray
    cones: ConeProjector | None
    cg_iterations: int = 0
    _gram: np.ndarray | None = None
    _copies: dict[type, np.ndarray] = field(default_factory=dict)
    _cg_used: float = 8.0
    _cg_sigma: float = 0.0
    _cg_accuracy: float = 0.05

    def direction(
        self,
        blocks: np.ndarray,
        masks: np.ndarray,
        P: np.ndarray,
        norms: np.ndarray,
        sigma: float,
        lam: float,
        gradient: np.ndarray,
        accuracy: float,
    ) -> np.ndarray:
        """Solve one Newton system.

        Parameters
        ----------
        blocks : array of int, shape (m,)
            Active blocks.
        masks : array, shape (m, n)
            Their patterns as 0.0 and 1.0.
        P : array, shape (m, d)
            Projections.
        norms : array, shape (m,)
            Norms of the projections, above sigma * lam.
        sigma, lam : float
            Penalty of the augmented Lagrangian and regularisation strength.
        gradient : array, shape (n,)
            Right-hand side g.
        accuracy : float
            Relative residual allowed to the iterative way.

        Returns
        -------
        array, shape (n,)
            Direction x.
        """
        if not blocks.size:
            return -gradient
        n, d = self.X.shape
        shrink = sigma * lam / norms
        sizes = self._faces(blocks)[2]
        free = d - sizes
        columns = int(free.sum())
        less = int(np.minimum(sizes, free).sum())
        shorter = min(n, columns)
        by_columns = n * columns * shorter + shorter**3 / 3 + 4.0 * d * d * columns
        by_rows = 0.6 * (n**2 * (2.0 * blocks.size + less) + n**3 / 3)
        # iterations learnt from the last time, which grow with the condition of the matrix
        guess = self._cg_used * np.sqrt(sigma / self._cg_sigma) if self._cg_sigma else self._cg_used
        guess *= np.log(accuracy) / np.log(self._cg_accuracy)
        once = 8.0 * n * d * blocks.size + OVERHEAD
        by_products = once * guess
        if n > DIRECT_ROWS:
            by_rows = np.inf
        if columns > MAX_COLUMNS:
            by_columns = np.inf
        direct = min(by_columns, by_rows)
        if direct > by_products:
            limit = min(MAX_CG, int(2 * direct / once) + 1) if np.isfinite(direct) else MAX_CG
            x, solved = self._by_products(
                blocks, masks, P, shrink, sigma, gradient, accuracy, limit
            )
            if solved or not np.isfinite(direct):
                return x
        if direct == by_columns:
            return self._by_columns(blocks, masks, P, shrink, free, sigma, gradient)
        found = self._by_rows(blocks, masks, P, shrink, sizes, sigma, gradient, accuracy)
        if found is not None:
            return found
        if np.isfinite(by_columns):
            return self._by_columns(blocks, masks, P, shrink, free, sigma, gradient)
        return self._by_products(blocks, masks, P, shrink, sigma, gradient, accuracy, MAX_CG)[0]

    def response(
        self,
        blocks: np.ndarray,
        P: np.ndarray,
        norms: np.ndarray,
        sigma: float,
        lam: float,
        V: np.ndarray,
    ) -> np.ndarray:
        """Return sigma M_b v_b: how the blocks answer to a change v_b of their correlations.

        Parameters
        ----------
        blocks : array of int, shape (m,)
            Active blocks.
        P, norms, sigma, lam
            As in `direction`.
        V : array, shape (m, d)
            Changes.

        Returns
        -------
        array, shape (m, d)
            Answers.
        """
        return self._curve(blocks, P, sigma * lam / norms, sigma, np.float64)(V.copy())

    def on_faces(self, blocks: np.ndarray, q: np.ndarray) -> bool:
        """Return whether unit vectors lie on the faces that are held for their blocks.

        Parameters
        ----------
        blocks : array of int, shape (m,)
            Blocks.
        q : array, shape (m, d)
            Unit vectors.

        Returns
        -------
        bool
            True if all do, to rounding.
        """
        inside = q.copy()
        leave_faces(*self._faces(blocks), inside)
        return bool(np.abs(inside - q).max() < 1e-6)

    def _faces(self, blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Slots, lines and sizes of the faces."""
        if self.cones is not None:
            return self.cones.faces(blocks)
        none = np.zeros(blocks.size, dtype=np.int64)
        return none, np.zeros((1, 1, 1)), none

    def _roots(
        self, blocks: np.ndarray, P: np.ndarray, shrink: np.ndarray, free: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        offsets = np.concatenate([[0], np.cumsum(free)])
        roots = np.empty((int(offsets[-1]), self.X.shape[1]))
        face_bases(*self._faces(blocks), P, offsets, roots)
        weights = np.repeat(np.sqrt(1.0 - shrink), free)
        weights[offsets[:-1]] = 1.0
        roots *= weights[:, None]
        return roots, offsets

    def _by_columns(
        self,
        blocks: np.ndarray,
        masks: np.ndarray,
        P: np.ndarray,
        shrink: np.ndarray,
        free: np.ndarray,
        sigma: float,
        gradient: np.ndarray,
    ) -> np.ndarray:
        """Cholesky of I + sigma Z Z' with the columns Z = [X_b T_b'], on their shorter side.

        On the side of the columns, by Woodbury's identity with one step of refinement.
        """
        roots, offsets = self._roots(blocks, P, shrink, free)
        Zt = roots @ self.X.T
        for b in range(blocks.size):
            Zt[offsets[b] : offsets[b + 1]] *= masks[b]
        if len(Zt) > len(gradient):
            large = blas.dsyrk(sigma, Zt.T, lower=1)
            large.ravel(order="K")[:: large.shape[0] + 1] += 1.0
            factor, info = lapack.dpotrf(large, lower=1, overwrite_a=1, clean=0)
            x, _ = lapack.dpotrs(factor, -gradient, lower=1)
            return np.asarray(x) if info == 0 else -gradient
        small = blas.dsyrk(1.0, Zt.T, trans=1, lower=0)
        small.ravel(order="K")[:: small.shape[0] + 1] += 1.0 / sigma
        factor, info = lapack.dpotrf(small, lower=0, overwrite_a=1)
        if info != 0:
            return -gradient

        def solve(right: np.ndarray) -> np.ndarray:
            inner, _ = lapack.dpotrs(factor, Zt @ right, lower=0)
            return np.asarray(right - inner @ Zt)

        x = solve(-gradient)
        rest = -gradient - x - sigma * ((Zt @ x) @ Zt)
        return np.asarray(x + solve(rest))

    def _by_rows(
        self,
        blocks: np.ndarray,
        masks: np.ndarray,
        P: np.ndarray,
        shrink: np.ndarray,
        sizes: np.ndarray,
        sigma: float,
        gradient: np.ndarray,
        accuracy: float,
    ) -> np.ndarray | None:
        """Cholesky of the n x n matrix; whole blocks enter by a Hadamard product with X X'.

        The factor is in single precision and the preconditioner of a few conjugate gradients in
        double; None if it is too poor for that.
        """
        n, d = self.X.shape
        X, gram = self._inputs(np.float32), self.gram()
        whole = 2 * sizes < d  # cheaper to subtract the face than to add the rest
        weight = np.sqrt(sigma * (1.0 - shrink))[:, None]
        q = P / np.linalg.norm(P, axis=1)[:, None]
        radial = np.sqrt(sigma * shrink)[:, None] * q
        single = masks.astype(np.float32)
        if whole.any():
            matrix = blas.ssyrk(1.0, (single[whole] * weight[whole].astype(np.float32)).T, lower=1)
            matrix *= gram.T  # symmetric; this way both are stored by columns
        else:
            matrix = np.zeros((n, n), dtype=np.float32, order="F")
        plus = [(radial[whole].astype(np.float32) @ X.T) * single[whole]]
        minus = []
        if self.cones is not None:
            slots, lines, _ = self._faces(blocks)
            held = np.flatnonzero(whole & (sizes > 0))
            if held.size:
                faces = np.concatenate([lines[slots[b], : sizes[b], :d] for b in held])
                faces *= np.repeat(weight[held], sizes[held], axis=0)
                faces = faces.astype(np.float32) @ X.T
                faces *= np.repeat(single[held], sizes[held], axis=0)
                minus.append(faces)
            rest = np.flatnonzero(~whole)
            if rest.size:
                roots, offsets = self._roots(blocks[rest], P[rest], shrink[rest], d - sizes[rest])
                extra = (np.sqrt(sigma) * roots).astype(np.float32) @ X.T
                extra *= np.repeat(single[rest], np.diff(offsets), axis=0)
                plus.append(extra)
        for sign, parts in ((1.0, plus), (-1.0, minus)):
            stacked = np.vstack(parts) if parts else np.empty((0, n))
            if len(stacked):
                matrix = blas.ssyrk(sign, stacked.T, beta=1.0, c=matrix, lower=1, overwrite_c=1)
        matrix.ravel(order="K")[:: n + 1] += np.float32(1.0)
        factor, info = lapack.spotrf(matrix, lower=1, overwrite_a=1, clean=0)
        if info != 0:
            return None

        def solve(right: np.ndarray) -> np.ndarray:
            size = float(np.linalg.norm(right))
            x, _ = lapack.spotrs(factor, (right / size).astype(np.float32), lower=1)
            return np.asarray(x.astype(np.float64) * size)

        apply = self._operator(blocks, masks, P, shrink, sigma, np.float64)
        return _refined(apply, solve, -gradient, accuracy)

    def _by_products(
        self,
        blocks: np.ndarray,
        masks: np.ndarray,
        P: np.ndarray,
        shrink: np.ndarray,
        sigma: float,
        gradient: np.ndarray,
        accuracy: float,
        limit: int,
    ) -> tuple[np.ndarray, bool]:
        """Conjugate gradients, the matrix only ever applied; False if they ran out of steps."""
        # a loose direction does not need double precision, and single costs half
        kind = np.float32 if accuracy >= SINGLE else np.float64
        apply = self._operator(blocks, masks, P, shrink, sigma, kind)
        start: np.ndarray = np.asarray(-gradient, dtype=kind)
        x, r, direction = np.zeros_like(start), start, start.copy()
        square = float(r @ r)
        goal = accuracy**2 * square
        used = 0
        while used < limit and square > goal:
            used += 1
            image = apply(direction)
            step = square / float(direction @ image)
            x += step * direction
            r -= step * image
            new = float(r @ r)
            direction = r + (new / square) * direction
            square = new
        self.cg_iterations += used
        self._cg_used, self._cg_sigma, self._cg_accuracy = float(used), sigma, accuracy
        return x.astype(np.float64), square <= goal

    def _operator(
        self,
        blocks: np.ndarray,
        masks: np.ndarray,
        P: np.ndarray,
        shrink: np.ndarray,
        sigma: float,
        kind: Any,
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Return the Newton matrix as a function of a vector."""
        X, masks = self._inputs(kind), masks.astype(kind)
        curve = self._curve(blocks, P, shrink, sigma, kind)

        def apply(x: np.ndarray) -> np.ndarray:
            return np.asarray(x + combine(masks, X, curve(adjoint(masks, X, x))))

        return apply

    def _curve(
        self, blocks: np.ndarray, P: np.ndarray, shrink: np.ndarray, sigma: float, kind: Any
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Return sigma M_b v_b as a function of the v_b, which it overwrites."""
        q = (P / np.linalg.norm(P, axis=1)[:, None]).astype(kind)
        across, radial = (a[:, None].astype(kind) for a in (sigma * (1.0 - shrink), sigma * shrink))
        slots, lines, sizes = self._faces(blocks)
        bare = not sizes.any()

        def curve(V: np.ndarray) -> np.ndarray:
            along = np.einsum("ij,ij->i", q, V)[:, None]
            if not bare:
                leave_faces(slots, lines, sizes, V)
            V *= across
            V += (radial * along) * q
            return V

        return curve

    def gram(self) -> np.ndarray:
        """Return X X' in single precision, made on first use.

        Returns
        -------
        array, shape (n, n)
            The products of all pairs of rows.
        """
        if self._gram is None:
            X = self._inputs(np.float32)
            self._gram = X @ X.T
        return self._gram

    def _inputs(self, kind: Any) -> np.ndarray:
        if kind not in self._copies:
            self._copies[kind] = np.ascontiguousarray(self.X.astype(kind))
        return self._copies[kind]


def _refined(
    apply: Callable[[np.ndarray], np.ndarray],
    solve: Callable[[np.ndarray], np.ndarray],
    right: np.ndarray,
    accuracy: float,
) -> np.ndarray | None:
    """Conjugate gradients preconditioned by an approximate inverse; None if they stall."""
    x = solve(right)
    r = right - apply(x)
    goal = accuracy * float(np.linalg.norm(right))
    direction, energy = np.zeros_like(r), 1.0
    for _ in range(MAX_REFINEMENTS):
        if float(np.linalg.norm(r)) <= goal:
            return x
        z = solve(r)
        new = float(r @ z)
        direction = z + (new / energy) * direction if direction.any() else z
        energy = new
        image = apply(direction)
        bend = float(direction @ image)
        if not bend > 0.0:
            return None
        step = energy / bend
        x = x + step * direction
        r = r - step * image
    return x if float(np.linalg.norm(r)) <= goal else None
