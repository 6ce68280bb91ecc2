"""Dense layers: the pattern without sparsity, of any depth."""

from __future__ import annotations

import itertools

import numpy as np
from pydantic import Field

from relu_optima.errors import DataError
from relu_optima.patterns.config import MAX_WIDTH, PatternConfig


class Config(PatternConfig):
    """Layer widths.

    Attributes
    ----------
    n_in, n_out : int
        Inputs and outputs; 0 takes them from the data set a network is trained on.
    n_hidden : int
        Width of each hidden layer.
    hidden_layers : int
        Number of hidden layers.
    """

    n_in: int = Field(default=0, ge=0, le=MAX_WIDTH, description="inputs; 0: as in the data")
    n_hidden: int = Field(ge=1, le=MAX_WIDTH, description="neurons in each hidden layer")
    n_out: int = Field(default=0, ge=0, le=MAX_WIDTH, description="outputs; 0: as in the data")
    hidden_layers: int = Field(default=1, ge=0, le=100, description="number of hidden layers")


def masks(config: Config) -> list[np.ndarray]:
    """Make the masks: all ones."""
    for key in ("n_in", "n_out"):
        if getattr(config, key) == 0:
            raise DataError(
                "0 means `as in the data`, but there is no data set here",
                where=f"pattern.{key}",
                allowed="an integer >= 1",
                fix=f"set pattern.{key}",
            )
    widths = [config.n_in, *[config.n_hidden] * config.hidden_layers, config.n_out]
    return [np.ones((a, b), np.uint8) for b, a in itertools.pairwise(widths)]
