"""Problems (a) to (e): data, gates and strengths that every solver receives."""

from __future__ import annotations

import numpy as np

from relu_optima.convex.gates import activation_patterns, sample_gates
from relu_optima.convex.solver import lambda_max

SYNTHETIC = {"a": (200, 10, 100), "b": (1000, 20, 500), "c": (2000, 50, 1000)}
TITLES = {
    "a": "synthetic 200 x 10, P 100",
    "b": "synthetic 1000 x 20, P 500",
    "c": "synthetic 2000 x 50, P 1000",
    "d": "breast_cancer_wisconsin 569 x 30, P 500",
    "e": "digits 2 vs 6, 358 x 55, P 500",
}


def data(name: str, seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return inputs, targets and the number of gates drawn.

    Parameters
    ----------
    name : {"a", "b", "c", "d", "e"}
        Problem.
    seed : int
        Seed of a synthetic problem.

    Returns
    -------
    X : array, shape (n, d)
        Inputs.
    y : array, shape (n,)
        Targets: a noisy ReLU teacher with five neurons, or labels -1/+1.
    count : int
        Gates drawn.
    """
    if name in SYNTHETIC:
        return teacher(*SYNTHETIC[name], seed)
    from sklearn.datasets import load_breast_cancer, load_digits

    if name == "d":
        X, t = load_breast_cancer(return_X_y=True)
        y = 2.0 * t - 1.0
    else:
        X, t = load_digits(return_X_y=True)
        rows = (t == 2) | (t == 6)
        X, y = X[rows], np.where(t[rows] == 6, 1.0, -1.0)
    X = X[:, X.std(axis=0) > 0]
    return (X - X.mean(axis=0)) / X.std(axis=0), y, 500


def teacher(n: int, d: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Draw a noisy ReLU teacher problem.

    Parameters
    ----------
    n, d, count : int
        Rows, features, gates.
    seed : int
        Seed.

    Returns
    -------
    X, y, count
        As `data`.
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    W = rng.standard_normal((5, d))
    y = np.maximum(X @ W.T, 0) @ rng.standard_normal(5) / np.sqrt(d)
    return X, y + 0.1 * rng.standard_normal(n), count


def problem(
    X: np.ndarray, y: np.ndarray, count: int, ratio: float, seed: int
) -> dict[str, np.ndarray]:
    """Add gates, patterns and the strength.

    Parameters
    ----------
    X, y : array
        Data.
    count : int
        Gates drawn.
    ratio : float
        Strength as a fraction of lambda_max of the gated program, also for the ReLU program.
    seed : int
        The gates are drawn with seed + 1.

    Returns
    -------
    dict of str to array
        X, y, G (d, P), D (n, P), lambda_max of the gated program as top, and the canonical
        strength lam.
    """
    G = sample_gates(X, count, seed + 1)
    top = lambda_max(X, y, G, "gated")
    strengths = {"top": np.array(top), "lam": np.array(ratio * top)}
    return {"X": X, "y": y, "G": G, "D": activation_patterns(X, G)} | strengths
