"""Synthetic: a ReLU teacher with several outputs, or targets that are noise alone."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData, synthetic_generator


class Config(DatasetConfig):
    """Size, outputs, teacher and noise."""

    drawn: ClassVar[str] = "data"

    test_fraction: float = Field(default=0.0, ge=0, lt=1, description="Share kept for testing.")
    standardise: bool = Field(default=False, description="Centre and scale the features.")
    n: int = Field(default=25, ge=1, description="Rows, test rows included.")
    d: int = Field(default=2, ge=1, description="Features.")
    outputs: int = Field(default=5, ge=1, le=1000, description="Outputs.")
    neurons: int = Field(default=10, ge=0, description="Hidden neurons; 0 for noise alone.")
    noise: float = Field(default=0.1, ge=0, description="Standard deviation of added noise.")

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return True


def load(config: Config) -> RawData:
    """Draw Gaussian features and the outputs of a random teacher plus Gaussian noise.

    The teacher is ``max(X @ U.T, 0) @ V`` with unit rows in U and Gaussian V of variance 1 over
    its number of neurons.
    """
    generator = synthetic_generator(config.seed)
    X = generator.standard_normal((config.n, config.d))
    U = generator.standard_normal((config.neurons, config.d))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    V = generator.standard_normal((config.neurons, config.outputs))
    V /= np.sqrt(max(config.neurons, 1))
    Y = np.maximum(X @ U.T, 0.0) @ V
    Y = Y + config.noise * generator.standard_normal(Y.shape)
    truth = {"teacher_W1": U, "teacher_W2": V}
    return RawData("planted_vector", X, Y, "regression", "teacher's outputs and noise", extra=truth)
