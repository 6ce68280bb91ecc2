"""Inner loops of the Hessian: bases of faces, and square roots of the blocks' curvature."""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled


@compiled
def complete_basis(Q: np.ndarray, k: int, q: np.ndarray, out: np.ndarray) -> None:
    """Find an orthonormal basis of the face's directions that starts with a given one.

    Parameters
    ----------
    Q : array, shape (d, d)
        Basis of the face's rows.
    k : int
        Number of active rows, below d.
    q : array, shape (d,)
        Unit vector orthogonal to the rows.
    out : array, shape (d - k, d)
        Receives the basis.
    """
    d = q.size
    basis = np.empty((d, d))
    basis[:k] = Q[:k]
    basis[k] = q
    left = np.ones(d)
    for i in range(k + 1):
        left -= basis[i] ** 2
    out[0] = q
    for j in range(1, d - k):
        pivot = np.argmax(left)
        have = basis[: k + j]
        vector = np.zeros(d)
        vector[pivot] = 1.0
        for _ in range(2):
            vector = vector - np.dot(np.dot(have, vector), have)
        vector = vector / np.sqrt(np.dot(vector, vector))
        basis[k + j] = vector
        out[j] = vector
        left -= vector**2


@compiled
def leave_faces(
    slots: np.ndarray, lines: np.ndarray, count: np.ndarray, vectors: np.ndarray
) -> None:
    """Project a vector for every block on the directions of its face, in place.

    Parameters
    ----------
    slots : array of int, shape (m,)
        Slot of each block's face.
    lines : array, shape (S, d, 2 d)
        Bases of the faces' rows, in the first d columns.
    count : array of int, shape (S,)
        Number of active rows.
    vectors : array, shape (m, d)
        The vectors.
    """
    d = vectors.shape[1]
    for b in range(slots.size):
        s = slots[b]
        for i in range(count[s]):
            along = 0.0
            for j in range(d):
                along += lines[s, i, j] * vectors[b, j]
            for j in range(d):
                vectors[b, j] -= along * lines[s, i, j]


@compiled
def face_bases(
    slots: np.ndarray,
    lines: np.ndarray,
    count: np.ndarray,
    P: np.ndarray,
    starts: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write an orthonormal basis of the directions of every block's face.

    Parameters
    ----------
    slots : array of int, shape (m,)
        Slot of each block's face.
    lines : array, shape (S, d, 2 d)
        Bases of the faces' rows, in the first d columns.
    count : array of int, shape (S,)
        Number of active rows.
    P : array, shape (m, d)
        Projections, not zero, whose directions come first.
    starts : array of int, shape (m + 1,)
        Where each block's vectors begin in `out`.
    out : array, shape (total, d)
        Receives the bases.
    """
    for b in range(slots.size):
        s = slots[b]
        q = P[b] / np.sqrt(np.dot(P[b], P[b]))
        complete_basis(lines[s, :, : q.size], count[s], q, out[starts[b] : starts[b + 1]])
