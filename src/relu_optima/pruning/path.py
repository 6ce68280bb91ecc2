"""The networks that a pruning method passes through, with their exact values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from relu_optima.errors import SolveInputError
from relu_optima.optimal_set.directions import Directions
from relu_optima.optimal_set.model_set import OptimalSet
from relu_optima.optimal_set.scores import scores
from relu_optima.pruning.steps import Steps

OBJECTIVE_TOL = 1e-8  # relative change of the objective up to which a model counts as optimal


@dataclass(frozen=True)
class PruningPath:
    """A pruning path from one optimal network.

    Attributes
    ----------
    method : str
        Name of the pruning method.
    optimal : OptimalSet
        The optimal set: what the path is measured against.
    network : Directions
        Neurons whose coefficients change: those of the optimal set, or in mode ``published`` the
        solver's own.
    steps : Steps
        Coefficients of every model, the start first.
    """

    method: str
    optimal: OptimalSet
    network: Directions
    steps: Steps

    @property
    def betas(self) -> np.ndarray:
        """Coefficients of every model, shape (T, k)."""
        return self.steps.betas

    @property
    def status(self) -> str:
        """``ok``, or the word of an integer program that hit its limit."""
        return self.steps.status

    @property
    def lower_bound(self) -> int | None:
        """Proven lower bound of the size of any optimal model, if the method has one."""
        return self.steps.lower_bound

    @cached_property
    def n_neurons(self) -> np.ndarray:
        """Number of neurons of every model, shape (T,)."""
        return np.asarray((self.betas > self.network.negligible).sum(axis=1))

    @cached_property
    def objective(self) -> np.ndarray:
        """Objective 0.5 |f - y|^2 + lam sum(beta) of every model, shape (T,)."""
        return np.array([self.network.value(beta) for beta in self.betas])

    @cached_property
    def penalty(self) -> np.ndarray:
        """Sum of the coefficients of every model, shape (T,)."""
        return np.asarray(self.betas.sum(axis=1))

    @cached_property
    def fit_change(self) -> np.ndarray:
        """Distance |f - fit| / |fit| of every model from the optimal fit, shape (T,)."""
        fit = self.optimal.fit
        change = self.betas @ self.network.columns.T - fit
        return np.asarray(np.linalg.norm(change, axis=1) / max(float(np.linalg.norm(fit)), 1e-300))

    @cached_property
    def is_optimal(self) -> np.ndarray:
        """Whether the objective of a model is that of the start to 1e-8 relative, shape (T,).

        In mode ``exact`` the start is optimal to rounding, so these models are optimal.
        """
        best = float(self.objective[0])
        return np.asarray(np.abs(self.objective - best) <= OBJECTIVE_TOL * max(best, 1e-300))

    @property
    def last_exact(self) -> int:
        """Position of the last model that is still optimal."""
        return int(np.flatnonzero(self.is_optimal)[-1])

    @cached_property
    def n_exact(self) -> int:
        """Fewest neurons reached while the model is still optimal."""
        return int(self.n_neurons[self.is_optimal].min())

    def neurons(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Weights of the largest network on the path with at most a given number of neurons.

        Parameters
        ----------
        size : int
            Number of neurons.

        Returns
        -------
        W1 : array, shape (p, d)
            First layer.
        w2 : array, shape (p,)
            Second layer.

        Raises
        ------
        SolveInputError
            If every network on the path is larger.
        """
        small = np.flatnonzero(self.n_neurons <= size)
        if not small.size:
            raise SolveInputError(
                f"the path has no network with at most {size} neurons",
                allowed=f"{int(self.n_neurons.min())} or more",
            )
        return self.network.neurons(self.betas[small[0]])

    def scores(
        self, X: np.ndarray, y: np.ndarray, part: str, *, binary: bool
    ) -> dict[str, np.ndarray]:
        """Score every model on data.

        Parameters
        ----------
        X : array, shape (m, d)
            Inputs.
        y : array, shape (m,)
            Targets; -1 and +1 if ``binary``.
        part : str
            Prefix of the names, ``train`` or ``test``.
        binary : bool
            Whether to report the accuracy too.

        Returns
        -------
        dict of str to array, shape (T,)
            ``<part>_mse`` and, for binary targets, ``<part>_accuracy``; nothing without data.
        """
        predictions = self.betas @ self.network.features(X).T
        return scores(list(predictions), y, part, binary=binary)
