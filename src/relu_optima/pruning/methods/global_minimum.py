"""The optimal model with the fewest neurons, by mixed-integer programming."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, field_validator

from relu_optima.config.base import operational
from relu_optima.pruning.config import PruningConfig
from relu_optima.pruning.steps import Steps

if TYPE_CHECKING:
    from relu_optima.optimal_set.model_set import OptimalSet


class Config(PruningConfig):
    """Parameters of the integer program."""

    node_limit: int = Field(default=100_000, gt=0, description="branch-and-bound nodes")
    time_limit: float | None = operational(None, gt=0, description="safety net [s]")

    @field_validator("mode")
    @classmethod
    def _exact_only(cls, mode: str) -> str:
        """Refuse a start that is not the optimal set this method moves in."""
        if mode != "exact":
            raise ValueError("this method moves in the optimal set: use exact")
        return mode


def steps(optimal: OptimalSet, config: Config, seed: int) -> Steps:
    """Jump to an optimal model with the fewest neurons."""
    best = optimal.smallest(node_limit=config.node_limit, time_limit=config.time_limit)
    status = "ok" if best.status == "optimal" else best.status
    return Steps(np.array([optimal.start, best.beta]), status, best.lower_bound)
