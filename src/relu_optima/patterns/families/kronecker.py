"""Kronecker-sparse factors I_a (x) ones(b, c) (x) I_d: butterflies, Monarch and their relatives.

A chain of two is *chainable* (Le, Zheng, Riccietti, Gribonval, arXiv 2411.04506) where the product
support is again of this form; then its set of products is closed.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from relu_optima.errors import DataError
from relu_optima.patterns.config import MAX_WIDTH, PatternConfig


class Config(PatternConfig):
    """The factors.

    Attributes
    ----------
    factors : list of (int, int, int, int)
        a, b, c, d of each layer, first layer first: a b d outputs, a c d inputs.
    """

    factors: list[tuple[int, int, int, int]] = Field(
        min_length=1, description="(a, b, c, d) of each layer I_a x ones(b, c) x I_d, first first"
    )


def masks(config: Config) -> list[np.ndarray]:
    """Make the factors."""
    out = []
    for number, (a, b, c, d) in enumerate(config.factors):
        sides = a * b * d, a * c * d
        if min(a, b, c, d) < 1 or max(sides) > MAX_WIDTH:
            raise DataError(
                f"factor {number + 1} is {(a, b, c, d)}",
                where="pattern.factors",
                allowed=f"four positive integers, sides up to {MAX_WIDTH}",
            )
        i, j = np.arange(sides[0])[:, None], np.arange(sides[1])
        same = (i // (b * d) == j // (c * d)) & (i % d == j % d)
        out.append(same.astype(np.uint8))
    return out
