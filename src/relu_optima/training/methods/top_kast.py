"""Top-KAST (Jayakumar et al. 2020): forward on the largest weights, train a few more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from relu_optima.errors import DataError
from relu_optima.training.config import TrainingConfig
from relu_optima.training.density import largest
from relu_optima.training.rule import MaskRule

if TYPE_CHECKING:
    import torch


class Config(TrainingConfig):
    """Sizes of the forward set A and the backward set B, refresh, exploration penalty."""

    density: float = Field(default=0.1, gt=0, le=1, description="Share of each layer in A.")
    backward_density: float = Field(
        default=0.3, gt=0, le=1, description="Share of each layer in B, which contains A."
    )
    every_steps: int = Field(default=10, ge=1, description="Steps between two choices of A and B.")
    exploration: float = Field(
        default=1e-4, ge=0, description="Penalty: this times rho on A, and rho / density on B - A."
    )
    exploration_norm: Literal["square", "absolute"] = Field(default="square", description="rho.")


class TopKastRule(MaskRule):
    """Layerwise top sets of the dense weights; those outside B are frozen bit for bit."""

    stores_dense = True

    def __init__(self, config: Config, masks: list[np.ndarray]) -> None:
        if config.backward_density < config.density:
            raise DataError(
                f"B is smaller than A: {config.backward_density} < {config.density}",
                where="training.backward_density",
                allowed="at least training.density",
            )
        super().__init__(masks)
        self.config = config
        self.allowed = [m.astype(bool) for m in masks]
        self.penalty_power = 2 if config.exploration_norm == "square" else 1

    def start(self, weights: list[torch.Tensor]) -> None:
        """Choose A and B by the initial weights."""
        for k, (W, allowed) in enumerate(zip(weights, self.allowed, strict=True)):
            magnitude, size = np.abs(W.cpu().numpy()), int(allowed.sum())
            inner = math.ceil(round(self.config.density * size, 9))
            outer = math.ceil(round(self.config.backward_density * size, 9))
            self.forward[k] = largest(magnitude, allowed, inner)
            self.trained[k] = largest(magnitude, allowed, outer)

    def before_step(self, step: int, weights: list[torch.Tensor]) -> bool:
        """Choose A and B anew every ``every_steps`` steps."""
        if step % self.config.every_steps:
            return False
        self.start(weights)
        return True

    def penalty(self) -> list[np.ndarray] | None:
        """Return the coefficients of the exploration penalty's gradient."""
        if self.config.exploration == 0:
            return None
        unit = self.config.exploration * (2.0 if self.penalty_power == 2 else 1.0)
        return [
            unit * (a + (b & ~a) / self.config.density)
            for a, b in zip(self.forward, self.trained, strict=True)
        ]


def rule(config: Config, masks: list[np.ndarray], seed: int) -> MaskRule:
    """Start from dense weights."""
    return TopKastRule(config, masks)
