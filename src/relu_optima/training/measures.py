"""What a run logs of its parameters: norms, the error of a linear map, collapse and balance."""

from __future__ import annotations

import numpy as np

from relu_optima.training.collapse import alignment, balance, class_means, metrics
from relu_optima.training.normalisation import folded
from relu_optima.training.problem import Problem, Trained, linear_product


def logged(
    problem: Problem, weights: list[np.ndarray], biases: list[np.ndarray]
) -> dict[str, float]:
    """Measure a linear target's error, and collapse, of parameters as the optimiser holds them."""
    config = problem.config
    out: dict[str, float] = {}
    if problem.target_matrix is not None:
        A = problem.target_matrix
        gap = np.linalg.norm(linear_product(weights) - A)
        out["product_error"] = float(gap / max(float(np.linalg.norm(A)), 1e-300))
    if config.metrics == "none":
        return out
    relu = config.activation == "relu"
    imbalance = _imbalance(weights, biases if config.batch_norm else None, relu)
    if config.batch_norm:
        weights, biases = folded(weights, biases[0], biases[1], problem.X)
    return {
        **out,
        **metrics(weights, biases, problem.X, problem.Y, relu),
        "balance": imbalance,
        "alignment": alignment(weights),
    }


def sizes(
    problem: Problem,
    weights: list[np.ndarray],
    biases: list[np.ndarray],
    loss: float,
    masks: list[np.ndarray],
) -> dict[str, float]:
    """Name loss, objective, norms and density as every series of training has them."""
    norm2, all2, decayed = squared_norms(problem, weights, biases)
    return {
        "loss": loss,
        "loss_relative": loss / problem.mean_square,
        "objective": 0.5 * loss * problem.Y.size + 0.5 * problem.lam * decayed,
        "weight_norm": norm2**0.5,
        "parameter_norm": all2**0.5,
        "density": sum(int(m.sum()) for m in masks) / sum(m.size for m in masks),
    }


def squared_norms(
    problem: Problem, weights: list[np.ndarray], biases: list[np.ndarray]
) -> tuple[float, float, float]:
    """Square the norms of the weights, of all parameters, and of those that are penalised."""
    norm2 = sum(float((w * w).sum()) for w in weights)
    all2 = norm2 + sum(float((b * b).sum()) for b in biases)
    if problem.config.batch_norm:
        return norm2, all2, sum(float((v * v).sum()) for v in (*biases, weights[-1]))
    return norm2, all2, all2 if problem.config.decay_biases else norm2


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
