"""Gradual magnitude pruning (Zhu and Gupta 2017): a cubic path from dense to sparse."""

from __future__ import annotations

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
    """Where the path ends and when."""

    density: float = Field(default=0.1, gt=0, le=1, description="Share of weights at the end.")
    begin_fraction: float = Field(default=0.0, ge=0, le=1, description="Share of steps before.")
    end_fraction: float = Field(default=0.75, ge=0, le=1, description="Share of steps until done.")
    every_steps: int = Field(default=10, ge=1, description="Steps between two cuts.")
    scope: Literal["global", "layer"] = Field(
        default="layer", description="Rank magnitudes over all layers together or in each."
    )


def cubic_sparsity(final: float, done: float) -> float:
    """Evaluate the schedule from 0 to `final`."""
    return final * (1 - (1 - done) ** 3)


class GradualRule(MaskRule):
    """Cut the smallest weights; what is cut stays zero."""

    def __init__(self, config: Config, masks: list[np.ndarray]) -> None:
        if config.end_fraction < config.begin_fraction:
            raise DataError("pruning ends before it begins", where="training.end_fraction")
        super().__init__(masks)
        self.config = config
        self.sizes = [int(m.sum()) for m in masks]
        self.first = self.last = 0.0

    def begin(self, steps_per_epoch: int, epochs: int) -> None:
        """Learn when pruning begins and ends."""
        steps = max(steps_per_epoch * epochs - 1, 0)  # the last cut comes before the last step
        self.first = int(self.config.begin_fraction * steps)
        self.last = int(self.config.end_fraction * steps)

    def before_step(self, step: int, weights: list[torch.Tensor]) -> bool:
        """Cut down to the schedule's density."""
        due = step == self.last or (step - self.first) % self.config.every_steps == 0
        if not self.first <= step <= self.last or not due:
            return False
        done = 1.0 if step == self.last else (step - self.first) / (self.last - self.first)
        keep = 1 - cubic_sparsity(1 - self.config.density, done)
        magnitudes = [np.abs(W.cpu().numpy()) for W in weights]
        if self.config.scope == "layer":
            kept = [
                largest(m, f, max(round(keep * n), 1))
                for m, f, n in zip(magnitudes, self.forward, self.sizes, strict=True)
            ]
        else:
            kept = self._global(magnitudes, round(keep * sum(self.sizes)))
        import torch

        for k, W in enumerate(weights):
            self.forward[k] = kept[k]
            self.trained[k] = kept[k].copy()
            W.masked_fill_(torch.as_tensor(~kept[k], device=W.device), 0.0)
        return True

    def _global(self, magnitudes: list[np.ndarray], count: int) -> list[np.ndarray]:
        """Rank all layers together, but leave each its largest weight."""
        first = [largest(m, f, 1) for m, f in zip(magnitudes, self.forward, strict=True)]
        score = np.concatenate([m.ravel() for m in magnitudes])
        score[np.concatenate([f.ravel() for f in first])] = np.inf
        among = np.concatenate([f.ravel() for f in self.forward])
        chosen = largest(score, among, max(count, len(magnitudes)))
        parts = np.split(chosen, np.cumsum([m.size for m in magnitudes])[:-1])
        return [p.reshape(m.shape) for p, m in zip(parts, magnitudes, strict=True)]


def rule(config: Config, masks: list[np.ndarray], seed: int) -> MaskRule:
    """Start from the pattern itself."""
    return GradualRule(config, masks)
