"""The pattern's own masks, fixed throughout."""

from __future__ import annotations

import numpy as np

from relu_optima.training.config import TrainingConfig
from relu_optima.training.rule import MaskRule


class Config(TrainingConfig):
    """Nothing beyond the optimiser."""


def rule(config: Config, masks: list[np.ndarray], seed: int) -> MaskRule:
    """Keep the masks as they are."""
    return MaskRule(masks)
