"""Synthetic: orthonormal rows in classes of given sizes, where deep networks have closed forms."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData, synthetic_generator
from relu_optima.errors import DataError


class Config(DatasetConfig):
    """Class sizes and dimension; nothing that would undo the whitening."""

    drawn: ClassVar[str] = "data"

    test_fraction: float = Field(
        default=0.0, ge=0, le=0, description="All rows train; only they are orthonormal."
    )
    standardise: Literal[False] = Field(default=False, description="Would undo the whitening.")
    bias: Literal[False] = Field(default=False, description="Would undo the whitening.")
    class_sizes: list[int] = Field(
        default=[3, 3, 3], min_length=1, description="Rows of each class, at least 1."
    )
    d: int | None = Field(
        default=None, ge=1, description="Features; None takes as many as there are rows."
    )

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return True


def load(config: Config) -> RawData:
    """Draw orthonormal rows, class by class, with one-hot targets.

    Targets have orthogonal columns of norms √n_k, which are their singular values.
    """
    if min(config.class_sizes) < 1:
        raise DataError(
            f"classes of {config.class_sizes} rows",
            where="dataset.class_sizes",
            allowed="at least 1 row each",
        )
    n = sum(config.class_sizes)
    d = n if config.d is None else config.d
    if d < n:
        raise DataError(
            f"{n} rows in {d} dimensions cannot be orthonormal",
            where="dataset.d",
            allowed=f"at least {n}",
        )
    q, r = np.linalg.qr(synthetic_generator(config.seed).standard_normal((d, n)))
    X = (q * np.sign(np.diag(r))).T
    Y = np.repeat(np.eye(len(config.class_sizes)), config.class_sizes, axis=0)
    sizes = "_".join(map(str, config.class_sizes))
    task: Literal["classes", "regression"] = (
        "classes" if len(config.class_sizes) > 1 else "regression"
    )
    return RawData(f"whitened_{sizes}", X, Y, task, "one-hot by class")
