"""Upper times lower triangular factors: the LU pattern with rows and columns reversed.

This is the order in which the sparse-training experiment of Le, Riccietti and Gribonval 2023
(Example 3.1) lays out its layers: first layer lower, second layer upper triangular.
"""

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
    """Make the masks: W1 lower, W2 upper triangular, diagonals included."""
    full = np.ones((config.n, config.n), np.uint8)
    return [np.tril(full), np.triu(full)]
