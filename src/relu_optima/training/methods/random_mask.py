"""A random mask, drawn once: uniform or Erdos-Renyi densities, then static training."""

from __future__ import annotations

import numpy as np

from relu_optima.training.methods._sparse import RandomRule, SparseConfig
from relu_optima.training.rule import MaskRule


class Config(SparseConfig):
    """Density and its distribution over layers."""


def rule(config: Config, masks: list[np.ndarray], seed: int) -> MaskRule:
    """Draw the masks."""
    return RandomRule(config, masks, seed)
