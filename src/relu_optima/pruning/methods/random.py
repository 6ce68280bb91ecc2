"""Baseline: remove neurons in random order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relu_optima.pruning.config import PruningConfig
from relu_optima.pruning.steps import Steps

if TYPE_CHECKING:
    from relu_optima.optimal_set.directions import Directions


class Config(PruningConfig):
    """Parameters of random pruning; it has none of its own."""

    def draws(self) -> bool:
        """Tell whether a run depends on its seed."""
        return True


def steps(network: Directions, config: Config, seed: int) -> Steps:
    """Remove neurons in a random order, one at a time."""
    from relu_optima.pruning.approximate import remove_by_score

    rank = np.random.default_rng(seed).permutation(network.start.size).astype(float)
    return Steps(remove_by_score(network, lambda _: rank))
