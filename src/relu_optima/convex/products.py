"""Products with the lifted design [D_1 X, ..., D_P X], which is never formed.

Each can be done in two orders that cost the same inside BLAS; outside of it one touches m x n
numbers, the other n x d. The smaller is taken. Of many rows a tile is taken at a time, whose
patterns are turned into numbers within the cache; sums over rows then have another order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

MANY_ROWS = 20_000  # rows from which on products go by tiles: below, whole ones are as fast
TILE_ENTRIES = 131_072  # of the patterns in one tile: 1 MB of numbers
SLAB_ENTRIES = 50_000  # of the patterns that are turned into numbers at a time: 400 kB


def held(patterns: np.ndarray, entries: int) -> np.ndarray:
    """Return patterns as they are best held: as numbers if few, which saves turning them."""
    return np.ascontiguousarray(patterns, dtype=float if patterns.size <= entries else bool)


def adjoint(masks: np.ndarray, X: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return X'D_b r of every block."""
    if len(X) >= MANY_ROWS:
        total = np.zeros((len(masks), X.shape[1]), dtype=X.dtype)
        for rows in tiles(len(X), len(masks)):
            total += masks[:, rows].astype(X.dtype) @ (r[rows, None] * X[rows])
        return total
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
    if len(X) >= MANY_ROWS:
        out = np.empty(len(X), dtype=X.dtype)
        for rows in tiles(len(X), len(masks)):
            mixed = masks[:, rows].astype(X.dtype).T @ B
            out[rows] = np.einsum("ij,ij->i", mixed, X[rows])
        return out
    if masks.dtype == bool:
        masks = masks.astype(X.dtype)
    if len(masks) > X.shape[1]:
        return np.asarray(np.einsum("ij,ij->i", masks.T @ B, X))
    return np.asarray(np.einsum("bn,bn->n", masks, B @ X.T))


def tiles(n: int, count: int) -> Iterator[slice]:
    """Cut many rows into parts whose patterns over some blocks, as numbers, stay in the cache."""
    step = n if n < MANY_ROWS else max(256, TILE_ENTRIES // max(count, 1))
    return (slice(begin, begin + step) for begin in range(0, n, step))


def row_norms(vectors: np.ndarray) -> np.ndarray:
    """Return the Euclidean norms of rows; `numpy.linalg.norm` takes twice as long on few."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", vectors, vectors)))
