"""MNIST, two digits or all ten, 28 x 28 pixels (scikit-learn's 8 x 8 digits are another set)."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from pydantic import Field

from relu_optima.datasets.files import ExternalConfig, obtain
from relu_optima.datasets.raw import RawData, binary_labels
from relu_optima.datasets.sources import MNIST
from relu_optima.errors import DataError

MEAN, DEVIATION = 0.1307, 0.3081  # of all training pixels; the constants of the published code


class Config(ExternalConfig):
    """Which digits; pixels are normalised by the published constants."""

    classes: list[int] = Field(
        default=[2, 6], min_length=2, max_length=2, description="Digit coded -1, digit coded +1."
    )
    one_hot: bool = Field(
        default=False, description="All ten digits, one output for each; `classes` is not read."
    )
    standardise: bool = Field(default=False, description="Centre and scale each pixel as well.")

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return self.max_rows is not None


def load(config: Config) -> RawData:
    """Read the four files of ``mnist/``, downloaded if need be."""
    parts = []
    for prefix in ("train", "t10k"):
        images, labels = (
            _idx(obtain(config, f"mnist/{name}", MNIST[name]))
            for name in (f"{prefix}-images-idx3-ubyte.gz", f"{prefix}-labels-idx1-ubyte.gz")
        )
        pixels = images.reshape(images.shape[0], -1)
        if config.one_hot:
            y = (labels[:, None] == np.arange(10)).astype(float)
        else:
            y = binary_labels(labels, config.classes, "dataset.classes")
            pixels, y = pixels[y != 0], y[y != 0]
        parts.append(((pixels / 255 - MEAN) / DEVIATION, y))
    (X, y), (X_test, y_test) = parts
    if config.one_hot:
        coding = "1 for the digit, else 0"
        return RawData("mnist_one_hot", X, y, "classes", coding, X_test, y_test)
    a, b = config.classes
    coding = f"-1 = {a}, +1 = {b}"
    return RawData(f"mnist_{a}v{b}", X, y, "binary", coding, X_test, y_test)


def _idx(path: Path) -> np.ndarray:
    """Read an array of unsigned bytes in idx format."""
    with gzip.open(path) as stream:
        content = stream.read()
    rank = content[3] if content[:3] == b"\0\0\x08" else 0
    shape = np.frombuffer(content, ">i4", rank, 4)
    values = np.frombuffer(content, np.uint8, -1, 4 + 4 * rank)
    if rank == 0 or values.size != np.prod(shape):
        raise DataError(f"{path.name} is no idx file of bytes", where="dataset")
    return values.reshape(shape)
