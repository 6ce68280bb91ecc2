"""Data sets that come with scikit-learn: no download."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData, binary_labels
from relu_optima.errors import DataError

# the UCI collection has another set called breast cancer, and MNIST other digits
NAMES = {"breast_cancer": "breast_cancer_wisconsin", "digits": "digits_8x8"}


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
        default=False, description="Predict the class number as a regression target."
    )
    one_hot: bool = Field(
        default=False, description="Predict indicators of all classes, one output for each."
    )


def load(config: Config) -> RawData:
    """Load a bundled set as a binary or a regression problem."""
    from sklearn import datasets

    # scikit-learn's own scaling of this one set would make the digest depend on the CPU
    options = {"scaled": False} if config.source == "diabetes" else {}
    bunch = getattr(datasets, f"load_{config.source}")(**options)
    X = np.asarray(bunch.data, dtype=float)
    target = np.asarray(bunch.target)
    base = NAMES.get(config.source, config.source)
    if config.one_hot:
        if config.source == "diabetes" or config.regression:
            raise DataError(
                "there are no classes to indicate", where="dataset.one_hot", allowed="false"
            )
        indicators = (target[:, None] == np.unique(target)).astype(float)
        return RawData(f"{base}_one_hot", X, indicators, "classes", "1 for the class, else 0")
    if config.source == "diabetes" or config.regression:
        name = base if config.source == "diabetes" else f"{base}_regression"
        return RawData(name, X, target.astype(float), "regression", "as in the source")
    y = binary_labels(target, config.classes, "dataset.classes")
    names = [str(n) for n in bunch.target_names]
    coding = ", ".join(
        f"{s} = {names[c]}" for s, c in zip(("-1", "+1"), config.classes, strict=True)
    )
    name = base if len(names) == 2 else f"{base}_{config.classes[0]}v{config.classes[1]}"
    return RawData(name, X[y != 0], y[y != 0], "binary", coding)
