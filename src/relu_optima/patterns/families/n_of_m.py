"""N:M sparsity: of every M consecutive input weights of a neuron, N are kept."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from relu_optima.errors import DataError
from relu_optima.patterns.config import MAX_WIDTH, PatternConfig


class Config(PatternConfig):
    """Layer widths, N, M and seed.

    Attributes
    ----------
    n_in, n_hidden, n_out : int
        Layer widths; `n_in` and `n_hidden` must be multiples of `group`.
    keep, group : int
        N and M.
    seed : int
        Seed of the draw.
    """

    n_in: int = Field(ge=1, le=MAX_WIDTH, description="inputs, a multiple of group")
    n_hidden: int = Field(ge=1, le=MAX_WIDTH, description="hidden neurons, a multiple of group")
    n_out: int = Field(ge=1, le=MAX_WIDTH, description="outputs")
    keep: int = Field(default=2, ge=1, le=64, description="weights kept in each group (N)")
    group: int = Field(default=4, ge=1, le=64, description="consecutive weights in a group (M)")
    seed: int = Field(default=0, ge=0, description="seed of the draw")


def masks(config: Config) -> list[np.ndarray]:
    """Draw the masks: each group keeps N of its M weights, uniformly at random."""
    if config.keep > config.group:
        raise DataError(
            f"{config.keep} of {config.group} cannot be kept",
            where="pattern.keep",
            allowed="at most pattern.group",
        )
    rng = np.random.default_rng(config.seed)
    out = []
    for key, inputs, outputs in (
        ("n_in", config.n_in, config.n_hidden),
        ("n_hidden", config.n_hidden, config.n_out),
    ):
        if inputs % config.group:
            raise DataError(
                f"{inputs} is no multiple of {config.group}",
                where=f"pattern.{key}",
                allowed="multiples of pattern.group",
            )
        scores = rng.random((outputs, inputs // config.group, config.group))
        ranks = scores.argsort(axis=2).argsort(axis=2)
        out.append((ranks < config.keep).astype(np.uint8).reshape(outputs, inputs))
    return out
