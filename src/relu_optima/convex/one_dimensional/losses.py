r"""The losses of one-dimensional programs with a slope that is defined everywhere.

Squared, (f - y)^2 / 2; logistic, log(1 + exp(-y f)) for labels -1 and 1; Huber, squared up to a
distance `delta` and linear beyond. Any type of float may come in, and comes out. The hinge loss
has corners and a program of its own (`hinge`).
"""

from __future__ import annotations

import numpy as np

SMOOTH = ("logistic", "huber")
LABELLED = ("hinge", "logistic")


def loss_value(loss: str, f: np.ndarray, y: np.ndarray, delta: float) -> np.ndarray:
    """Return the loss of every row."""
    if loss == "hinge":
        return np.asarray(np.maximum(1 - y * f, 0))
    if loss == "logistic":
        return np.asarray(np.logaddexp(0, -y * f))
    distance = np.abs(f - y)
    if loss == "squared":
        return np.asarray(0.5 * distance**2)
    near = np.minimum(distance, delta)
    return np.asarray(near * (distance - near / 2))


def loss_slope(loss: str, f: np.ndarray, y: np.ndarray, delta: float) -> np.ndarray:
    """Return the derivative of a smooth loss by the output, for every row."""
    if loss == "huber":
        return np.asarray(np.clip(f - y, -delta, delta))
    margin = y * f
    small = np.exp(-np.abs(margin))  # 1 / (1 + exp(margin)) without overflow
    return np.asarray(-y * np.where(margin > 0, small, 1) / (1 + small))


def best_constant(loss: str, y: np.ndarray, weights: np.ndarray, delta: float) -> float:
    """Return the constant of least loss: for two classes, or any targets of the Huber loss."""
    if loss == "logistic":
        return float(np.log(weights[y > 0].sum()) - np.log(weights[y < 0].sum()))
    # the slope at c, sum w clip(c - y, -delta, delta), is piecewise linear and increases in c
    corners = np.unique(np.concatenate([y - delta, y + delta]))
    low, high = 0, corners.size - 1
    while high - low > 1:
        middle = (low + high) // 2
        rises = float(np.sum(weights * np.clip(corners[middle] - y, -delta, delta)))
        low, high = (low, middle) if rises > 0 else (middle, high)
    ends = [float(np.sum(weights * np.clip(corners[k] - y, -delta, delta))) for k in (low, high)]
    if ends[1] <= ends[0]:
        return float(corners[low])
    share = min(max(-ends[0] / (ends[1] - ends[0]), 0.0), 1.0)
    return float(corners[low] + share * (corners[high] - corners[low]))
