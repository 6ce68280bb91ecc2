r"""Data whose rows lie on a line: rank-one data, and any with a constant column beside it.

Let x_i = p + c_i a with |a| = 1. A neuron sees w' x_i + b = (w' a) c_i + (w' p + b); its bias is
free, so only w' a matters, and by Cauchy-Schwarz w = (w' a) a has the least norm with it. The
program is therefore that of the numbers c_i, and its networks are lifted by w1 -> w1 a,
b1 -> b1 - w1 a' p. (For X = c a' with p = 0: Ergen and Pilanci, "Convex geometry of two-layer ReLU
networks", AISTATS 2020.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.convex.one_dimensional.network import FreeBiasNetwork
from relu_optima.errors import SolveInputError

ON_LINE = 1e-12  # distance from the line, relative to the largest entry, that is rounding


@dataclass(frozen=True)
class Line:
    """Coordinates of rows along a line.

    Attributes
    ----------
    coordinate : array, shape (n,)
        c_i, in units of length.
    direction : array, shape (d,)
        Unit vector a; its largest entry is positive.
    origin : array, shape (d,)
        Point p of the line at coordinate 0.
    """

    coordinate: np.ndarray
    direction: np.ndarray
    origin: np.ndarray

    def lift(self, network: FreeBiasNetwork) -> FreeBiasNetwork:
        """Turn a network of the coordinate into one of the rows.

        Parameters
        ----------
        network : FreeBiasNetwork
            Network of one input.

        Returns
        -------
        FreeBiasNetwork
            The same function of the rows, with the same penalty.
        """
        shift = float(self.direction @ self.origin)
        return FreeBiasNetwork(
            network.W1 * self.direction, network.b1 - network.W1[:, 0] * shift, network.w2,
            network.b2,
        )  # fmt: skip


def line_through(X: np.ndarray) -> Line:
    """Find the line on which all rows lie.

    Parameters
    ----------
    X : array, shape (n, d) or (n,)
        Rows.

    Returns
    -------
    Line
        For one feature: the feature itself. If all rows are equal the coordinate is 0.

    Raises
    ------
    SolveInputError
        If X is not finite, or a row is further from the line than rounding explains.
    """
    try:
        X = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError):
        raise SolveInputError("it does not hold numbers", where="X") from None
    if X.ndim == 1:
        X = X[:, None]
    if X.ndim != 2 or X.size == 0 or not np.isfinite(X).all():
        raise SolveInputError(
            f"it has shape {X.shape}, or entries that are not finite",
            allowed="finite numbers, shape (n, d), at least one row and column",
            where="X",
        )
    d = X.shape[1]
    if d == 1:
        return Line(X[:, 0].copy(), np.ones(1), np.zeros(1))
    varies = np.ptp(X, axis=0)
    axis = np.zeros(d)
    if np.count_nonzero(varies) <= 1:  # one feature beside constants: nothing is rounded
        k = int(np.argmax(varies))
        axis[k] = 1.0
        return Line(X[:, k].copy(), axis, np.where(varies > 0, 0.0, X[0]))
    far = X - X[0]
    k = int(np.argmax(np.linalg.norm(far, axis=1)))
    axis = far[k] / np.linalg.norm(far[k])
    axis = axis * np.sign(axis[np.argmax(np.abs(axis))])
    origin = X[0] - axis * (axis @ X[0])
    coordinate = X @ axis
    distance = np.abs(X - origin - np.outer(coordinate, axis)).max()
    scale = np.abs(X).max()
    if distance > ON_LINE * scale:
        raise SolveInputError(
            f"a row is {distance:.3g} away from the line through two others",
            allowed=f"rows on one line, to {ON_LINE:g} of the largest entry ({scale:.3g})",
            where="X",
            fix="use a program for data of higher rank",
        )
    return Line(coordinate, axis, origin)
