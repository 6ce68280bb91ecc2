"""Baseline: remove the neuron of smallest weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relu_optima.pruning.config import PruningConfig
from relu_optima.pruning.steps import Steps

if TYPE_CHECKING:
    from relu_optima.optimal_set.directions import Directions


class Config(PruningConfig):
    """Parameters of pruning by magnitude; it has none of its own."""


def steps(network: Directions, config: Config, seed: int) -> Steps:
    """Remove the neuron with the smallest block norm |w_b|, one at a time."""
    from relu_optima.pruning.approximate import remove_by_score

    return Steps(remove_by_score(network, lambda beta: np.square(beta)))
