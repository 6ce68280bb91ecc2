"""Synthetic: a linear map as the target, the setting in which sparse networks lack an optimum."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData, synthetic_generator
from relu_optima.errors import DataError


class Config(DatasetConfig):
    """The map and its inputs; features are never standardised, which would change the map."""

    drawn: ClassVar[str] = "data"

    test_fraction: float = Field(default=0.0, ge=0, lt=1, description="Share kept for testing.")
    standardise: Literal[False] = Field(default=False, description="Would change the map.")
    bias: Literal[False] = Field(default=False, description="Networks have biases of their own.")
    matrix: Literal["anti_diagonal", "identity", "lower_times_upper", "gaussian", "given"] = Field(
        default="anti_diagonal", description="The map A."
    )
    size: int = Field(default=10, ge=1, description="Rows and columns of A, unless it is given.")
    given: list[list[float]] | None = Field(
        default=None, min_length=1, description="Rows of A, for matrix=given."
    )
    n: int = Field(default=2000, ge=1, description="Data points.")
    inputs: Literal["uniform", "gaussian"] = Field(
        default="uniform", description="Uniform on [-1, 1] or standard normal, independent."
    )
    noise: float = Field(default=0.0, ge=0, description="Standard deviation of added noise.")

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return True


def load(config: Config) -> RawData:
    """Draw inputs x and targets A x.

    ``lower_times_upper`` is ``L U`` with Gaussian triangular factors: attainable by the pattern
    ``lu``, a control for the anti-diagonal matrix, which is a limit of such products only.
    """
    generator = synthetic_generator(config.seed)
    if (config.given is not None) != (config.matrix == "given"):
        raise DataError(
            "rows of a matrix go with matrix=given, and only with it",
            where="dataset.matrix, dataset.given",
        )
    k = config.size
    if config.given is not None:
        if len({len(row) for row in config.given} | {0}) != 2:
            raise DataError("the rows differ in length or are empty", where="dataset.given")
        A = np.asarray(config.given, float)
    elif config.matrix == "anti_diagonal":
        A = np.ascontiguousarray(np.fliplr(np.eye(k)))
    elif config.matrix == "identity":
        A = np.eye(k)
    elif config.matrix == "lower_times_upper":
        lower, upper = np.tril(generator.standard_normal((2, k, k))) / np.sqrt(k)
        A = lower @ upper.T
    else:
        A = generator.standard_normal((k, k)) / np.sqrt(k)
    shape = (config.n, A.shape[1])
    X = generator.uniform(-1, 1, shape)
    if config.inputs == "gaussian":
        X = generator.standard_normal(shape)
    Y = X @ A.T
    if config.noise:
        Y = Y + config.noise * generator.standard_normal(Y.shape)
    name = f"{config.matrix}_{A.shape[0]}x{A.shape[1]}"
    return RawData(name, X, Y, "regression", "A x", extra={"target_matrix": A})
