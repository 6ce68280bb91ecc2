"""Neural collapse, balance and alignment of a network on its training rows.

The metrics are those of Papyan, Han & Donoho (PNAS 2020) on the last hidden layer, with the mean
of class means as centre.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from relu_optima.errors import DataError


@dataclass(frozen=True)
class Means:
    """Class means of the last hidden layer.

    Attributes
    ----------
    means, centred : array, shape (K, m)
        As they are, and less their mean.
    within : array, shape (n, m)
        Rows less the mean of their class.
    labels : array of int, shape (n,)
        Class of each row.
    features : array, shape (n, m)
        The layer itself.
    """

    means: np.ndarray
    centred: np.ndarray
    within: np.ndarray
    labels: np.ndarray
    features: np.ndarray


def check(Y: np.ndarray) -> None:
    """Refuse targets that are no classes."""
    if not np.isin(Y, (0.0, 1.0)).all() or not (Y.sum(axis=1) == 1).all() or not Y.any(0).all():
        raise DataError(
            "collapse is measured for one-hot targets with no class empty",
            where="training.metrics",
            fix="set training.metrics=none, or take a data set of classes",
        )


def class_means(
    weights: list[np.ndarray], biases: list[np.ndarray], X: np.ndarray, Y: np.ndarray, relu: bool
) -> Means:
    """Evaluate the last hidden layer and take its class means."""
    H = X
    for k, W in enumerate(weights[:-1]):
        H = H @ W.T + (biases[k] if biases else 0.0)
        H = np.maximum(H, 0) if relu else H
    means = (Y.T @ H) / Y.sum(axis=0)[:, None]
    labels = np.argmax(Y, axis=1)
    return Means(means, means - means.mean(axis=0), H - means[labels], labels, H)


def metrics(
    weights: list[np.ndarray], biases: list[np.ndarray], X: np.ndarray, Y: np.ndarray, relu: bool
) -> dict[str, float]:
    """Compute NC1 to NC4."""
    seen = class_means(weights, biases, X, Y, relu)
    k = Y.shape[1]
    # tr(Σ_W Σ_B⁺)/K with Σ_W = WᵀW/n and Σ_B = CᵀC/K: the squared norm of W C⁺
    scatter = seen.within @ np.linalg.pinv(seen.centred, rcond=1e-8)
    lengths = np.linalg.norm(seen.centred, axis=1)
    unit = seen.centred / np.maximum(lengths, 1e-300)[:, None]
    angles = (unit @ unit.T)[~np.eye(k, dtype=bool)]
    distance = ((seen.features[:, None] - seen.means[None]) ** 2).sum(axis=2)
    outputs = seen.features @ weights[-1].T + (biases[-1] if biases else 0.0)
    differs = np.argmin(distance, axis=1) != np.argmax(outputs, axis=1)
    share = float(lengths.mean())
    last = weights[-1] / max(float(np.linalg.norm(weights[-1])), 1e-300)
    middle = seen.centred / max(float(np.linalg.norm(seen.centred)), 1e-300)
    return {
        "nc1": float(np.sum(scatter**2)) / len(X),
        "nc2_norms": float(lengths.std()) / share if share > 0 else 0.0,
        "nc2_angles": float(np.abs(angles + 1 / (k - 1)).max()) if k > 1 else 0.0,
        "nc3": float(np.linalg.norm(last - middle)),
        "nc4": float(differs.mean()),
    }


def balance(weights: list[np.ndarray], relu: bool) -> float:
    """Return the largest difference of W_l W_lᵀ and W_{l+1}ᵀ W_{l+1}, relatively.

    Zero at stationary points of a penalised objective without biases: on the diagonal with ReLU,
    whose neurons can be rescaled, and whole for linear networks.
    """
    worst = largest = 0.0
    for below, above in itertools.pairwise(weights):
        A, B = below @ below.T, above.T @ above
        if relu:
            A, B = np.diag(A), np.diag(B)
        worst = max(worst, float(np.abs(A - B).max()))
        largest = max(largest, float(np.abs(A).max()), float(np.abs(B).max()))
    return worst / max(largest, 1e-300)


def alignment(weights: list[np.ndarray]) -> float:
    """Return the least ‖W_{l+1} W_l‖² / Σ_i s_i(W_{l+1})² s_i(W_l)²: 1 if singular vectors agree.

    Von Neumann's trace inequality, whose equality case is shared singular vectors in order.
    """
    least = 1.0
    for below, above in itertools.pairwise(weights):
        s = np.linalg.svd(below, compute_uv=False)
        t = np.linalg.svd(above, compute_uv=False)
        count = min(len(s), len(t))
        most = float(np.sum(s[:count] ** 2 * t[:count] ** 2))
        if most > 0:
            least = min(least, float(np.sum((above @ below) ** 2)) / most)
    return least
