"""Lower times upper triangular factors: the standard pattern whose product set is not closed."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from relu_optima.patterns.config import MAX_WIDTH, PatternConfig


class Config(PatternConfig):
    """Size of the pattern.

    Attributes
    ----------
    n : int
        Number of inputs, hidden neurons and outputs.
    """

    n: int = Field(ge=1, le=MAX_WIDTH, description="inputs = hidden neurons = outputs")


def masks(config: Config) -> list[np.ndarray]:
    """Make the masks: W1 upper, W2 lower triangular, diagonals included."""
    full = np.ones((config.n, config.n), np.uint8)
    return [np.triu(full), np.tril(full)]
