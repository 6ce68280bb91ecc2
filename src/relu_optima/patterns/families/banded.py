"""Banded square layers: each neuron sees its neighbours only."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from relu_optima.patterns.config import MAX_WIDTH, PatternConfig


class Config(PatternConfig):
    """Size and bandwidth.

    Attributes
    ----------
    n : int
        Number of inputs, hidden neurons and outputs.
    lower, upper : int
        Number of diagonals kept below and above the main one, in every layer.
    layers : int
        Number of layers.
    """

    n: int = Field(ge=1, le=MAX_WIDTH, description="inputs = hidden neurons = outputs")
    lower: int = Field(default=1, ge=0, le=MAX_WIDTH, description="diagonals below the main one")
    upper: int = Field(default=1, ge=0, le=MAX_WIDTH, description="diagonals above the main one")
    layers: int = Field(default=2, ge=1, le=100, description="number of layers")


def masks(config: Config) -> list[np.ndarray]:
    """Make the masks: entry (i, j) is kept if -upper <= i - j <= lower."""
    index = np.arange(config.n)
    offset = index[:, None] - index[None, :]
    band = ((offset <= config.lower) & (offset >= -config.upper)).astype(np.uint8)
    return [band.copy() for _ in range(config.layers)]
