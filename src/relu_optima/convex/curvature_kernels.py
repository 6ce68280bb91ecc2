"""Inner loops of the Hessian: bases of faces, and square roots of the blocks' curvature."""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled


@compiled
def complete_basis(lines: np.ndarray, k: int, q: np.ndarray, basis: np.ndarray) -> None:
    """Find an orthonormal basis of the face's directions that starts with a given one.

    Parameters
    ----------
    lines : array, shape (d, 2 d)
        Orthonormal basis of the face's rows, in the first d columns.
    k : int
        Number of active rows, below d.
    q : array, shape (d,)
        Unit vector orthogonal to the rows.
    basis : array, shape (d, d)
        Receives the rows and then the basis.
    """
    d = q.size
    left, vector = np.ones(d), np.empty(d)
    for i in range(d):
        if i < k:
            for j in range(d):
                vector[j] = lines[i, j]
        elif i == k:
            for j in range(d):
                vector[j] = q[j]
        else:
            pivot = np.argmax(left)
            for j in range(d):
                vector[j] = -basis[0, pivot] * basis[0, j]
            for row in range(1, i):
                along = basis[row, pivot]
                for j in range(d):
                    vector[j] -= along * basis[row, j]
            vector[pivot] += 1.0
            for row in range(i):
                along = 0.0
                for j in range(d):
                    along += basis[row, j] * vector[j]
                for j in range(d):
                    vector[j] -= along * basis[row, j]
            length = 0.0
            for j in range(d):
                length += vector[j] * vector[j]
            length = np.sqrt(length)
            for j in range(d):
                vector[j] /= length
        for j in range(d):
            basis[i, j] = vector[j]
            left[j] -= vector[j] * vector[j]


@compiled
def leave_faces(
    slots: np.ndarray, lines: np.ndarray, sizes: np.ndarray, vectors: np.ndarray
) -> None:
    """Project a vector for every block on the directions of its face, in place.

    Parameters
    ----------
    slots : array of int, shape (m,)
        Slot of each block's face.
    lines : array, shape (S, d, 2 d)
        Bases of the faces' rows, in the first d columns.
    sizes : array of int, shape (m,)
        Number of active rows of each face.
    vectors : array, shape (m, d)
        The vectors.
    """
    d = vectors.shape[1]
    for b in range(slots.size):
        s = slots[b]
        for i in range(sizes[b]):
            along = 0.0
            for j in range(d):
                along += lines[s, i, j] * vectors[b, j]
            for j in range(d):
                vectors[b, j] -= along * lines[s, i, j]


@compiled
def face_bases(
    slots: np.ndarray,
    lines: np.ndarray,
    sizes: np.ndarray,
    directions: np.ndarray,
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
    sizes : array of int, shape (m,)
        Number of active rows of each face.
    directions : array, shape (m, d)
        Unit vectors on the faces, which come first.
    starts : array of int, shape (m + 1,)
        Where each block's vectors begin in `out`.
    out : array, shape (total, d)
        Receives the bases.
    """
    d = directions.shape[1]
    basis = np.empty((d, d))
    for b in range(slots.size):
        k = sizes[b]
        complete_basis(lines[slots[b]], k, directions[b], basis)
        out[starts[b] : starts[b + 1]] = basis[k:]
