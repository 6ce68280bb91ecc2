"""What methods with a random sparse start share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from relu_optima.training.config import TrainingConfig
from relu_optima.training.density import layer_counts, random_subset
from relu_optima.training.rule import MaskRule

if TYPE_CHECKING:
    import torch


class SparseConfig(TrainingConfig):
    """How many of the pattern's weights are kept, and how layers share them."""

    density: float = Field(default=0.1, gt=0, le=1, description="Share of the pattern's weights.")
    distribution: Literal["uniform", "erk"] = Field(
        default="erk", description="Same density everywhere, or in proportion to n_in + n_out."
    )


class RandomRule(MaskRule):
    """A random mask of a given density; base of methods that move it."""

    def __init__(self, config: SparseConfig, masks: list[np.ndarray], seed: int) -> None:
        # a stream of its own: the initial weights are drawn from default seeding
        self.generator = np.random.default_rng([seed, 2])
        self.allowed = [m.astype(bool) for m in masks]
        self.counts = layer_counts(masks, config.density, config.distribution)
        super().__init__(
            [
                random_subset(m, c, self.generator)
                for m, c in zip(self.allowed, self.counts, strict=True)
            ]
        )

    def state(self) -> dict[str, np.ndarray]:
        """Return masks and the state of the random generator."""
        text = json.dumps(self.generator.bit_generator.state).encode()
        return {**super().state(), "generator": np.frombuffer(text, np.uint8)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a checkpoint."""
        super().restore(state)
        self.generator.bit_generator.state = json.loads(state["generator"].tobytes())

    def replace(
        self,
        layer: int,
        kept: np.ndarray,
        grown: np.ndarray,
        weights: torch.Tensor,
        values: np.ndarray | float,
    ) -> None:
        """Take over a layer's new mask and write the weights that changed."""
        import torch

        W = weights.cpu().numpy() * kept
        W[grown] = values
        weights.copy_(torch.as_tensor(W))
        self.fresh[layer] = grown
        self.forward[layer] = kept | grown
        self.trained[layer] = self.forward[layer].copy()
