"""Networks whose neurons point in fixed directions: coefficients are all that differs."""

from __future__ import annotations

import numpy as np

from relu_optima.errors import SolveInputError
from relu_optima.optimal_set.blocks import Blocks


class Directions:
    """Neurons in fixed directions; a network is a vector of non-negative coefficients.

    For formulation ``relu`` the coefficients beta are the network with neurons
    (sqrt(beta_b) u_b, sign_b sqrt(beta_b)).

    Attributes
    ----------
    problem : Blocks
        The program.
    directions : array, shape (k, d)
        Unit vectors u_b.
    signs : array, shape (k,)
        Output signs.
    start : array, shape (k,)
        Coefficients of the network that the solver found.
    """

    problem: Blocks
    directions: np.ndarray
    signs: np.ndarray
    start: np.ndarray

    @property
    def blocks(self) -> np.ndarray:
        """Block of the program that each direction belongs to, shape (k,)."""
        raise NotImplementedError

    @property
    def columns(self) -> np.ndarray:
        """Contribution of each unit direction to the fit, shape (n, k)."""
        raise NotImplementedError

    @property
    def negligible(self) -> float:
        """Coefficient up to which a neuron counts as absent."""
        raise NotImplementedError

    @property
    def gates(self) -> np.ndarray:
        """Gate vector of the block of each direction, shape (k, d)."""
        return self.problem.gates[:, self.problem.pattern_of[self.blocks]].T

    def features(self, X: np.ndarray, *, gated: bool = False) -> np.ndarray:
        """Contribution of each unit direction to the prediction at new inputs."""
        X = np.asarray(X, dtype=float)
        if X.ndim != 2 or X.shape[1] != self.problem.X.shape[1]:
            raise SolveInputError(
                f"X has shape {X.shape}", allowed=f"(m, {self.problem.X.shape[1]})"
            )
        linear = X @ self.directions.T
        if self.problem.constrained and not gated:
            return np.asarray(self.signs * np.maximum(linear, 0.0))
        return np.asarray(self.signs * linear * (self.gates @ X.T > 0).T)

    def predict(self, beta: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Predictions of one network."""
        return np.asarray(self.features(X) @ beta)

    def neurons(self, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights of the two-layer ReLU network of a model."""
        used = np.flatnonzero(beta > 0)
        root = np.sqrt(beta[used])
        return root[:, None] * self.directions[used], self.signs[used] * root

    def value(self, beta: np.ndarray) -> float:
        """Objective of a network, optimal or not."""
        error = self.columns @ beta - self.problem.y
        return 0.5 * float(error @ error) + self.problem.lam * float(beta.sum())
