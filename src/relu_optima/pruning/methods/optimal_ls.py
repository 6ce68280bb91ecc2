"""Exact pruning to a vertex, then least-squares continuation down to one neuron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from relu_optima.pruning.config import PruningConfig
from relu_optima.pruning.steps import Steps

if TYPE_CHECKING:
    from relu_optima.optimal_set.directions import Directions


class Config(PruningConfig):
    """Parameters of exact pruning with least-squares continuation."""

    rule: Literal["max", "magnitude"] = Field(
        default="max", description="how a null vector of the exact phase is chosen"
    )


def steps(network: Directions, config: Config, seed: int) -> Steps:
    """Prune exactly, then approximately ("Optimal/LS" of Mishkin and Pilanci 2023).

    In mode ``published`` both phases follow the authors' code, one least-squares solve for each
    neuron and step.
    """
    from relu_optima.pruning.approximate import continue_least_squares
    from relu_optima.pruning.exact import reduce_exactly

    if config.mode == "published":
        from relu_optima.pruning.as_published import prune_as_published

        return Steps(prune_as_published(network.columns, network.start))
    exact = reduce_exactly(network.columns, network.start, config.rule)
    rest = continue_least_squares(network.columns, exact[-1])
    return Steps(np.concatenate([exact, rest[1:]]))
