"""A random mask, drawn once: uniform or Erdos-Renyi densities, then static training."""

from __future__ import annotations

import numpy as np

from relu_optima.training.methods._sparse import RandomRule, SparseConfig
from relu_optima.training.rule import MaskRule


class Config(SparseConfig):
    """Density and its distribution over layers."""


def rule(config: Config, masks: list[np.ndarray], seed: int) -> MaskRule:
    """Draw the masks.

    Parameters
    ----------
    config : Config
        The group's values.
    masks : list of array of uint8, shape (n_out, n_in)
        Weights that may be used.
    seed : int
        Seed of the network.

    Returns
    -------
    MaskRule
        Fixed random masks.
    """
    return RandomRule(config, masks, seed)
