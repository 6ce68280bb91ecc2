"""Small problems with printed answers, and random ones with awkward features."""

from __future__ import annotations

import numpy as np

from relu_optima.convex import sample_gates

WORKED_X = np.array([[1.0, 1], [-1, 1], [2, 1]])
WORKED_Y = np.array([1.0, 2, -1])
FAN_X = np.array([[np.sqrt(3), 1.0], [-np.sqrt(3), 1.0]])
FAN_Y = np.array([2.0, 2.0])
JUMP_X = np.array([[1.0, 0, 0], [-1, -0.5, np.sqrt(3.75)], [1, 1, 0]])
JUMP_Y = np.array([3.0, 6.0, 4.0]) / np.sqrt(5)


def random_problem(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw X, y and gates: some wide, some rank deficient, with duplicates, zeros or labels."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(3, 25)), int(rng.integers(1, 7))
    X = rng.standard_normal((n, d))
    kind = seed % 6
    if kind == 1 and d > 1:
        X[:, -1] = X[:, 0]
    if kind == 2:
        X[: n // 3] = X[n - n // 3 :]
    if kind == 3:
        X[:, -1] = 1.0
        X[0] = 0.0
    if kind == 4:
        X = X[:, :1] @ rng.standard_normal((1, d)) + X[:, -1:] @ rng.standard_normal((1, d))
    y = np.sign(rng.standard_normal(n)) if kind == 5 else rng.standard_normal(n)
    gates = sample_gates(X, int(rng.integers(1, 12)), seed)
    # equal rows in one dimension: all gates drawn may be off everywhere
    return X, y, gates if gates.shape[1] else X[-1:].T
