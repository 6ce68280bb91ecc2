"""X = Y = I: one row for each class, the smallest data on which collapse is beaten."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData


class Config(DatasetConfig):
    """Number of classes."""

    test_fraction: float = Field(default=0.0, ge=0, le=0, description="All rows train.")
    standardise: Literal[False] = Field(default=False, description="Would change the identity.")
    bias: Literal[False] = Field(default=False, description="Would change the identity.")
    classes: int = Field(default=3, ge=1, le=1000, description="Classes, rows and features.")


def load(config: Config) -> RawData:
    """Return the identity as features and as targets."""
    identity = np.eye(config.classes)
    return RawData(f"identity_{config.classes}", identity, identity.copy(), "regression", "one-hot")
