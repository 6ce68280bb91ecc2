"""What a run logs besides losses and norms, if it is asked to."""

from __future__ import annotations

import numpy as np

from relu_optima.training.collapse import alignment, balance, class_means, metrics
from relu_optima.training.normalisation import folded
from relu_optima.training.problem import Problem, Trained


def logged(
    problem: Problem, weights: list[np.ndarray], biases: list[np.ndarray]
) -> dict[str, float]:
    """Measure collapse, balance and alignment; of parameters as the optimiser holds them."""
    config = problem.config
    if config.metrics == "none":
        return {}
    relu = config.activation == "relu"
    imbalance = _imbalance(weights, biases if config.batch_norm else None, relu)
    if config.batch_norm:
        weights, biases = folded(weights, biases[0], biases[1], problem.X)
    return {
        **metrics(weights, biases, problem.X, problem.Y, relu),
        "balance": imbalance,
        "alignment": alignment(weights),
    }


def _imbalance(weights: list[np.ndarray], norm: list[np.ndarray] | None, relu: bool) -> float:
    """Compare neighbouring layers; behind a normalisation its scale and shift with the last."""
    if norm is None:
        return balance(weights, relu)
    below, above = norm[0] ** 2 + norm[1] ** 2, np.sum(weights[-1] ** 2, axis=0)
    return float(np.abs(below - above).max()) / max(float(below.max()), float(above.max()), 1e-300)


def by_class(problem: Problem, trained: Trained) -> dict[str, np.ndarray]:
    """Return size, norm and centred norm of each class mean at the end."""
    if problem.config.metrics == "none":
        return {}
    seen = class_means(trained.weights, trained.biases, problem.X, problem.Y, trained.relu)
    return {
        "class.index": np.arange(problem.Y.shape[1]),
        "class.size": problem.Y.sum(axis=0),
        "class.norm": np.linalg.norm(seen.means, axis=1),
        "class.centred_norm": np.linalg.norm(seen.centred, axis=1),
    }
