r"""Patches that share filters: a convolutional layer with average pooling as rows that are pooled.

The patches of all samples are stacked as rows of X (N_p x h). A filter u with output weights v
contributes S (X u)_+ v', where row s of S averages over the patches of sample s. Hence

.. math:: \lVert N^\top S (X u)_+ \rVert = \lVert (S^\top N)^\top (X u)_+ \rVert ,

so pricing filters is pricing neurons on the patch rows with weights S'N: exact for filters of
size two and three, with a number of patterns that grows with the patches and not with the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.convex.gates import as_finite
from relu_optima.errors import SolveInputError


@dataclass(frozen=True)
class Pooling:
    """Averages of consecutive rows: ``starts[s]`` is the first row of sample s."""

    starts: np.ndarray
    rows: int

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each sample."""
        return np.diff(np.append(self.starts, self.rows))

    def pool(self, columns: np.ndarray) -> np.ndarray:
        """Return (S F')' for F of shape (m, rows)."""
        if not len(columns):
            return np.zeros((0, len(self.starts)))
        return np.asarray(np.add.reduceat(columns, self.starts, axis=1) / self.sizes)

    def spread(self, N: np.ndarray) -> np.ndarray:
        """Return S'N."""
        return np.repeat(N / self.sizes[:, None], self.sizes, axis=0)


def pooling_of(samples: np.ndarray, n: int, rows: int) -> Pooling:
    """Check which sample each row belongs to: ascending, every sample with a row."""
    owner = np.asarray(samples)
    if (
        owner.shape != (rows,)
        or owner.dtype.kind not in "iu"
        or (np.diff(owner) < 0).any()
        or not np.array_equal(np.unique(owner), np.arange(n))
    ):
        raise SolveInputError(
            f"sample numbers of shape {owner.shape}",
            allowed=f"{rows} ascending whole numbers, each of 0, ..., {n - 1} at least once",
            where="samples",
        )
    return Pooling(np.searchsorted(owner, np.arange(n)), rows)


def signal_patches(signals: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut signals into all windows of a length.

    Parameters
    ----------
    signals : array, shape (n, length)
        One-dimensional signals.
    size : int
        Filter size, 1 to length.

    Returns
    -------
    patches : array, shape (n * (length - size + 1), size)
        Windows, those of a signal one after the other.
    samples : array of int
        Signal of each window.

    Raises
    ------
    SolveInputError
        If the signals are not a finite matrix or the size does not fit.
    """
    signals = as_finite(signals, "signals", 2, "a finite (n, length) array")
    n, length = signals.shape
    if not 1 <= size <= length:
        raise SolveInputError(f"it is {size}", allowed=f"1, ..., {length}", where="size")
    windows = np.lib.stride_tricks.sliding_window_view(signals, size, axis=1)
    count = length - size + 1
    return np.ascontiguousarray(windows.reshape(n * count, size)), np.repeat(np.arange(n), count)
