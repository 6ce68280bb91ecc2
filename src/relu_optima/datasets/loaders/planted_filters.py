"""Synthetic: signals and the outputs of a convolution with average pooling."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData, synthetic_generator
from relu_optima.errors import DataError


class Config(DatasetConfig):
    """Signals, filters and noise; a row is a signal, whose order standardising would disturb."""

    drawn: ClassVar[str] = "data"

    test_fraction: float = Field(default=0.0, ge=0, lt=1, description="Share kept for testing.")
    standardise: Literal[False] = Field(default=False, description="Would disturb the signals.")
    bias: Literal[False] = Field(default=False, description="Would lengthen the signals.")
    n: int = Field(default=40, ge=1, description="Signals, test signals included.")
    length: int = Field(default=20, ge=1, description="Length of a signal.")
    outputs: int = Field(default=3, ge=1, le=1000, description="Outputs.")
    filters: int = Field(default=4, ge=1, description="Filters of the teacher.")
    filter_size: int = Field(default=2, ge=1, description="Length of its filters.")
    noise: float = Field(default=0.05, ge=0, description="Standard deviation of added noise.")

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return True


def load(config: Config) -> RawData:
    """Draw white signals; average the ReLU of all windows of each filter, mix, add noise."""
    if config.filter_size > config.length:
        raise DataError(
            f"filters of length {config.filter_size} on signals of length {config.length}",
            where="dataset.filter_size",
            allowed=f"at most {config.length}",
        )
    generator = synthetic_generator(config.seed)
    X = generator.standard_normal((config.n, config.length))
    U = generator.standard_normal((config.filters, config.filter_size))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    V = generator.standard_normal((config.filters, config.outputs))
    windows = np.lib.stride_tricks.sliding_window_view(X, config.filter_size, axis=1)
    Y = np.maximum(windows @ U.T, 0.0).mean(axis=1) @ V
    Y = Y + config.noise * generator.standard_normal(Y.shape)
    truth = {"teacher_filters": U, "teacher_W2": V}
    return RawData(
        "planted_filters", X, Y, "regression", "teacher's outputs and noise", extra=truth
    )
