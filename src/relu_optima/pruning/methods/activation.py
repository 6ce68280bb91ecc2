"""Baseline: remove the neuron of smallest activation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relu_optima.pruning.config import PruningConfig
from relu_optima.pruning.steps import Steps

if TYPE_CHECKING:
    from relu_optima.optimal_set.directions import Directions


class Config(PruningConfig):
    """Parameters of pruning by activation; it has none of its own."""


def steps(network: Directions, config: Config, seed: int) -> Steps:
    """Remove the neuron whose contribution |X_b w_b| to the fit is smallest, one at a time."""
    from relu_optima.pruning.approximate import remove_by_score

    lengths = np.linalg.norm(network.columns, axis=0)
    return Steps(remove_by_score(network, lambda beta: np.square(beta * lengths)))
