"""Synthetic: a ReLU teacher with few neurons, plus noise."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData, synthetic_generator


class Config(DatasetConfig):
    """Size, rank, teacher and noise."""

    drawn: ClassVar[str] = "data"

    n: int = Field(default=200, ge=1, description="Rows, test rows included.")
    d: int = Field(default=10, ge=1, description="Features.")
    rank: int | None = Field(default=None, ge=1, description="Rank of X; None for full rank.")
    neurons: int = Field(default=3, ge=1, description="Hidden neurons of the teacher.")
    noise: float = Field(default=0.1, ge=0, description="Noise level relative to the signal's.")
    binary: bool = Field(default=False, description="Use the sign of the noisy target.")

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return True


def load(config: Config) -> RawData:
    """Draw Gaussian features and the targets of a random ReLU teacher.

    The target is ``sum_j a_j max(x @ u_j, 0)`` with unit ``u_j`` and random signs ``a_j``, scaled
    to standard deviation 1, plus ``noise`` times a standard normal.
    """
    generator = synthetic_generator(config.seed)
    X = generator.standard_normal((config.n, config.d))
    if config.rank is not None and config.rank < config.d:
        basis = generator.standard_normal((config.rank, config.d)) / np.sqrt(config.rank)
        X = generator.standard_normal((config.n, config.rank)) @ basis
    directions = generator.standard_normal((config.neurons, config.d))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    signs = generator.choice([-1.0, 1.0], config.neurons)
    signal = np.maximum(X @ directions.T, 0) @ signs
    scale = max(float(signal.std()), 1e-12)
    y = signal / scale + config.noise * generator.standard_normal(config.n)
    truth = {"teacher_W1": directions, "teacher_w2": signs / scale}
    name = "planted_relu_binary" if config.binary else "planted_relu"
    if config.binary:
        labels, coding = np.where(y > np.median(y), 1.0, -1.0), "+1 = above the median"
        return RawData(name, X, labels, "binary", coding, extra=truth)
    coding = "teacher's output, unit variance before noise"
    return RawData(name, X, y, "regression", coding, extra=truth)
