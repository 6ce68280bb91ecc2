"""Baseline: remove the neuron of smallest weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relu_optima.config.schema.pruning import PruningConfig
from relu_optima.pruning.steps import Steps

if TYPE_CHECKING:
    from relu_optima.optimal_set.model_set import OptimalSet


class Config(PruningConfig):
    """Parameters of pruning by magnitude; it has none of its own."""


def steps(optimal: OptimalSet, config: Config, seed: int) -> Steps:
    """Remove the neuron with the smallest block norm |w_b|, one at a time.

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

    return Steps(remove_by_score(optimal.start, lambda beta: np.square(beta)))
