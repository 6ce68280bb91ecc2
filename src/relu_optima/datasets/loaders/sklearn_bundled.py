"""Data sets that come with scikit-learn: no download."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from relu_optima.config.schema.dataset import DatasetConfig
from relu_optima.datasets.raw import RawData, binary_labels


class Config(DatasetConfig):
    """Which bundled set, and which two of its classes."""

    source: Literal["breast_cancer", "digits", "wine", "iris", "diabetes"] = Field(
        description="scikit-learn's name of the set."
    )
    classes: list[int] = Field(
        default=[0, 1],
        min_length=2,
        max_length=2,
        description="Class coded -1, class coded +1 (not for diabetes).",
    )
    regression: bool = Field(
        default=False, description="Predict the class number as a regression target, standardised."
    )


def load(config: Config) -> RawData:
    """Load a bundled set as a binary or a regression problem.

    Parameters
    ----------
    config : Config
        The group's values.

    Returns
    -------
    RawData
        Two classes coded -1 and +1, or a target with mean 0 and standard deviation 1.

    Raises
    ------
    DataError
        If the classes do not occur.
    """
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{config.source}")()
    X = np.asarray(bunch.data, dtype=float)
    target = np.asarray(bunch.target)
    if config.source == "diabetes" or config.regression:
        values = target.astype(float)
        coding = f"(target - {values.mean():.6g}) / {values.std():.6g}"
        return RawData(X, (values - values.mean()) / values.std(), "regression", coding)
    y = binary_labels(target, config.classes, "dataset.classes")
    names = [str(n) for n in bunch.target_names]
    coding = ", ".join(
        f"{s} = {names[c]}" for s, c in zip(("-1", "+1"), config.classes, strict=True)
    )
    return RawData(X[y != 0], y[y != 0], "binary", coding)
