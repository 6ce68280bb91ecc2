r"""The rectified ellipsoid of data, and neurons as residuals.

In output space the unit neurons of data X fill the rectified ellipsoid {(X u)_+ : |u| <= 1}, whose
convex hull with its mirror image is the unit ball of the convex program (Ergen & Pilanci 2021,
section 3). Where (X u)_+ lies outside the ellipsoid {X u : |u| <= 1} the set has a spike.

Its extreme point along output i, the others switched off, is a neuron that is the residual of x_i
on the cone of the others,

.. math:: \max_{\lVert u \rVert \le 1,\; x_j^\top u \le 0 \; (j \ne i)} x_i^\top u
          = \min_{\mu \ge 0} \Big\lVert x_i - \sum_{j \ne i} \mu_j x_j \Big\rVert

(Lagrange duality; the minimiser's residual, at unit length, is the maximiser), and with a free
bias the mu_j sum to one besides: the distance of x_i from the hull of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.convex.gates import as_inputs
from relu_optima.convex.low_rank.hyperplanes import hyperplanes
from relu_optima.errors import SolveInputError


@dataclass(frozen=True)
class RectifiedEllipsoid:
    """Points of an ellipsoid's boundary and their rectified images, in output space.

    Attributes
    ----------
    ellipsoid : array, shape (k, n)
        X u for unit vectors u of the row space.
    rectified : array, shape (k, n)
        (X u)_+ for the same.
    spikes : array of bool, shape (k,)
        Which rectified points no X u' with unit length or less reaches.
    hull : array of int
        Rectified points that are vertices of the hull of all, the origin included as -1, for two
        or three rows; empty beyond.
    """

    ellipsoid: np.ndarray
    rectified: np.ndarray
    spikes: np.ndarray
    hull: np.ndarray


def rectified_ellipsoid(X: np.ndarray, count: int = 720) -> RectifiedEllipsoid:
    """Sample the rectified ellipsoid of data whose rows span two or three dimensions.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs of rank two (a circle of directions) or three (a Fibonacci sphere of them).
    count : int, default 720
        Directions, at least 8.

    Returns
    -------
    RectifiedEllipsoid
        The points; the hull's vertices are those of the sample.

    Raises
    ------
    SolveInputError
        If X has another rank or the count is too small.
    """
    from scipy.spatial import ConvexHull

    X = as_inputs(X)
    planes = hyperplanes(X)
    if planes.rank not in (2, 3) or count < 8:
        raise SolveInputError(
            f"rank {planes.rank} and {count} directions",
            allowed="rank 2 or 3, and at least 8 directions",
            where="X, count",
        )
    if planes.rank == 2:
        turn = 2.0 * np.pi * np.arange(count) / count
        U = np.column_stack([np.cos(turn), np.sin(turn)])
    else:
        height = 1.0 - (2.0 * np.arange(count) + 1.0) / count
        turn = np.pi * (1.0 + np.sqrt(5.0)) * np.arange(count)
        radius = np.sqrt(1.0 - height**2)
        U = np.column_stack([radius * np.cos(turn), radius * np.sin(turn), height])
    values = X @ planes.basis.T @ U.T
    rectified = np.maximum(values, 0.0)
    reached = np.linalg.lstsq(X, rectified, rcond=1e-10)[0]
    off = np.linalg.norm(X @ reached - rectified, axis=0) > 1e-9 * np.linalg.norm(rectified, axis=0)
    spikes = off | (np.linalg.norm(reached, axis=0) > 1.0 + 1e-9)
    hull = np.zeros(0, dtype=np.int64)
    if len(X) in (2, 3) and planes.rank == len(X):
        hull = ConvexHull(np.vstack([rectified.T, np.zeros(len(X))])).vertices.astype(np.int64)
        hull = np.where(hull == count, -1, hull)
    return RectifiedEllipsoid(values.T, rectified.T, spikes, hull)


def extreme_neuron(X: np.ndarray, row: int, *, bias: bool = False) -> tuple[np.ndarray, float]:
    """Return the unit neuron that is largest on one row and switched off on all others.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    row : int
        The row, 0 to n - 1.
    bias : bool, default False
        Give the neuron an unpenalised bias.

    Returns
    -------
    u : array, shape (d,)
        Input weights of unit length; zero if no neuron separates the row from the others.
    value : float
        Output on the row: the distance of x_i from the cone, or with a bias the hull, of the
        others.

    Raises
    ------
    SolveInputError
        If X is not a finite non-empty matrix or has no such row.
    """
    from scipy.optimize import nnls

    X = as_inputs(X)
    n, d = X.shape
    if not 0 <= row < n:
        raise SolveInputError(f"it is {row}", allowed=f"0 to {n - 1}", where="row")
    others = np.delete(X, row, axis=0)
    if not len(others):
        size = float(np.linalg.norm(X[row]))
        return (np.zeros(d), 0.0) if bias or size == 0.0 else (X[row] / size, size)
    if bias:
        # min |sum_j m_j (x_i - x_j)|, m on the simplex, is least squares with a stiff row of ones:
        # the solution of nnls([Z'; 1'], [0; 1]) is the minimiser up to its length
        Z = (X[row] - others) / max(float(np.abs(X[row] - others).max()), 1e-300)
        weights = nnls(np.vstack([Z.T, np.ones(len(Z))]), np.append(np.zeros(d), 1.0))[0]
        rest = X[row] - (weights / weights.sum()) @ others
    else:
        rest = X[row] - nnls(others.T, X[row])[0] @ others
    value = float(np.linalg.norm(rest))
    if value <= 1e-10 * max(float(np.abs(X).max()), 1e-300):
        return np.zeros(d), 0.0
    return rest / value, value
