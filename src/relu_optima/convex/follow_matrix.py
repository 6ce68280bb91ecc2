r"""The matrix of a gated program's corrector, K = I + sum_b c_b X_b X_b', factorised.

Two ways give H with H'H = K^-1, which is all that the corrector needs. With few active blocks K is
the identity and a few columns Z = [sqrt(c_b) X_b], and S = I + Z'Z = R R' is small:

.. math:: H v = \begin{bmatrix} v - Z t \\ t \end{bmatrix}, \qquad S t = Z^\top v .

With many, K is assembled by a Hadamard product with X X' and H is the inverse of its Cholesky
factor. Both are in single precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import blas, lapack


@dataclass(frozen=True)
class ByRows:
    """Cholesky factor of K.

    Attributes
    ----------
    factor : array of float32, shape (n, n)
        Lower triangle, by columns.
    """

    factor: np.ndarray

    def whiten(self, vectors: np.ndarray) -> np.ndarray:
        """Return H v for every column."""
        if vectors.shape[1] == 1:  # the routine for many takes four times as long
            return np.asarray(blas.strsv(self.factor, vectors[:, 0], lower=1))[:, None]
        return np.asarray(blas.strsm(1.0, self.factor, vectors, lower=1, overwrite_b=1))

    def back(self, whitened: np.ndarray) -> np.ndarray:
        """Return K^-1 v, given H v."""
        return np.asarray(blas.strsv(self.factor, whitened, lower=1, trans=1))


@dataclass(frozen=True)
class ByColumns:
    """Columns of K - I, and the Cholesky factor of I + Z'Z.

    Attributes
    ----------
    columns : array of float32, shape (n, p)
        Z, by columns.
    factor : array of float32, shape (p, p)
        Lower triangle, by columns.
    """

    columns: np.ndarray
    factor: np.ndarray

    def whiten(self, vectors: np.ndarray) -> np.ndarray:
        """Return H v for every column."""
        if not self.columns.shape[1]:  # K = I; the routine takes no empty matrix
            return vectors
        inner, _ = lapack.spotrs(self.factor, self.columns.T @ vectors, lower=1)
        return np.concatenate([(vectors - self.columns @ inner).T, inner.T], axis=1).T

    def back(self, whitened: np.ndarray) -> np.ndarray:
        """Return K^-1 v, given H v."""
        return whitened[: len(self.columns)]


def factorise(
    X: np.ndarray, gram: Callable[[], np.ndarray], masks: np.ndarray, c: np.ndarray
) -> ByRows | ByColumns | None:
    """Factorise I + sum_b c_b X_b X_b' in the cheaper of the two ways."""
    n, d = X.shape
    count = len(c)
    if not count:
        return ByColumns(np.zeros((n, 0), np.float32), np.zeros((0, 0), np.float32))
    p = count * d
    # solutions are wanted for about two vectors a block
    by_columns = n * p**2 + p**3 / 3 + 2 * count * (4 * n * p + 2 * p**2)
    by_rows = n**2 * (count + 4) + n**3 / 3 + 2 * count * n**2
    rows = masks * np.sqrt(c)[:, None]
    if by_columns < by_rows:
        columns = (rows[:, None, :] * X.T).reshape(p, n).T
        matrix = blas.ssyrk(1.0, columns, trans=1, lower=1)
    else:
        matrix = blas.ssyrk(1.0, rows.T, lower=1)
        matrix *= gram().T  # symmetric; this way both are stored by columns
    matrix.ravel(order="K")[:: len(matrix) + 1] += np.float32(1.0)
    factor, info = lapack.spotrf(matrix, lower=1, overwrite_a=1, clean=0)
    if info != 0:
        return None
    return ByColumns(columns, factor) if by_columns < by_rows else ByRows(factor)
