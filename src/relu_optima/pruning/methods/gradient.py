"""Baseline: remove the neuron of smallest weight times gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relu_optima.config.schema.pruning import PruningConfig
from relu_optima.pruning.steps import Steps

if TYPE_CHECKING:
    from relu_optima.optimal_set.model_set import OptimalSet


class Config(PruningConfig):
    """Parameters of pruning by gradient; it has none of its own."""


def steps(optimal: OptimalSet, config: Config, seed: int) -> Steps:
    """Remove the neuron with the smallest |w_b * grad_b F(w)|, one at a time.

    F is the objective of the convex program without its cones,
    grad_b F = X_b' (fit - y) + lam u_b, taken at the current model. At an optimum it vanishes for
    neurons inside their cone; scores below rounding are ties, broken by magnitude.

    Parameters
    ----------
    optimal : OptimalSet
        The optimal set and its starting point.
    config : Config
        Parameters.
    seed : int
        Not used: the method is deterministic.

    Returns
    -------
    Steps
        Models from the start to a single neuron.
    """
    from relu_optima.pruning.approximate import remove_by_score

    return Steps(remove_by_score(optimal.start, lambda beta: _scores(optimal, beta)))


def _scores(optimal: OptimalSet, beta: np.ndarray) -> np.ndarray:
    """Squared norm of weight times gradient of each direction."""
    problem = optimal.problem
    blocks = optimal.equicorrelation.blocks[[m[0] for m in optimal.members]]
    error = optimal.body.columns @ beta - problem.y
    gradient = problem.correlations(error)[blocks] + problem.lam * optimal.directions
    scores = np.square(beta[:, None] * optimal.directions * gradient).sum(axis=1)
    rounding = (1e-10 * problem.lam * beta) ** 2
    return np.where(scores <= rounding, 0.0, scores)
