"""RigL (Evci et al. 2020): the smallest weights make room for those with the largest gradient."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from relu_optima.errors import DataError
from relu_optima.training.density import largest
from relu_optima.training.methods._sparse import RandomRule, SparseConfig
from relu_optima.training.rule import MaskRule

if TYPE_CHECKING:
    import torch


class Config(SparseConfig):
    """How many weights move and when."""

    drop_fraction: float = Field(
        default=0.3, ge=0, le=1, description="Share that moves at first; it falls as a cosine."
    )
    every_steps: int = Field(default=10, ge=1, description="Steps between two moves.")
    stop_fraction: float = Field(
        default=0.75, ge=0, le=1, description="Share of all steps after which masks are fixed."
    )


class RigLRule(RandomRule):
    """Drop by magnitude, grow by the dense gradient of one batch, in place of that batch's step."""

    def __init__(self, config: Config, masks: list[np.ndarray], seed: int) -> None:
        super().__init__(config, masks, seed)
        self.config = config
        self.last = 0.0

    def begin(self, steps_per_epoch: int, epochs: int) -> None:
        """Learn when masks become fixed; that must not be before the first move."""
        steps = steps_per_epoch * epochs
        self.last = self.config.stop_fraction * steps
        if self.last <= self.config.every_steps:
            raise DataError(
                f"RigL would never move a weight: the first move is due at step "
                f"{self.config.every_steps}, masks are fixed from step {self.last:g} of {steps} on",
                where="training.every_steps",
                allowed=f"fewer than {self.last:g} steps",
                fix="set training.every_steps lower, or training.epochs higher",
            )

    def share(self, step: int) -> float:
        """Evaluate the schedule ``α/2 (1 + cos(π t / T))``."""
        return self.config.drop_fraction / 2 * (1 + math.cos(math.pi * step / self.last))

    def wants_gradient(self, step: int) -> bool:
        """Tell whether masks move at this step."""
        return 0 < step < self.last and step % self.config.every_steps == 0

    def use_gradient(
        self, step: int, weights: list[torch.Tensor], gradient: list[torch.Tensor]
    ) -> None:
        """Move weights; places that were just emptied may be filled again, as in the paper."""
        for k, (W, G) in enumerate(zip(weights, gradient, strict=True)):
            active = self.forward[k]
            moving = int(self.share(step) * self.counts[k])
            kept = largest(np.abs(W.cpu().numpy()), active, self.counts[k] - moving)
            grown = largest(np.abs(G.cpu().numpy()), self.allowed[k] & ~kept, moving)
            self.replace(k, kept, grown, W, 0.0)


def rule(config: Config, masks: list[np.ndarray], seed: int) -> MaskRule:
    """Start from a random mask."""
    return RigLRule(config, masks, seed)
