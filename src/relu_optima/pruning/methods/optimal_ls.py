"""Exact pruning to a vertex, then least-squares continuation down to one neuron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from relu_optima.config.schema.pruning import PruningConfig
from relu_optima.pruning.steps import Steps

if TYPE_CHECKING:
    from relu_optima.optimal_set.model_set import OptimalSet


class Config(PruningConfig):
    """Parameters of exact pruning with least-squares continuation."""

    rule: Literal["max", "magnitude"] = Field(
        default="max", description="how a null vector of the exact phase is chosen"
    )


def steps(optimal: OptimalSet, config: Config, seed: int) -> Steps:
    """Prune exactly, then approximately ("Optimal/LS" of Mishkin and Pilanci 2023).

    Parameters
    ----------
    optimal : OptimalSet
        The optimal set and its starting point.
    config : Config
        Choice rule of the exact phase.
    seed : int
        Not used: the method is deterministic.

    Returns
    -------
    Steps
        Models from the start to a single neuron.
    """
    from relu_optima.pruning.approximate import continue_least_squares
    from relu_optima.pruning.exact import reduce_exactly

    exact = reduce_exactly(optimal.body.columns, optimal.start, config.rule)
    rest = continue_least_squares(optimal.body.columns, exact[-1])
    return Steps(np.concatenate([exact, rest[1:]]))
