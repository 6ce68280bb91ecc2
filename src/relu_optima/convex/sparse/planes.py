"""Sweeps over all supports of at most two inputs at once, each sorted once.

The arrangement of one support lies in a plane, where a cell is an arc. Rows that are multiples of
one another stay apart here: their arcs are empty, and the sweep's sums at the place of a tie are
right whichever comes first.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled
from relu_optima.convex.low_rank import sweep

EPS = float(np.finfo(float).eps)


class Planes:
    """Hyperplanes of many supports of one or two inputs, in the order in which sweeps cross them.

    Parameters
    ----------
    columns : list of array, shape (n, 1) or (n, 2)
        Inputs of each support.
    """

    def __init__(self, columns: list[np.ndarray]) -> None:
        count, n = len(columns), len(columns[0])
        self.columns = columns
        self.normals = np.empty((count, n, 2))
        self.order = np.empty((count, n), dtype=np.int32)
        self.length = np.empty((count, n))
        for s, X in enumerate(columns):
            x, y = X[:, 0], X[:, 1] if X.shape[1] == 2 else np.zeros(n)
            size = np.hypot(x, y)
            down = (y < 0) | ((y == 0) & (x < 0))
            scale = np.where(down, -1.0, 1.0) / np.where(size > 0, size, 1.0)
            x, y = np.where(size > 0, x * scale, 1.0), y * scale
            order = np.argsort(np.arctan2(y, x), kind="stable")
            self.order[s] = order
            self.normals[s, :, 0], self.normals[s, :, 1] = x[order], y[order]
            self.length[s] = np.where(down, -size, size)[order]
        self.lengths = np.abs(self.length)

    def price(
        self, nu: np.ndarray, chosen: np.ndarray, level: float, most: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """List maxima of |nu'(X u)_+| above a level, for some supports.

        Returns
        -------
        bounds : array, shape (k,)
            Upper bound on the maximum of each support, rounding included.
        found : array, shape (k, most, 3)
            Unit vectors and values, largest first; values of 0 fill up.
        """
        n = self.order.shape[1]
        found = np.zeros((len(chosen), most, 3))
        tops = np.zeros(len(chosen))
        room, A, B = np.empty((4 * n + 1, 3)), np.empty((n, 1)), np.empty((n, 1))
        _price_all(
            self.normals, self.order, self.length, nu, chosen, level * level, tops, found,
            room, A, B,
        )  # fmt: skip
        weights = np.abs(nu)[self.order[chosen]]
        total = np.einsum("ij,ij->i", weights, self.lengths[chosen])
        terms = 2 * n / sweep.BLOCK + 2 * sweep.BLOCK + 40
        # sums of `terms` numbers (Higham 2002, section 3.1) of normals that are rounded themselves
        return np.sqrt(tops) + EPS * terms * total, found


@compiled
def _price_all(
    normals: np.ndarray,
    order: np.ndarray,
    length: np.ndarray,
    nu: np.ndarray,
    chosen: np.ndarray,
    level: float,
    tops: np.ndarray,
    found: np.ndarray,
    room: np.ndarray,
    A: np.ndarray,
    B: np.ndarray,
) -> None:
    """Sweep each chosen support and keep the largest maxima."""
    n, most = order.shape[1], found.shape[1]
    for k in range(len(chosen)):
        s = chosen[k]
        for j in range(n):
            weight = length[s, j] * nu[order[s, j]]
            positive = length[s, j] > 0.0
            A[j, 0] = weight if positive else 0.0
            B[j, 0] = 0.0 if positive else -weight
        count = sweep.sweep_plane(normals[s], A, B, level, room)
        tops[k] = room[0, 2]
        if room[0, 2] <= level:
            continue
        for place in range(most):
            best = 0
            for i in range(1, count):
                if room[i, 2] > 0.0 and (best == 0 or room[i, 2] > room[best, 2]):
                    best = i
            if place == 0 and (best == 0 or room[best, 2] < room[0, 2]):
                best = 0
            elif best == 0:
                break
            found[k, place, 0], found[k, place, 1] = room[best, 0], room[best, 1]
            found[k, place, 2] = np.sqrt(room[best, 2])
            if best > 0:
                room[best, 2] = 0.0
