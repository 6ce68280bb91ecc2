"""Structured pruning: whole inputs and whole hidden neurons are removed, the rest is dense."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from relu_optima.patterns.config import MAX_WIDTH, PatternConfig


class Config(PatternConfig):
    """Layer widths and what is kept.

    Attributes
    ----------
    n_in, n_hidden, n_out : int
        Layer widths.
    keep : float
        Share of inputs and of hidden neurons that is kept, rounded up.
    seed : int
        Seed of the draw.
    """

    n_in: int = Field(ge=1, le=MAX_WIDTH, description="inputs")
    n_hidden: int = Field(ge=1, le=MAX_WIDTH, description="hidden neurons")
    n_out: int = Field(ge=1, le=MAX_WIDTH, description="outputs")
    keep: float = Field(default=0.5, gt=0, le=1, description="share of channels kept")
    seed: int = Field(default=0, ge=0, description="seed of the draw")


def masks(config: Config) -> list[np.ndarray]:
    """Draw the masks: dense on the kept channels."""
    rng = np.random.default_rng(config.seed)
    kept = []
    for size in (config.n_in, config.n_hidden):
        channel = np.zeros(size, np.uint8)
        channel[rng.permutation(size)[: int(np.ceil(config.keep * size))]] = 1
        kept.append(channel)
    inputs, hidden = kept
    return [np.outer(hidden, inputs), np.outer(np.ones(config.n_out, np.uint8), hidden)]
