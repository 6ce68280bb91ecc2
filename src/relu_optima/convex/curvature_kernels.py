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
def curvature_roots(
    slots: np.ndarray,
    Q: np.ndarray,
    count: np.ndarray,
    P: np.ndarray,
    shrink: np.ndarray,
    offsets: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write T_b with T_b'T_b = F((1 - a) I + a q q')F for every active block.

    Parameters
    ----------
    slots : array of int, shape (m,)
        Slot of each block's face.
    Q : array, shape (S, d, d)
        Bases of the faces' rows.
    count : array of int, shape (S,)
        Number of active rows.
    P : array, shape (m, d)
        Projections, not zero.
    shrink : array, shape (m,)
        a = sigma lam / |p|, below 1.
    offsets : array of int, shape (m + 1,)
        Where each block's rows begin in `out`.
    out : array, shape (total, d)
        Receives the rows of all T_b.
    """
    for b in range(slots.size):
        s = slots[b]
        k = count[s]
        q = P[b] / np.sqrt(np.dot(P[b], P[b]))
        part = out[offsets[b] : offsets[b + 1]]
        complete_basis(Q[s], k, q, part)
        part[1:] *= np.sqrt(1.0 - shrink[b])
