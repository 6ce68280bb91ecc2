"""Synthetic: small integers, where coincidences that Gaussian data do not have are common."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData, synthetic_generator


class Config(DatasetConfig):
    """Sizes, and how far the integers reach."""

    drawn: ClassVar[str] = "data"

    standardise: bool = Field(default=False, description="Centre and scale the features.")
    test_fraction: float = Field(default=0.0, ge=0, lt=1, description="Share kept for testing.")
    n: int = Field(default=6, ge=2, description="Rows.")
    d: int = Field(default=2, ge=1, description="Features.")
    reach: int = Field(default=2, ge=1, description="Features are integers from -reach to reach.")
    target_reach: int = Field(default=3, ge=1, description="The same for the targets.")

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return True


def load(config: Config) -> RawData:
    """Draw features and targets independently and uniformly; rows of zeros are drawn again."""
    generator = synthetic_generator(config.seed)

    def draw(reach: int, shape: tuple[int, ...]) -> np.ndarray:
        return generator.integers(-reach, reach, shape, endpoint=True).astype(float)

    X = draw(config.reach, (config.n, config.d))
    while (empty := ~X.any(axis=1)).any():
        X[empty] = draw(config.reach, (int(empty.sum()), config.d))
    y = draw(config.target_reach, (config.n,))
    return RawData("lattice", X, y, "regression", "uniform integers")
