"""The canonical objective of one network, in float64, with its gradient on the free weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.training.normalisation import backward, normalise
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
        if self.problem.config.batch_norm:
            width = self.problem.masks[-2].shape[0]
            biases = [theta[start : start + width], theta[start + width :]]
        elif self.problem.config.biases:
            for mask in self.problem.masks:
                biases.append(theta[start : start + mask.shape[0]])
                start += mask.shape[0]
        return weights, biases

    def _penalised(
        self, weights: list[np.ndarray], biases: list[np.ndarray]
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Replace by zeros what the penalty does not see."""
        config = self.problem.config
        if config.batch_norm:
            return [*(np.zeros_like(W) for W in weights[:-1]), weights[-1]], biases
        return weights, biases if config.decay_biases else [np.zeros_like(b) for b in biases]

    def __call__(self, theta: np.ndarray, lam: float) -> tuple[float, np.ndarray]:
        """Evaluate."""
        return self.evaluate(theta, lam, None)

    def evaluate(
        self, theta: np.ndarray, lam: float, active: np.ndarray | None
    ) -> tuple[float, np.ndarray]:
        """Evaluate, with the first hidden layer's activation pattern given or not."""
        weights, biases = self.unpack(theta)
        config = self.problem.config
        relu = config.activation == "relu"
        layers = [self.problem.X]
        unit = length = np.empty(0)
        for k, W in enumerate(weights):
            Z = layers[-1] @ W.T
            if config.batch_norm:
                if k == len(weights) - 2:
                    Z, unit, length = normalise(Z, biases[0], biases[1])
            elif biases:
                Z = Z + biases[k]
            if relu and k < len(weights) - 1:
                Z = np.maximum(Z, 0) if active is None else Z * active
            layers.append(Z)
        G = layers[-1] - self.problem.Y
        value = 0.5 * float((G * G).sum())
        by_weight: list[np.ndarray] = []
        by_bias: list[np.ndarray] = []
        for k in reversed(range(len(weights))):
            if config.batch_norm:
                if k == len(weights) - 2:
                    G, by_scale, by_shift = backward(G, unit, length, biases[0])
                    by_bias = [by_scale, by_shift]
            else:
                by_bias.insert(0, G.sum(axis=0))
            by_weight.insert(0, G.T @ layers[k])
            if k > 0:
                G = G @ weights[k]
                if relu:
                    G = G * ((layers[k] > 0) if active is None else active)
        penalised = self.pack(*self._penalised(weights, biases))
        gradient = self.pack(by_weight, by_bias if biases else [])
        return (
            value + 0.5 * lam * float(penalised @ penalised),
            gradient + lam * penalised,
        )
