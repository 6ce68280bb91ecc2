"""Which losses splines have beside the squared one, and the best constant of the smooth ones.

Their formulas are those of `relu_optima.convex.loss`. The hinge loss has corners and a program of
its own (`hinge`).
"""

from __future__ import annotations

import numpy as np

SMOOTH = ("logistic", "huber")
LABELLED = ("hinge", "logistic")


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
