"""Butterfly factors: the sparse layers of the fast Fourier transform."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from relu_optima.patterns.config import PatternConfig


class Config(PatternConfig):
    """Size of the transform.

    Attributes
    ----------
    factors : int
        Number of layers L; every width is 2**L.
    """

    factors: int = Field(ge=1, le=12, description="number of layers L; widths are 2**L")


def masks(config: Config) -> list[np.ndarray]:
    """Make the masks I (x) ones(2, 2) (x) I."""
    size = 2**config.factors
    index = np.arange(size)
    out = []
    for bit in range(config.factors):
        mask = np.zeros((size, size), np.uint8)
        mask[index, index] = 1
        mask[index, index ^ (1 << bit)] = 1
        out.append(mask)
    return out
