"""Several CIFAR-10 classes with one-hot targets, from the pair subsets of a data folder."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from relu_optima.datasets.files import ExternalConfig, find
from relu_optima.datasets.loaders.cifar_pair import CLASSES, MAX_SUBSET_BYTES, pixels
from relu_optima.datasets.raw import RawData
from relu_optima.datasets.sources import CIFAR_SUBSETS
from relu_optima.errors import DataError
from relu_optima.npz import read_npz

PER_CLASS = 500  # training images of a class in a subset


class Config(ExternalConfig):
    """Which classes, and how many training images of each."""

    classes: list[int] = Field(
        default=[0, 2, 8], min_length=2, description="Classes, one output each, in this order."
    )
    per_class: int = Field(
        default=400, ge=1, le=PER_CLASS, description="Training images of each class, the first."
    )
    standardise: bool = Field(default=False, description="Centre and scale each pixel as well.")

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return self.max_rows is not None


def load(config: Config) -> RawData:
    """Read the files ``cifar10/cifar10_<a>vs<b>_500_200.npz`` that hold the classes."""
    source = {
        int(c): (name, k) for name in sorted(CIFAR_SUBSETS) for k, c in enumerate(_pair(name))
    }
    missing = [c for c in config.classes if c not in source]
    if missing or len(set(config.classes)) != len(config.classes):
        raise DataError(
            f"{config.classes} are not different classes of the subsets",
            where="dataset.classes",
            allowed=", ".join(map(str, sorted(source))),
        )
    images: dict[str, list[np.ndarray]] = {"train": [], "test": []}
    for c in config.classes:
        name, k = source[c]
        arrays = read_npz(find(config, f"cifar10/{name}", f"sha256:{CIFAR_SUBSETS[name]}"),
                          MAX_SUBSET_BYTES)  # fmt: skip
        for part, found in images.items():
            x, y = arrays[f"x_{part}"].transpose(0, 3, 1, 2), arrays[f"y_{part}"]
            mine = x[y == (-1 if k == 0 else 1)]
            found.append(pixels(mine[: config.per_class] if part == "train" else mine))
    hot = np.eye(len(config.classes))
    X, X_test = (np.vstack(images[part]) for part in ("train", "test"))
    y, y_test = (
        np.repeat(hot, [len(a) for a in images[part]], axis=0) for part in ("train", "test")
    )
    coding = "one-hot: " + ", ".join(CLASSES[c] for c in config.classes)
    name = "cifar10_" + "_".join(map(str, config.classes)) + "_subset"
    return RawData(name, X, y, "classes", coding, X_test, y_test)


def _pair(name: str) -> list[str]:
    """Read the classes off a file name, first the one coded -1."""
    return name.removeprefix("cifar10_").split("_")[0].split("vs")
