"""Synthetic: one feature, where optima are linear splines and can be drawn."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData, synthetic_generator
from relu_optima.errors import DataError


class Config(DatasetConfig):
    """Given points, or a noisy function on [-1, 1]."""

    drawn: ClassVar[str] = "data"

    standardise: bool = Field(default=False, description="Centre and scale the feature.")
    bias: bool = Field(default=True, description="Append a column of ones (it is penalised).")
    test_fraction: float = Field(default=0.0, ge=0, lt=1, description="Share kept for testing.")
    x: list[float] | None = Field(default=None, min_length=2, description="Given inputs.")
    y: list[float] | None = Field(default=None, min_length=2, description="Given targets.")
    n: int = Field(default=20, ge=2, description="Rows drawn if no inputs are given.")
    function: Literal["sine", "absolute", "step", "sawtooth", "ramps"] = Field(
        default="sine", description="Noiseless target if no targets are given."
    )
    ramps: int = Field(default=5, ge=1, description="Neurons of function ramps.")
    labels: bool = Field(default=False, description="Keep the signs -1 and +1 of drawn targets.")
    noise: float = Field(default=0.1, ge=0, description="Standard deviation of added noise.")

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return self.x is None or super().draws()


def load(config: Config) -> RawData:
    """Return the given points, or draw sorted uniform inputs on [-1, 1].

    Targets: ``sin(π x)``, ``|x|``, ``sign(x)``, ``2 frac(x) - 1``, or the network with a skip
    connection ``sum_j c_j (s_j (x - t_j))_+ + a x + b`` of random kinks, sides and weights, plus
    Gaussian noise; of targets that are to be labels the signs.
    """
    if (config.x is None) != (config.y is None):
        raise DataError("x and y go together", where="dataset.x, dataset.y")
    if config.x is not None and config.y is not None:
        if len(config.x) != len(config.y):
            raise DataError(
                f"{len(config.x)} inputs and {len(config.y)} targets",
                where="dataset.x, dataset.y",
            )
        X = np.asarray(config.x, float)[:, None]
        y = np.asarray(config.y, float)
        return RawData("one_dimensional_given", X, y, "regression", "as given")
    generator = synthetic_generator(config.seed)
    x = np.sort(generator.uniform(-1, 1, config.n))
    if config.function == "ramps":
        clean = _ramps(x, config.ramps, generator)
    else:
        clean = {
            "sine": np.sin(np.pi * x),
            "absolute": np.abs(x),
            "step": np.sign(x),
            "sawtooth": 2 * (x - np.floor(x)) - 1,
        }[config.function]
    y = clean + config.noise * generator.standard_normal(config.n)
    name = f"one_dimensional_{config.function}"
    if config.labels:
        y = np.where(y >= 0, 1.0, -1.0)
        return RawData(f"{name}_labels", x[:, None], y, "binary", f"sign of {config.function}")
    return RawData(name, x[:, None], y, "regression", f"{config.function} plus noise")


def _ramps(x: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Evaluate a random network of one input with a skip connection."""
    kinks = generator.uniform(-1, 1, count)
    sides = generator.choice([-1.0, 1.0], count)
    weights = generator.normal(0, 2, count)
    slope, constant = generator.standard_normal(2)
    hidden = np.maximum(sides * (x[:, None] - kinks), 0.0)
    return np.asarray(hidden @ weights + slope * x + constant)
