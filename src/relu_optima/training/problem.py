"""What is trained and what came out, in one scaling.

Canonical objective (all of the project): ``½‖f(X) - Y‖_F² + (λ/2)‖θ‖²``. Training minimises the
mean loss ``‖f(X) - Y‖_F²/(n c) + (w/2)‖θ‖²`` with torch's ``weight_decay`` w, that is the
canonical objective divided by ``n c / 2``, so ``λ = n c w / 2``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from relu_optima.stage import Scalar
from relu_optima.training.config import TrainingConfig


def canonical_lam(weight_decay: float, targets: np.ndarray) -> float:
    """Convert torch's weight decay on the mean squared loss to the canonical λ."""
    return weight_decay * targets.size / 2


@dataclass(frozen=True)
class Problem:
    """One network to train.

    Attributes
    ----------
    config : TrainingConfig
        Validated values of the method's config.
    seed : int
        Seed of initialisation, data order and mask updates.
    masks : list of array of uint8, shape (n_out, n_in)
        Allowed weights, first layer first.
    X : array, shape (n, d)
        Features.
    Y : array, shape (n, c)
        Targets.
    lam : float
        Canonical penalty.
    target_matrix : array, shape (c, d), optional
        The linear map behind the targets, for the product error.
    start : tuple of (weights, biases), optional
        Initial parameters; None draws them.
    name : str
        Key of its checkpoint.
    """

    config: TrainingConfig
    seed: int
    masks: list[np.ndarray]
    X: np.ndarray
    Y: np.ndarray
    lam: float
    target_matrix: np.ndarray | None = None
    start: tuple[list[np.ndarray], list[np.ndarray]] | None = None
    name: str = ""

    @property
    def widths(self) -> tuple[int, ...]:
        """Layer widths, inputs first."""
        return (self.masks[0].shape[1], *(mask.shape[0] for mask in self.masks))

    @cached_property
    def mean_square(self) -> float:
        """Mean square of the targets, for relative losses; not 0."""
        return max(float(np.mean(np.square(self.Y))), 1e-300)


@dataclass(frozen=True)
class Trained:
    """Result of training one network.

    Attributes
    ----------
    weights : list of array of float64, shape (n_out, n_in)
        Last finite weights, zero outside `masks`.
    biases : list of array of float64, shape (n_out,)
        Last finite biases; empty if the network has none.
    masks : list of array of uint8, shape (n_out, n_in)
        Masks at the end.
    series : dict of str to array
        One entry per logged epoch.
    status : {"ok", "diverged"}
        Whether NaN, overflow or the configured norm ended the run.
    epochs : int
        Finished epochs with finite parameters.
    extra : dict of str to scalar
        Further row entries of the method; they replace the general ones of the same name.
    relu : bool
        Whether ReLUs follow the hidden layers.
    norm : tuple of (scale, shift), optional
        Batch normalisation before the last ReLU, which weights and biases contain.
    """

    weights: list[np.ndarray]
    biases: list[np.ndarray]
    masks: list[np.ndarray]
    series: dict[str, np.ndarray]
    status: str
    epochs: int
    extra: dict[str, Scalar] = field(default_factory=dict)
    relu: bool = True
    norm: tuple[np.ndarray, np.ndarray] | None = None

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Evaluate the network in float64.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs.

        Returns
        -------
        array, shape (n, c)
            Outputs.
        """
        return evaluate(self.weights, self.biases, X, self.relu)

    def squared_norm(self, *, biases: bool) -> float:
        """Sum the squared parameters; with batch normalisation those that are penalised.

        Parameters
        ----------
        biases : bool
            Include the biases.

        Returns
        -------
        float
            ``‖θ‖²``.
        """
        if self.norm is not None:
            parts = [*self.norm, self.weights[-1]]
        else:
            parts = [*self.weights, *(self.biases if biases else [])]
        return float(sum(float((p * p).sum()) for p in parts))


def evaluate(
    weights: list[np.ndarray], biases: list[np.ndarray], X: np.ndarray, relu: bool = True
) -> np.ndarray:
    """Evaluate a network, without ReLUs if asked."""
    H = X
    for k, W in enumerate(weights):
        H = H @ W.T
        if biases:
            H = H + biases[k]
        if relu and k < len(weights) - 1:
            H = np.maximum(H, 0)
    return H


def linear_product(weights: list[np.ndarray]) -> np.ndarray:
    """Multiply the layers as if there were no ReLU."""
    out = weights[0]
    for W in weights[1:]:
        out = W @ out
    return out
