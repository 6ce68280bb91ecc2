"""Blocks plus low rank: a block-diagonal or Monarch pattern beside dense neurons."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from relu_optima.patterns.config import PatternConfig


class Config(PatternConfig):
    """Blocks and rank.

    Attributes
    ----------
    blocks, side : int
        Number of blocks, and their side; the width is their product.
    rank : int
        Dense neurons beside the blocks.
    spread : bool
        Whether the upper blocks hold entries that lie equally far apart (Monarch) rather than
        neighbours (block-diagonal).
    """

    blocks: int = Field(ge=1, le=128, description="number of blocks")
    side: int = Field(ge=1, le=128, description="side of a block")
    rank: int = Field(ge=0, le=1000, description="dense neurons beside the blocks")
    spread: bool = Field(default=False, description="upper blocks of entries far apart (Monarch)")


def masks(config: Config) -> list[np.ndarray]:
    """Make the lower blocks of neighbours, the upper ones, and the dense neurons."""
    index = np.arange(config.blocks * config.side)
    lower = index[:, None] // config.side == index // config.side
    name = index % config.side if config.spread else index // config.side
    upper = name[:, None] == name
    dense = np.ones((config.rank, len(index)), bool)
    return [
        np.vstack([lower, dense]).astype(np.uint8),
        np.hstack([upper, dense.T]).astype(np.uint8),
    ]
