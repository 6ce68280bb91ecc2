r"""The curvature of the dual augmented Lagrangian at a point: the matrix of a Newton system.

Over the active blocks b, with p_b the projection of the block's vector, it is

.. math:: I + \sigma \sum_b X_b M_b X_b^\top + \sigma z z^\top, \qquad
          M_b = F_b \bigl[(1 - a_b) I + a_b q_b q_b^\top\bigr] F_b,

a_b = sigma lam / |p_b|, q_b = p_b / |p_b|, F_b the projector on the directions of the face, z the
column of an intercept, if there is one. Patterns and column carry the scales of the rows, which
come from the loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import lapack

from relu_optima.convex.cones import ConeProjector
from relu_optima.convex.curvature_kernels import face_bases, leave_faces
from relu_optima.convex.products import MANY_ROWS, adjoint, combine, row_norms

WIDE = 150  # features from which on LAPACK completes a basis in less time than loops
WORK = 64  # columns that it may work on at a time


@dataclass(frozen=True)
class Curvature:
    """The active blocks of one Newton system.

    Attributes
    ----------
    masks : array of float or bool, shape (m, n)
        Their patterns.
    q : array, shape (m, d)
        Directions of their projections, unit vectors.
    shrink : array, shape (m,)
        a = sigma lam / |p|, below 1.
    sigma : float
        Penalty of the augmented Lagrangian.
    slots : array of int, shape (m,)
        Where the factors of their faces are.
    lines : array, shape (S, d, 2 d)
        Factors of faces, see `ConeProjector.faces`.
    sizes : array of int, shape (m,)
        Rows of each face.
    column : array, shape (n,), or None
        Column of the intercept.
    """

    masks: np.ndarray
    q: np.ndarray
    shrink: np.ndarray
    sigma: float
    slots: np.ndarray
    lines: np.ndarray
    sizes: np.ndarray
    column: np.ndarray | None = None

    def on_faces(self) -> bool:
        """Return whether all directions lie on the faces that are held, to rounding."""
        inside = self.q.copy()
        leave_faces(self.slots, self.lines, self.sizes, inside)
        return bool(np.abs(inside - self.q).max() < 1e-6)

    def answer(self, kind: Any = np.float64) -> Callable[[np.ndarray], np.ndarray]:
        """Return sigma M_b v_b as a function of the v_b, which it overwrites."""
        q = self.q.astype(kind)
        across = (self.sigma * (1.0 - self.shrink))[:, None].astype(kind)
        radial = (self.sigma * self.shrink)[:, None].astype(kind)
        bare = not self.sizes.any()

        def answer(V: np.ndarray) -> np.ndarray:
            along = np.einsum("ij,ij->i", q, V)[:, None]
            if not bare:
                leave_faces(self.slots, self.lines, self.sizes, V)
            V *= across
            V += (radial * along) * q
            return V

        return answer

    def operator(self, X: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Return the matrix as a function of a vector."""
        masks, answer = self.masks, self.answer(X.dtype)
        if len(X) < MANY_ROWS:  # of more rows, each tile's are turned into numbers when it comes
            masks = masks.astype(X.dtype)
        column = None if self.column is None else self.column.astype(X.dtype)
        sigma = X.dtype.type(self.sigma)

        def apply(x: np.ndarray) -> np.ndarray:
            image = np.asarray(x + combine(masks, X, answer(adjoint(masks, X, x))))
            return image if column is None else image + (sigma * (column @ x)) * column

        return apply

    def roots(self, chosen: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """Return T_b with T_b'T_b = M_b."""
        q, sizes, shrink = self.q[chosen], self.sizes[chosen], self.shrink[chosen]
        free = q.shape[1] - sizes
        starts = np.zeros(free.size + 1, dtype=np.int64)
        np.cumsum(free, out=starts[1:])
        roots = np.empty((int(starts[-1]), q.shape[1]))
        slots, d = self.slots[chosen], q.shape[1]
        if d < WIDE:
            face_bases(slots, self.lines, sizes, q, starts, roots)
        else:
            for b, slot in enumerate(slots):
                face = self.lines[slot, : sizes[b], :d]
                complete_wide(face, q[b], roots[starts[b] : starts[b + 1]])
        weights = np.repeat(np.sqrt(1.0 - shrink), free)
        weights[starts[:-1]] = 1.0  # along q
        roots *= weights[:, None]
        return roots, free


def complete_wide(rows: np.ndarray, q: np.ndarray, out: np.ndarray) -> None:
    """Write an orthonormal basis of what is orthogonal to a face's rows, starting with q of it."""
    known = np.vstack([rows, q])
    count, d = known.shape
    packed, tau, _, _ = lapack.dgeqrf(known.T, lwork=WORK * count, overwrite_a=1)
    rest = np.zeros((d, d - count), order="F")
    rest[np.arange(count, d), np.arange(d - count)] = 1.0
    out[0] = q
    if count < d:
        out[1:] = lapack.dormqr("L", "N", packed, tau, rest, WORK * d, overwrite_c=1)[0].T


def curvature_at(
    cones: ConeProjector | None,
    blocks: np.ndarray,
    masks: np.ndarray,
    P: np.ndarray,
    sigma: float,
    lam: float,
) -> Curvature:
    """Collect what the Newton matrix is made of."""
    norms = row_norms(P)
    none = np.zeros(blocks.size, dtype=np.int64)
    faces = (none, np.zeros((1, 1, 1)), none) if cones is None else cones.faces(blocks)
    return Curvature(masks, P / norms[:, None], sigma * lam / norms, sigma, *faces)
