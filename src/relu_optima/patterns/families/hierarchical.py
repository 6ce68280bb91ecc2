"""Hierarchically low-rank matrices: diagonal blocks full, off-diagonal blocks of low rank.

The off-diagonal blocks of every level of a binary tree have a rank each of their own (HODLR). The
nested bases of hierarchically semi-separable (HSS) matrices tie the factors of the levels to each
other, which masks of two layers cannot say; the matrices are among those of this pattern.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from relu_optima.patterns.config import PatternConfig


class Config(PatternConfig):
    """Tree and ranks.

    Attributes
    ----------
    levels : int
        Levels of the binary tree; 2**levels diagonal blocks.
    leaf : int
        Side of a diagonal block.
    rank : int
        Neurons for each off-diagonal block.
    """

    levels: int = Field(ge=1, le=8, description="levels of the tree: 2**levels diagonal blocks")
    leaf: int = Field(ge=1, le=64, description="side of a diagonal block")
    rank: int = Field(ge=1, le=64, description="neurons for each off-diagonal block")


def masks(config: Config) -> list[np.ndarray]:
    """Make the neurons of the diagonal blocks, then those of the levels from fine to coarse."""
    width = config.leaf * 2**config.levels
    place = np.arange(width)
    rows, columns = [], []
    for block in range(2**config.levels):
        inside = place // config.leaf == block
        rows += [inside] * config.leaf
        columns += [inside] * config.leaf
    for level in range(config.levels):
        node = place // (config.leaf * 2**level)
        for number in range(2 ** (config.levels - level)):
            rows += [node == number] * config.rank
            columns += [node == number ^ 1] * config.rank
    return [np.array(columns, np.uint8), np.array(rows, np.uint8).T.copy()]
