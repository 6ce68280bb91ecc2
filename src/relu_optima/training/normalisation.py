r"""Batch normalisation before the last ReLU, over all training rows at once.

A column z of the n training rows becomes γ ẑ + α 1/√n with ẑ = (z - mean)/‖z - mean‖, so its length
is √(γ² + α²); common code divides by the standard deviation ‖z - mean‖/√n, and its scale and shift
are γ/√n and α/√n. The layers below may be scaled at will, so the penalty is on γ, α and the last
layer alone. A constant column, which has no ẑ, becomes its shift.

In a stack, and wherever parameters are kept, the "biases" of such a network are γ and α. A trained
network is handed on as a plain one with biases, the statistics of its training rows folded in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relu_optima.errors import DataError

if TYPE_CHECKING:
    import torch

    from relu_optima.training.config import TrainingConfig

CONSTANT = 1e-12  # a deviation below this share of the column is rounding of a constant


def check(config: TrainingConfig, layers: int, rows: int, own_protocol: bool) -> None:
    """Refuse what the statistics of all rows, or a network without ReLU, do not go with."""
    plain = config.activation == "relu" and not config.batch_norm
    if not plain and own_protocol:
        raise DataError(
            f"method {config.method} trains ReLU networks without normalisation",
            where="training.activation, training.batch_norm",
            fix="use method static",
        )
    if not config.batch_norm:
        return
    problems = {
        "training.biases": config.biases,
        "training.activation": config.activation == "linear",
        "training.batch_size": 0 < config.batch_size < rows,
        "pattern": layers < 2,
    }
    for where, wrong in problems.items():
        if wrong:
            raise DataError(
                "batch normalisation does not go with this",
                where=where,
                allowed="biases: false, activation: relu, batch_size: 0, at least two layers",
            )


def normalise(
    Z: np.ndarray, scale: np.ndarray, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return normalised columns, the unit columns and the lengths divided by."""
    C = Z - Z.mean(axis=0)
    length = np.linalg.norm(C, axis=0)
    length = np.where(length > CONSTANT * np.linalg.norm(Z, axis=0), length, np.inf)
    unit = C / length
    return unit * scale + shift / np.sqrt(len(Z)), unit, length


def backward(
    G: np.ndarray, unit: np.ndarray, length: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the gradients by Z, scale and shift from that by the normalised columns."""
    by_scale = np.sum(G * unit, axis=0)
    by_shift = np.sum(G, axis=0) / np.sqrt(len(G))
    C = (G - unit * by_scale) * (scale / length)
    return C - C.mean(axis=0), by_scale, by_shift


def normalise_stack(
    Z: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor, unit: torch.Tensor
) -> torch.Tensor:
    """Normalise every slot of Z in place, keep the unit columns, return the lengths."""
    import torch

    size = torch.linalg.vector_norm(Z, dim=1, keepdim=True)
    Z.sub_(Z.mean(1, keepdim=True))
    length = torch.linalg.vector_norm(Z, dim=1, keepdim=True)
    length = torch.where(length > CONSTANT * size, length, torch.inf)
    torch.div(Z, length, out=unit)
    torch.mul(unit, scale, out=Z)
    Z.add_(shift, alpha=Z.shape[1] ** -0.5)
    return length


def backward_stack(
    G: torch.Tensor,
    unit: torch.Tensor,
    length: torch.Tensor,
    scale: torch.Tensor,
    gradient: list[torch.Tensor],
) -> torch.Tensor:
    """Write the gradients of scale and shift, return that by Z."""
    import torch

    by_scale, by_shift = gradient
    torch.sum(G * unit, 1, keepdim=True, out=by_scale)
    torch.sum(G, 1, keepdim=True, out=by_shift)
    by_shift.mul_(G.shape[1] ** -0.5)
    C = (G - unit * by_scale) * (scale / length)
    return C.sub_(C.mean(1, keepdim=True))


def folded(
    weights: list[np.ndarray], scale: np.ndarray, shift: np.ndarray, X: np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the plain network that is the normalised one on rows X."""
    H = X
    for W in weights[:-2]:
        H = np.maximum(H @ W.T, 0)
    Z = H @ weights[-2].T
    _, _, length = normalise(Z, scale, shift)
    slope = scale / length
    biases = [np.zeros(len(W)) for W in weights]
    biases[-2] = shift / np.sqrt(len(X)) - slope * Z.mean(axis=0)
    return [*weights[:-2], weights[-2] * slope[:, None], weights[-1]], biases


def unfolded(
    weights: list[np.ndarray], biases: list[np.ndarray], X: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return |scale| and shift of a folded network, read off its columns on the training rows."""
    H = X
    for W, b in zip(weights[:-2], biases[:-2], strict=True):
        H = np.maximum(H @ W.T + b, 0)
    Z = H @ weights[-2].T + biases[-2]
    mean = Z.mean(axis=0)
    return np.linalg.norm(Z - mean, axis=0), mean * np.sqrt(len(X))
