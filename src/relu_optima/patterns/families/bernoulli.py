"""Random masks with independent entries: the ensemble of the paper's Question 3.2."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from relu_optima.patterns.config import MAX_WIDTH, PatternConfig


class Config(PatternConfig):
    """Layer widths, density and seed.

    Attributes
    ----------
    n_in, n_hidden, n_out : int
        Layer widths.
    p : float
        Probability that an entry is kept, the same in both layers.
    seed : int
        Seed of the draw.
    """

    n_in: int = Field(ge=1, le=MAX_WIDTH, description="inputs")
    n_hidden: int = Field(ge=1, le=MAX_WIDTH, description="hidden neurons")
    n_out: int = Field(ge=1, le=MAX_WIDTH, description="outputs")
    p: float = Field(gt=0, le=1, description="probability that an entry is kept")
    seed: int = Field(default=0, ge=0, description="seed of the draw")


def masks(config: Config) -> list[np.ndarray]:
    """Draw the masks: entries are independent Bernoulli(p).

    A layer that comes out all zero keeps one entry, drawn uniformly.
    """
    rng = np.random.default_rng(config.seed)
    out = []
    for shape in ((config.n_hidden, config.n_in), (config.n_out, config.n_hidden)):
        mask = rng.random(shape) < config.p
        if not mask.any():  # an all-zero layer is no network
            mask.flat[rng.integers(mask.size)] = True
        out.append(mask.astype(np.uint8))
    return out
