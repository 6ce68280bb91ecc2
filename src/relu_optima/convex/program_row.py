"""What all programs of stage ``convex`` say of an answer: its strength and its scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from relu_optima.convex.config import ConvexConfig
from relu_optima.convex.scaling import canonical_lambda, data_norm
from relu_optima.errors import SolveInputError
from relu_optima.stage import Record, Scalar


def canonical_strength(
    config: ConvexConfig, X: np.ndarray, y: np.ndarray, lam_max: float, training: Record | None
) -> float:
    """Canonical strength; a trained network's own is that of its weight decay."""
    if config.lam_scale != "training":
        return canonical_lambda(
            config.lam, config.lam_scale, n=len(X), lam_max=lam_max, data_norm=data_norm(X, y)
        )
    assert training is not None
    trained = training.row["lam"]
    if not isinstance(trained, float) or trained <= 0:
        raise SolveInputError(
            f"the training run used lam = {trained}",
            where="convex.lam_scale",
            fix="train with weight decay or lam > 0",
        )
    return config.lam * trained


def score_row(predict: Callable[[np.ndarray], np.ndarray], dataset: Record) -> dict[str, Scalar]:
    """Mean squared error a row on both parts, and accuracy where the targets are classes.

    With labels -1/+1 an output of exactly 0 is an error; with one column a class the largest
    output decides, the first of equal ones.
    """
    row: dict[str, Scalar] = {}
    task = dataset.row["task"]
    for part in ("train", "test"):
        X = dataset.arrays[f"X_{part}"]
        if not len(X):
            continue
        target = np.asarray(dataset.arrays[f"y_{part}"], dtype=np.float64).reshape(len(X), -1)
        output = np.asarray(predict(X)).reshape(target.shape)
        row[f"{part}_mse"] = float(np.mean(np.sum((output - target) ** 2, axis=1)))
        if task == "binary":
            row[f"{part}_accuracy"] = float(np.mean(np.sign(output) == target))
        elif task == "classes":
            hit = np.argmax(output, axis=1) == np.argmax(target, axis=1)
            row[f"{part}_accuracy"] = float(np.mean(hit))
    return row
