"""Products with the lifted design [D_1 X, ..., D_P X], which is never formed.

Each can be done in two orders that cost the same inside BLAS; outside of it one touches m x n
numbers, the other n x d. The smaller is taken.
"""

from __future__ import annotations

import numpy as np

SLAB_ENTRIES = 50_000  # of the patterns that are turned into numbers at a time: 400 kB


def held(patterns: np.ndarray, entries: int) -> np.ndarray:
    """Return patterns as they are best held: as numbers if few, which saves turning them."""
    return np.ascontiguousarray(patterns, dtype=float if patterns.size <= entries else bool)


def adjoint(masks: np.ndarray, X: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return X'D_b r of every block."""
    if masks.dtype == bool:
        out = np.empty((len(masks), X.shape[1]))
        weighted = r[:, None] * X
        slab = max(1, SLAB_ENTRIES // len(X))
        for begin in range(0, len(masks), slab):
            part = slice(begin, begin + slab)
            np.matmul(masks[part].astype(np.float64), weighted, out=out[part])
        return out
    if len(masks) > X.shape[1]:
        return np.asarray(masks @ (r[:, None] * X))
    return np.asarray((masks * r) @ X)


def combine(masks: np.ndarray, X: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return the sum of D_b X u_b over the blocks."""
    if masks.dtype == bool:
        masks = masks.astype(X.dtype)
    if len(masks) > X.shape[1]:
        return np.asarray(np.einsum("ij,ij->i", masks.T @ B, X))
    return np.asarray(np.einsum("bn,bn->n", masks, B @ X.T))


def row_norms(vectors: np.ndarray) -> np.ndarray:
    """Return the Euclidean norms of rows; `numpy.linalg.norm` takes twice as long on few."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", vectors, vectors)))
