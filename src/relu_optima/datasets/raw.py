"""Raw data as a loader returns them, and their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from relu_optima.errors import DataError


@dataclass(frozen=True)
class RawData:
    """Data before subsampling, split and standardisation.

    Attributes
    ----------
    name : str
        Name for tables; no two different sources share one.
    X : array, shape (n, d)
        Features.
    y : array, shape (n,) or (n, c)
        Targets; labels of binary problems are -1 and +1.
    task : {"binary", "regression", "classes"}
        Kind of problem; ``classes`` has an indicator of each class in a column of its own.
    label_coding : str
        What -1 and +1 mean, or the unit of the target.
    X_test, y_test : arrays, optional
        An official test split; then none is drawn.
    extra : mapping of str to array
        Ground truth of synthetic data (``target_matrix``, teacher weights), stored beside the data.
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    task: Literal["binary", "regression", "classes"]
    label_coding: str
    X_test: np.ndarray | None = None
    y_test: np.ndarray | None = None
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)

    def digest(self) -> str:
        """Hash all arrays.

        Returns
        -------
        str
            SHA-256 in hexadecimal.
        """
        parts = [self.X, self.y, self.X_test, self.y_test]
        return array_digest(*(p for p in parts if p is not None))


def array_digest(*arrays: np.ndarray) -> str:
    """Hash arrays by shape and float64 little-endian content.

    Parameters
    ----------
    *arrays : array
        What to hash, in order.

    Returns
    -------
    str
        SHA-256 in hexadecimal; -0.0 and 0.0 agree.
    """
    value = hashlib.sha256()
    for array in arrays:
        content = np.ascontiguousarray(array, dtype="<f8") + 0.0
        value.update(repr(content.shape).encode())
        value.update(content.tobytes())
    return value.hexdigest()


def synthetic_generator(seed: int) -> np.random.Generator:
    """Return the generator of synthetic data, independent of the one that draws the split."""
    return np.random.default_rng([seed, 1])


def binary_labels(target: np.ndarray, classes: list[int], where: str) -> np.ndarray:
    """Code two classes as -1 and +1."""
    present = sorted({int(v) for v in target})
    if len(classes) != 2 or classes[0] == classes[1] or not set(classes) <= set(present):
        raise DataError(
            f"{classes} are not two different classes of the data",
            where=where,
            allowed=f"two of {present}",
        )
    return np.where(target == classes[0], -1.0, np.where(target == classes[1], 1.0, 0.0))
