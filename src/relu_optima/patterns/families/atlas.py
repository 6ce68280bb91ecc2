"""One class of the atlas of small patterns, by its number."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from relu_optima.errors import DataError
from relu_optima.patterns.classes import atlas_sizes, class_masks, pattern_classes
from relu_optima.patterns.config import PatternConfig

SIDE = 3


class Config(PatternConfig):
    """Size and number of the class.

    Attributes
    ----------
    n_out, n_in : int
        Outputs and inputs, all used; 0 for both: classes of all sizes up to 3 x 3, one size
        after the other.
    n_hidden : int
        Hidden neurons.
    index : int
        Number of the class in `relu_optima.patterns.pattern_classes`, or among all sizes.
    """

    n_out: int = Field(ge=0, le=SIDE, description="outputs; 0: all sizes")
    n_in: int = Field(ge=0, le=SIDE, description="inputs; 0: all sizes")
    n_hidden: int = Field(ge=1, le=4, description="hidden neurons")
    index: int = Field(ge=0, description="number of the class, from 0")


def masks(config: Config) -> list[np.ndarray]:
    """Make the masks of the class representative."""
    if (config.n_out == 0) != (config.n_in == 0):
        raise DataError("only one of n_out and n_in is 0", where="pattern.n_out, pattern.n_in")
    sizes = [(config.n_out, config.n_in)] if config.n_out else atlas_sizes(SIDE)
    index = config.index
    for m, n in sizes:
        classes = pattern_classes(m, n, config.n_hidden)
        if index < len(classes):
            return class_masks(classes[index], m, n)
        index -= len(classes)
    raise DataError(
        f"there are {config.index - index} classes", where="pattern.index", allowed="from 0"
    )
