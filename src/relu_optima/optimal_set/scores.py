"""How well a prediction fits: the scores that every analysis of a solution reports."""

from __future__ import annotations

import numpy as np


def mse(prediction: np.ndarray, target: np.ndarray) -> float:
    """Mean squared error.

    Parameters
    ----------
    prediction, target : array, shape (n,)
        Predictions and targets.

    Returns
    -------
    float
        Mean of (prediction - target)^2.
    """
    return float(np.mean((prediction - target) ** 2))


def accuracy(prediction: np.ndarray, target: np.ndarray) -> float:
    """Share of correct signs for targets -1 and +1.

    Parameters
    ----------
    prediction, target : array, shape (n,)
        Predictions and targets.

    Returns
    -------
    float
        Mean of sign(prediction) == target; a prediction of 0 is an error.
    """
    return float(np.mean(np.sign(prediction) == target))
