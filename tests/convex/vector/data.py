"""Small problems with several outputs."""

from __future__ import annotations

import numpy as np

# theory: two outputs over all six patterns of three points in the plane
THREE_X = np.array([[1.0, 1], [-1, 1], [2, 1]])
THREE_Y = np.array([[1.0, 0], [2, 1], [-1, 1]])
THREE_VALUE = 0.4352336467


def spiral(rows: int = 20, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Arms of a spiral, one class each, with one-hot targets."""
    rng = np.random.default_rng(seed)
    radius = np.linspace(0.0, 0.5, rows)
    X = []
    for c in range(classes):
        turn = np.linspace(4.0 * c, 4.0 * c + 4.0, rows) + 0.15 * rng.standard_normal(rows)
        X.append(np.column_stack([radius * np.sin(turn), radius * np.cos(turn)]))
    return np.vstack(X), np.kron(np.eye(classes), np.ones((rows, 1)))


def awkward(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rank one to three, with zero, equal, parallel and opposite rows, and a wide copy."""
    rng = np.random.default_rng(seed)
    n, d, K = int(rng.integers(2, 9)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    X = rng.standard_normal((n, d))
    if seed % 4 == 1 and n > 3:
        X[0] = 0.0
        X[1] = 2.0 * X[2]
        X[3] = -X[2]
    if seed % 4 == 2:
        X[-1] = X[0]
    if seed % 4 == 3:
        X = X @ rng.standard_normal((d, d + 2))
    return X, rng.standard_normal((n, K))
