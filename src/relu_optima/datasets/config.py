"""Config group ``dataset``: where the data come from and how they are prepared."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from relu_optima.config.base import Group


class DatasetConfig(Group):
    """What every data set has; a loader's ``Config`` adds its own keys."""

    drawn: ClassVar[str] = "data split"  # what `seed` decides, in words

    loader: str = Field(min_length=1, description="Plug-in in datasets/loaders.")
    seed: int = Field(
        default=0,
        ge=0,
        lt=2**32,
        description="Seed of synthetic data, subsampling and split; that of the run unless set.",
    )
    max_rows: int | None = Field(
        default=None, ge=2, description="Keep a random subset of this many rows."
    )
    test_fraction: float = Field(
        default=0.2, ge=0, lt=1, description="Share of rows kept for testing; 0 for none."
    )
    validation_fraction: float = Field(
        default=0.0, ge=0, lt=1, description="Share of the training rows kept for validation."
    )
    validation_seed: int = Field(
        default=0,
        ge=0,
        lt=2**32,
        description="Seed that draws the validation rows; that of the run unless set.",
    )
    standardise: bool = Field(
        default=True, description="Centre and scale features by the training rows."
    )
    standardise_target: bool = Field(
        default=False, description="Centre and scale a regression target by the training rows."
    )
    whiten: Literal["none", "zca_rows"] = Field(
        default="none",
        description="zca_rows: map the features so that the training rows become orthonormal; "
        "they must be linearly independent.",
    )
    bias: bool = Field(default=False, description="Append a column of ones (it is penalised).")
    sha256: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{64}$",
        description="Digest that the raw arrays must have; None to accept any.",
    )

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return self.max_rows is not None or self.test_fraction > 0

    def seeded(self) -> tuple[str, ...]:
        """Name the seeds that follow the run's where nothing sets them."""
        validation = ("validation_seed",) if self.validation_fraction > 0 else ()
        return (("seed",) if self.draws() else ()) + validation
