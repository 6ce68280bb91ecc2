"""One class of the atlas of small patterns, by its number."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from relu_optima.config.schema.pattern import PatternConfig
from relu_optima.errors import DataError
from relu_optima.patterns.classes import class_masks, pattern_classes


class Config(PatternConfig):
    """Size and number of the class.

    Attributes
    ----------
    n_out, n_in : int
        Outputs and inputs, all used.
    n_hidden : int
        Hidden neurons.
    index : int
        Number of the class in `relu_optima.patterns.pattern_classes`.
    """

    n_out: int = Field(ge=1, le=3, description="outputs")
    n_in: int = Field(ge=1, le=3, description="inputs")
    n_hidden: int = Field(ge=1, le=4, description="hidden neurons")
    index: int = Field(ge=0, description="number of the class, from 0")


def masks(config: Config) -> list[np.ndarray]:
    """Make the masks of the class representative.

    Parameters
    ----------
    config : Config
        Size and number of the class.

    Returns
    -------
    list of array of uint8, shape (n_out, n_in)
        First layer first.

    Raises
    ------
    DataError
        If there is no class of that number.
    """
    classes = pattern_classes(config.n_out, config.n_in, config.n_hidden)
    if config.index >= len(classes):
        raise DataError(
            f"there are {len(classes)} classes", where="pattern.index", allowed="from 0"
        )
    return class_masks(classes[config.index], config.n_out, config.n_in)
