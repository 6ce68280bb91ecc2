"""Rows written into the preset: small examples with a known answer."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData, synthetic_generator
from relu_optima.errors import DataError


class Config(DatasetConfig):
    """The rows and their targets."""

    drawn: ClassVar[str] = "data"

    standardise: bool = Field(default=False, description="Centre and scale the features.")
    test_fraction: float = Field(default=0.0, ge=0, lt=1, description="Share kept for testing.")
    rows: list[list[float]] = Field(min_length=1, description="Features, one list for each row.")
    targets: list[float] | list[list[float]] = Field(
        min_length=1, description="One target for each row, or one list of them."
    )
    noise: float = Field(
        default=0.0, ge=0, description="Standard deviation of noise added to the targets."
    )

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return self.noise > 0 or super().draws()


def load(config: Config) -> RawData:
    """Return the given rows, their targets with Gaussian noise if wanted."""
    lengths = sorted({len(row) for row in config.rows})
    if len(lengths) != 1 or lengths[0] == 0:
        raise DataError(f"rows of {lengths} features", where="dataset.rows", allowed="one length")
    if len(config.rows) != len(config.targets):
        raise DataError(
            f"{len(config.rows)} rows and {len(config.targets)} targets",
            where="dataset.rows, dataset.targets",
        )
    widths = sorted({len(t) if isinstance(t, list) else 0 for t in config.targets})
    if len(widths) != 1:
        raise DataError(f"rows of {widths} targets", where="dataset.targets", allowed="one length")
    X = np.asarray(config.rows, dtype=float)
    y = np.asarray(config.targets, dtype=float)
    if config.noise:
        y = y + config.noise * synthetic_generator(config.seed).standard_normal(y.shape)
    return RawData("inline", X, y, "regression", "as given")
