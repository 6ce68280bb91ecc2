r"""Rows that no pattern tells apart, replaced by as many rows as their rank.

If all held patterns agree on a group of rows X_s, a network over these patterns is linear there,
w_s say, and with the triangular factor of [X_s, y_s] (Gram-Schmidt, backward stable for least
squares: Bjorck 1967)

.. math:: \lVert X_s w_s - y_s \rVert^2 = \lVert R_s w_s - q_s \rVert^2 + \rho_s^2 .

P patterns of data of rank r make O(P^(r-1)) groups, however many rows there are.
"""

from __future__ import annotations

import numpy as np


class RowGroups:
    """Rows of X, grouped by a signature of the patterns that have been added.

    Parameters
    ----------
    X : array, shape (n, r)
        Inputs.
    y : array, shape (n,)
        Targets.
    """

    def __init__(self, X: np.ndarray, y: np.ndarray) -> None:
        self.X, self.y = X, y
        self._signature = np.zeros(len(X), dtype=np.uint64)
        self._draw = np.random.default_rng(0)

    def add(self, patterns: np.ndarray) -> None:
        """Tell rows apart by further patterns, shape (n, g).

        Rows that differ get one signature with a probability of 2^-64 for each pair.
        """
        draw = self._draw.integers(0, 2**64, patterns.shape[1], dtype=np.uint64)
        keys = np.atleast_1d(draw)
        for i in range(patterns.shape[1]):
            self._signature[patterns[:, i]] += keys[i]  # modulo 2^64

    def compressed(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return rows and targets of the same least-squares program, and a row of X like each.

        Where that makes them fewer, they are r rows for each group, and a zero row whose target is
        the part of y that no network over the patterns reaches.
        """
        order = np.argsort(self._signature, kind="stable")
        sorted_ = self._signature[order]
        starts = np.concatenate([[0], np.flatnonzero(np.diff(sorted_)) + 1])
        n, r = self.X.shape
        if starts.size * r >= n:
            return self.X, self.y, np.arange(n)
        sizes = np.diff(np.append(starts, n))
        columns = [self.X[order, i] for i in range(r)] + [self.y[order]]
        R = np.zeros((starts.size, r, r + 1))
        for i in range(r):
            length = np.sqrt(np.add.reduceat(columns[i] ** 2, starts))
            R[:, i, i] = length
            unit = columns[i] / np.repeat(np.where(length > 0, length, 1.0), sizes)
            for j in range(i + 1, r + 1):
                R[:, i, j] = np.add.reduceat(unit * columns[j], starts)
                columns[j] = columns[j] - unit * np.repeat(R[:, i, j], sizes)
        rest = float(np.sqrt(np.sum(columns[r] ** 2)))
        rows = np.vstack([R[:, :, :r].reshape(-1, r), np.zeros((1, r))])
        like = np.append(np.repeat(order[starts], r), order[0])
        return rows, np.append(R[:, :, r].ravel(), rest), like
