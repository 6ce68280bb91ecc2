"""Block-diagonal layers: independent small dense networks side by side."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from relu_optima.patterns.config import MAX_WIDTH, PatternConfig


class Config(PatternConfig):
    """Number and shape of the blocks.

    Attributes
    ----------
    blocks : int
        Number of blocks.
    block_in, block_hidden, block_out : int
        Inputs, hidden neurons and outputs of one block.
    """

    blocks: int = Field(ge=1, le=MAX_WIDTH, description="number of diagonal blocks")
    block_in: int = Field(default=2, ge=1, le=1000, description="inputs of a block")
    block_hidden: int = Field(default=2, ge=1, le=1000, description="hidden neurons of a block")
    block_out: int = Field(default=2, ge=1, le=1000, description="outputs of a block")


def masks(config: Config) -> list[np.ndarray]:
    """Make the masks: ones on the diagonal blocks."""
    eye = np.eye(config.blocks, dtype=np.uint8)
    first = np.ones((config.block_hidden, config.block_in), np.uint8)
    second = np.ones((config.block_out, config.block_hidden), np.uint8)
    return [np.kron(eye, first), np.kron(eye, second)]
