"""Synthetic: whitened features, X Xᵀ = I, where the global optimum is known in closed form."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData, synthetic_generator
from relu_optima.errors import DataError


class Config(DatasetConfig):
    """Size and targets; nothing that would undo the whitening."""

    drawn: ClassVar[str] = "data"

    test_fraction: float = Field(
        default=0.0, ge=0, le=0, description="All rows train; only they are orthonormal."
    )
    standardise: Literal[False] = Field(default=False, description="Would undo the whitening.")
    bias: Literal[False] = Field(default=False, description="Would undo the whitening.")
    n: int = Field(default=4, ge=1, description="Rows; ignored if targets are given.")
    d: int = Field(default=6, ge=1, description="Features, at least as many as rows.")
    targets: list[float] | None = Field(
        default=None, min_length=1, description="Targets; None draws standard normal ones."
    )

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return True


def load(config: Config) -> RawData:
    """Draw n orthonormal rows and their targets.

    With ``y₊ = max(y, 0)`` and ``y₋ = max(-y, 0)`` the optimum of
    ``½‖Σ_j (X u_j)₊ a_j - y‖² + λ Σ_j ‖u_j‖|a_j|`` is
    ``½‖y‖² - ½(‖y₊‖ - λ)₊² - ½(‖y₋‖ - λ)₊²``, reached by two neurons.
    """
    generator = synthetic_generator(config.seed)
    n = config.n if config.targets is None else len(config.targets)
    if config.d < n:
        raise DataError(
            f"{n} rows in {config.d} dimensions cannot be orthonormal",
            where="dataset.d",
            allowed=f"at least {n}",
        )
    q, r = np.linalg.qr(generator.standard_normal((config.d, n)))
    X = (q * np.sign(np.diag(r))).T
    y = np.asarray(config.targets, float) if config.targets else generator.standard_normal(n)
    return RawData("whitened", X, y, "regression", "as given" if config.targets else "N(0, 1)")
