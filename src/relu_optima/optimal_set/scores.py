"""How well a prediction fits: the scores that every analysis of a solution reports."""

from __future__ import annotations

import numpy as np


def mse(prediction: np.ndarray, target: np.ndarray) -> float:
    """Mean squared error."""
    return float(np.mean((prediction - target) ** 2))


def accuracy(prediction: np.ndarray, target: np.ndarray) -> float:
    """Share of correct signs for targets -1 and +1."""
    return float(np.mean(np.sign(prediction) == target))


def scores(
    predictions: list[np.ndarray], target: np.ndarray, part: str, *, binary: bool
) -> dict[str, np.ndarray]:
    """Score several predictions of one data set."""
    target = np.asarray(target, dtype=float).reshape(-1)
    if not target.size:
        return {}
    found = {f"{part}_mse": np.array([mse(p, target) for p in predictions])}
    if binary:
        found[f"{part}_accuracy"] = np.array([accuracy(p, target) for p in predictions])
    return found
