"""Synthetic: Gaussian rows with a common part, and targets that are noise or a linear function."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData, synthetic_generator


class Config(DatasetConfig):
    """Size, correlation of the rows, and targets."""

    drawn: ClassVar[str] = "data"

    test_fraction: float = Field(default=0.0, ge=0, lt=1, description="Share kept for testing.")
    standardise: bool = Field(default=False, description="Centre and scale the features.")
    n: int = Field(default=50, ge=1, description="Rows, test rows included.")
    d: int = Field(default=10, ge=1, description="Features.")
    correlation: float = Field(
        default=0.0, ge=0, lt=1, description="Expected cosine of two rows in many dimensions."
    )
    target: Literal["noise", "linear"] = Field(
        default="noise", description="Standard normal, or a unit linear function of the features."
    )

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return True


def load(config: Config) -> RawData:
    """Draw rows ``sqrt(c) g + sqrt(1 - c) g_i`` with standard normal vectors g and g_i."""
    generator = synthetic_generator(config.seed)
    common = generator.standard_normal(config.d)
    own = generator.standard_normal((config.n, config.d))
    X = np.sqrt(config.correlation) * common + np.sqrt(1.0 - config.correlation) * own
    if config.target == "noise":
        y, coding = generator.standard_normal(config.n), "N(0, 1)"
        return RawData("gaussian_rows", X, y, "regression", coding)
    weights = generator.standard_normal(config.d)
    weights /= np.linalg.norm(weights)
    extra = {"linear_weights": weights}
    return RawData("gaussian_rows", X, X @ weights, "regression", "X w, |w| = 1", extra=extra)
