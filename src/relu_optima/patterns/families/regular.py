"""Row- and column-regular random masks: every neuron of a layer has the same number of weights."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from relu_optima.errors import DataError
from relu_optima.patterns.config import MAX_WIDTH, PatternConfig

SWITCHES_PER_ENTRY = 10


class Config(PatternConfig):
    """Layer widths, degree and seed.

    Attributes
    ----------
    n_in, n_hidden, n_out : int
        Layer widths.
    fan_in : int or None
        Weights of each hidden neuron and of each output.
    density : float or None
        Instead of `fan_in`: share of the weights that each of them keeps, rounded to whole
        weights, at least one.
    seed : int
        Seed of the draw.
    """

    n_in: int = Field(ge=1, le=MAX_WIDTH, description="inputs, at least fan_in")
    n_hidden: int = Field(ge=1, le=MAX_WIDTH, description="hidden neurons, at least fan_in")
    n_out: int = Field(ge=1, le=MAX_WIDTH, description="outputs")
    fan_in: int | None = Field(
        default=None, ge=1, le=MAX_WIDTH, description="weights kept in each row"
    )
    density: float | None = Field(
        default=None, gt=0, le=1, description="share of each row kept, instead of fan_in"
    )
    seed: int = Field(default=0, ge=0, description="seed of the draw")


def masks(config: Config) -> list[np.ndarray]:
    """Draw the masks: rows have equally many ones, column sums differ by at most one.

    A balanced circulant mask is mixed by random switches (a, c), (b, d) -> (a, d), (b, c), which
    keep all row and column sums.
    """
    if (config.fan_in is None) == (config.density is None):
        raise DataError(
            "both or neither are given", where="pattern.fan_in, pattern.density", allowed="one"
        )
    rng = np.random.default_rng(config.seed)
    out = []
    for inputs, outputs in ((config.n_in, config.n_hidden), (config.n_hidden, config.n_out)):
        fan_in = config.fan_in or max(1, round((config.density or 0.0) * inputs))
        if fan_in > inputs:
            raise DataError(
                f"{fan_in} of {inputs} inputs cannot be kept",
                where="pattern.fan_in",
                allowed="at most pattern.n_in and pattern.n_hidden",
            )
        mask = np.zeros((outputs, inputs), np.uint8)
        for i in range(outputs):
            mask[i, (i * fan_in + np.arange(fan_in)) % inputs] = 1
        mask = mask[rng.permutation(outputs)][:, rng.permutation(inputs)]
        _switch(mask, rng)
        out.append(mask)
    return out


def _switch(mask: np.ndarray, rng: np.random.Generator) -> None:
    rows, columns = np.nonzero(mask)
    count = len(rows)
    for x, y in rng.integers(count, size=(SWITCHES_PER_ENTRY * count, 2)):
        a, c, b, d = rows[x], columns[x], rows[y], columns[y]
        if not mask[a, d] and not mask[b, c]:
            mask[a, c] = mask[b, d] = 0
            mask[a, d] = mask[b, c] = 1
            columns[x], columns[y] = d, c
