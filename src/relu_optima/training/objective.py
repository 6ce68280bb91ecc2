"""The canonical objective of one network, in float64, with its gradient on the free weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.training.problem import Problem


@dataclass(frozen=True)
class Objective:
    """``½‖f(X) - Y‖_F² + (λ/2)‖θ‖²`` as a function of the vector of free parameters.

    Attributes
    ----------
    problem : Problem
        Data, masks, penalty, biases.
    """

    problem: Problem

    def pack(self, weights: list[np.ndarray], biases: list[np.ndarray]) -> np.ndarray:
        """Collect the weights inside the masks, and the biases."""
        masks = self.problem.masks
        kept = [w[m.astype(bool)] for w, m in zip(weights, masks, strict=True)]
        return np.concatenate([*kept, *biases])

    def unpack(self, theta: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Invert `pack`."""
        weights, biases, start = [], [], 0
        for mask in self.problem.masks:
            W = np.zeros(mask.shape)
            count = int(mask.sum())
            W[mask.astype(bool)] = theta[start : start + count]
            weights.append(W)
            start += count
        if self.problem.config.biases:
            for mask in self.problem.masks:
                biases.append(theta[start : start + mask.shape[0]])
                start += mask.shape[0]
        return weights, biases

    def __call__(self, theta: np.ndarray, lam: float) -> tuple[float, np.ndarray]:
        """Evaluate."""
        return self.evaluate(theta, lam, None)

    def evaluate(
        self, theta: np.ndarray, lam: float, active: np.ndarray | None
    ) -> tuple[float, np.ndarray]:
        """Evaluate, with the first hidden layer's activation pattern given or not."""
        weights, biases = self.unpack(theta)
        layers = [self.problem.X]
        for k, W in enumerate(weights):
            Z = layers[-1] @ W.T
            if biases:
                Z = Z + biases[k]
            if k < len(weights) - 1:
                Z = np.maximum(Z, 0) if active is None else Z * active
            layers.append(Z)
        G = layers[-1] - self.problem.Y
        value = 0.5 * float((G * G).sum())
        by_weight: list[np.ndarray] = []
        by_bias: list[np.ndarray] = []
        for k in reversed(range(len(weights))):
            by_weight.insert(0, G.T @ layers[k])
            by_bias.insert(0, G.sum(axis=0))
            if k > 0:
                G = (G @ weights[k]) * ((layers[k] > 0) if active is None else active)
        penalised = self.pack(
            weights,
            biases if self.problem.config.decay_biases else [np.zeros_like(b) for b in biases],
        )
        gradient = self.pack(by_weight, by_bias if biases else [])
        return (
            value + 0.5 * lam * float(penalised @ penalised),
            gradient + lam * penalised,
        )
