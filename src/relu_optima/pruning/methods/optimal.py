"""Exact pruning: down to a vertex of the optimal set, the objective unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, field_validator

from relu_optima.pruning.config import PruningConfig
from relu_optima.pruning.steps import Steps

if TYPE_CHECKING:
    from relu_optima.optimal_set.model_set import OptimalSet


class Config(PruningConfig):
    """Parameters of exact pruning."""

    rule: Literal["max", "magnitude", "lp"] = Field(
        default="max",
        description="how a null vector is chosen; lp jumps to a vertex of least random cost",
    )

    @field_validator("mode")
    @classmethod
    def _exact_only(cls, mode: str) -> str:
        """Refuse a start that is not the optimal set this method moves in."""
        if mode != "exact":
            raise ValueError("this method moves in the optimal set: use exact")
        return mode

    def draws(self) -> bool:
        """Tell whether a run depends on its seed."""
        return self.rule == "lp"


def steps(optimal: OptimalSet, config: Config, seed: int) -> Steps:
    """Prune exactly (Mishkin and Pilanci 2023, Algorithm 1)."""
    from relu_optima.pruning.exact import reduce_exactly

    if config.rule == "lp":
        cost = np.random.default_rng(seed).standard_normal(optimal.start.size)
        return Steps(np.array([optimal.start, optimal.optimize(cost)]))
    return Steps(reduce_exactly(optimal.body.columns, optimal.start, config.rule))
