"""Data of rank two and three with awkward features, and a pricing oracle that visits all faces."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from relu_optima.convex import enumerate_patterns

A1_X = np.array([[1.0, 1], [-1, 1], [2, 1]])
A1_Y = np.array([1.0, 2, -1])


def awkward(seed: int, largest: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Draw X of rank at most 2 or 3 in two to five dimensions, and N with one to three columns."""
    rng = np.random.default_rng(seed)
    rank, n, K = 2 + seed % 2, int(rng.integers(3, largest + 1)), int(rng.integers(1, 4))
    X = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, rank + seed % 3))
    kind = seed // 2 % 5
    if kind == 1:
        X[0] = 0.0
    if kind == 2:
        X[1], X[2] = 2.0 * X[0], -X[0]
    if kind == 3:
        X = rng.integers(-2, 3, size=(n, rank)).astype(float)
        X[0, 0] = 1.0
    if kind == 4:
        X = np.column_stack([rng.integers(-2, 3, size=(n, rank - 1)), np.ones(n)])
    return X, rng.standard_normal((n, K))


def correlations(X: np.ndarray, N: np.ndarray, U: np.ndarray) -> np.ndarray:
    """Evaluate |N'(X u)_+| of unit vectors by definition."""
    U = U / np.linalg.norm(U, axis=1)[:, None]
    return np.linalg.norm(np.maximum(X @ U.T, 0.0).T @ N, axis=1)


def largest_by_faces(X: np.ndarray, N: np.ndarray) -> float:
    """Maximise |N'(X u)_+| over the top vectors of the matrices of all faces."""
    _, sizes, Vt = np.linalg.svd(X)
    rank = int((sizes > 1e-10 * sizes[0]).sum())
    flat = X @ Vt[:rank].T
    best = 0.0
    for k in range(rank):
        for rows in combinations(range(len(X)), k):
            _, values, V = np.linalg.svd(flat[list(rows)].reshape(k, rank))
            if (values < 1e-9).any():
                continue
            inside = V[k:]
            seen = flat @ inside.T
            seen[np.linalg.norm(seen, axis=1) < 1e-9] = 0.0
            if not seen.any():
                continue
            points = enumerate_patterns(seen).T if len(inside) > 1 else np.array([[1.0], [-1.0]])
            for point in points:
                M = seen.T @ ((seen @ point > 0)[:, None] * N)
                top = np.linalg.svd(M)[0][:, :1].T
                best = max(best, *correlations(seen, N, np.vstack([top, -top])))
    return best
