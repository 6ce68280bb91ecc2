"""N:M sparsity with SR-STE (Zhou et al. 2021): N of every M consecutive inputs of a neuron."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from relu_optima.errors import DataError
from relu_optima.training.config import TrainingConfig
from relu_optima.training.rule import MaskRule

if TYPE_CHECKING:
    import torch


class Config(TrainingConfig):
    """Group size, and the pull on weights that are not in use."""

    keep: int = Field(default=2, ge=1, description="N: weights kept in each group.")
    group: int = Field(default=4, ge=1, description="M: consecutive inputs that form a group.")
    refinement: float = Field(
        default=2e-4, ge=0, description="SR-STE: extra decay of weights outside the mask."
    )


def n_m_mask(W: np.ndarray, keep: int, group: int) -> np.ndarray:
    """Choose the N largest of every M consecutive inputs."""
    rows, columns = W.shape
    padded = -(-columns // group) * group
    score = np.full((rows, padded), -np.inf)
    score[:, :columns] = np.abs(W)
    order = np.argsort(-score.reshape(rows, -1, group), axis=2, kind="stable")
    chosen = np.zeros(order.shape, bool)
    np.put_along_axis(chosen, order[:, :, :keep], True, axis=2)
    return np.ascontiguousarray(chosen.reshape(rows, padded)[:, :columns])


class NmRule(MaskRule):
    """Dense weights behind an N:M mask; gradients pass straight through to all of them."""

    stores_dense = True

    def __init__(self, config: Config, masks: list[np.ndarray]) -> None:
        if config.keep > config.group:
            raise DataError(f"{config.keep} of {config.group} weights", where="training.keep")
        if not all(m.all() for m in masks):
            raise DataError(
                "method n_m chooses its own mask, the pattern must be dense",
                where="pattern, training.method",
                fix="set pattern=dense",
            )
        super().__init__(masks)
        self.config = config

    def start(self, weights: list[torch.Tensor]) -> None:
        """Choose the mask by the initial weights."""
        self.forward = [
            n_m_mask(W.cpu().numpy(), self.config.keep, self.config.group) for W in weights
        ]

    def before_step(self, step: int, weights: list[torch.Tensor]) -> bool:
        """Choose the mask anew, at every step."""
        before = self.forward
        self.start(weights)
        return not all(np.array_equal(a, b) for a, b in zip(before, self.forward, strict=True))

    def penalty(self) -> list[np.ndarray] | None:
        """Return the extra decay of weights outside the mask."""
        if self.config.refinement == 0:
            return None
        return [self.config.refinement * ~m for m in self.forward]


def rule(config: Config, masks: list[np.ndarray], seed: int) -> MaskRule:
    """Start from dense weights."""
    return NmRule(config, masks)
