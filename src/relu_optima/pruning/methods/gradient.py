"""Baseline: remove the neuron of smallest weight times gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relu_optima.pruning.config import PruningConfig
from relu_optima.pruning.steps import Steps

if TYPE_CHECKING:
    from relu_optima.optimal_set.directions import Directions


class Config(PruningConfig):
    """Parameters of pruning by gradient; it has none of its own."""


def steps(network: Directions, config: Config, seed: int) -> Steps:
    """Remove the neuron with the smallest |w_b * grad_b F(w)|, one at a time.

    F is the objective of the convex program without its cones,
    grad_b F = X_b' (fit - y) + lam u_b, taken at the current model. At an optimum it vanishes for
    neurons inside their cone; scores below rounding are ties, broken by magnitude (in mode
    ``published`` rounding decides).
    """
    from relu_optima.pruning.approximate import remove_by_score

    return Steps(remove_by_score(network, lambda beta: _scores(network, beta, config.mode)))


def _scores(network: Directions, beta: np.ndarray, mode: str) -> np.ndarray:
    """Squared norm of weight times gradient of each direction."""
    problem = network.problem
    error = network.columns @ beta - problem.y
    gradient = problem.correlations(error)[network.blocks] + problem.lam * network.directions
    scores = np.square(beta[:, None] * network.directions * gradient).sum(axis=1)
    if mode == "published":
        return np.asarray(scores)
    rounding = (1e-10 * problem.lam * beta) ** 2
    return np.where(scores <= rounding, 0.0, scores)
