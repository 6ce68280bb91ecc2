"""SET (Mocanu et al. 2018): after each epoch the smallest weights move to random places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from relu_optima.training.density import largest, random_subset
from relu_optima.training.methods._sparse import RandomRule, SparseConfig
from relu_optima.training.rule import MaskRule

if TYPE_CHECKING:
    import torch


class Config(SparseConfig):
    """How many weights move, how often, and how new ones start."""

    drop_fraction: float = Field(default=0.3, ge=0, le=1, description="Share that moves.")
    every_epochs: int = Field(default=1, ge=1, description="Epochs between two moves.")
    new_scale: float = Field(
        default=0.1, ge=0, description="New weights are N(0, (new_scale * gain)^2 / n_in)."
    )


class SetRule(RandomRule):
    """Drop by magnitude, grow at random, between epochs and not after the last one."""

    def __init__(self, config: Config, masks: list[np.ndarray], seed: int) -> None:
        super().__init__(config, masks, seed)
        self.config = config

    def after_epoch(self, epoch: int, weights: list[torch.Tensor]) -> bool:
        """Move the share ``drop_fraction`` of every layer's weights."""
        if epoch % self.config.every_epochs or epoch >= self.config.epochs:
            return False
        for k, W in enumerate(weights):
            active = self.forward[k]
            moving = int(self.config.drop_fraction * self.counts[k])
            magnitude = np.abs(W.cpu().numpy())
            kept = largest(magnitude, active, self.counts[k] - moving)
            grown = random_subset(self.allowed[k] & ~kept, moving, self.generator)
            deviation = self.config.new_scale * self.config.gain / np.sqrt(W.shape[1])
            self.replace(k, kept, grown, W, deviation * self.generator.standard_normal(moving))
        return True


def rule(config: Config, masks: list[np.ndarray], seed: int) -> MaskRule:
    """Start from a random mask."""
    return SetRule(config, masks, seed)
