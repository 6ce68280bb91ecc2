"""Synthetic: arms of a spiral in the plane, one class each, as in published experiments."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData, synthetic_generator


class Config(DatasetConfig):
    """Arms, rows of each, and how far they spread."""

    drawn: ClassVar[str] = "data"

    test_fraction: float = Field(default=0.0, ge=0, lt=1, description="Share kept for testing.")
    standardise: bool = Field(default=False, description="Centre and scale the features.")
    per_class: int = Field(default=20, ge=1, description="Rows of each class.")
    classes: int = Field(default=3, ge=2, le=100, description="Classes, one arm each.")
    noise: float = Field(default=0.15, ge=0, description="Standard deviation of the angle.")

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return self.noise > 0 or super().draws()


def load(config: Config) -> RawData:
    """Draw the arms: radius r on [0, 1/2], angle t on [4 c, 4 c + 4] with noise, class c.

    A row is (r sin t, r cos t), its targets are the indicators of the classes.
    """
    generator = synthetic_generator(config.seed)
    radius = np.linspace(0.0, 0.5, config.per_class)
    arms = []
    for c in range(config.classes):
        turn = np.linspace(4.0 * c, 4.0 * c + 4.0, config.per_class)
        turn = turn + config.noise * generator.standard_normal(config.per_class)
        arms.append(np.column_stack([radius * np.sin(turn), radius * np.cos(turn)]))
    indicators = np.kron(np.eye(config.classes), np.ones((config.per_class, 1)))
    return RawData("spiral", np.vstack(arms), indicators, "classes", "1 for the arm, else 0")
