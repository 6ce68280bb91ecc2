"""The distinct hyperplanes of a data set in its row space, and the weights that rows put on them.

A neuron (x'u)_+ changes its form only at the hyperplane of x, so rows that are multiples of one
another act as one. With unit normals b_j and x_i = c_i b_j for the rows of hyperplane j,

    sum_i n_i (x_i'u)_+ = sum_j A_j (b_j'u)_+ + B_j (-b_j'u)_+ ,

A_j = sum over c_i > 0 of c_i n_i and B_j = sum over c_i < 0 of -c_i n_i.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from relu_optima.convex.products import row_norms

RANK_TOL = 1e-10  # singular value, relative to the largest, below which a direction is no data
SAME = 1e-12  # distance of unit normals below which two hyperplanes are one


@dataclass(frozen=True)
class Hyperplanes:
    """Distinct hyperplanes {u : b_j'u = 0} of the rows of X.

    Attributes
    ----------
    basis : array, shape (r, d)
        Orthonormal basis of the row space.
    normals : array, shape (m, r)
        Unit normals; in the plane their angles are in [0, pi) and grow.
    member : array of int, shape (n,)
        Hyperplane of each row, -1 for a zero row.
    length : array, shape (n,)
        c_i, negative where the row points against the normal.
    slack : array, shape (n,)
        |x_i - c_i b_j|: rounding, and what merging and the rank tolerance leave out.
    """

    basis: np.ndarray
    normals: np.ndarray
    member: np.ndarray
    length: np.ndarray
    slack: np.ndarray

    @property
    def rank(self) -> int:
        """Dimension of the row space."""
        return len(self.basis)

    def weights(self, N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return A and B, shape (m, K), for the weights N of the rows."""
        pushed = np.abs(self.length)[:, None] * N
        out = []
        for side in (self.length > 0, self.length < 0):
            place, part = self.member[side], pushed[side]
            sums = [np.bincount(place, column, len(self.normals)) for column in part.T]
            out.append(np.ascontiguousarray(np.column_stack(sums)))
        return out[0], out[1]

    # -- arcs of the plane: arc c begins at crossing c, that of hyperplane c or, again, c - m

    @cached_property
    def crossings(self) -> np.ndarray:
        """Angles at which u comes upon a hyperplane, ascending, over one turn and its end."""
        angles = np.arctan2(self.normals[:, 1], self.normals[:, 0])
        half = 0.5 * np.pi
        return np.concatenate([angles - half, angles + half, angles[:1] + 3.0 * half])

    @cached_property
    def ends(self) -> np.ndarray:
        """Unit vectors of the crossings, that of the first once more."""
        x, y = self.normals.T
        upward = np.column_stack([y, -x])
        return np.vstack([upward, -upward, upward[:1]])

    def arcs_of(self, points: np.ndarray) -> np.ndarray:
        """Return the arc of each point, shape (2, g)."""
        crossings = self.crossings
        angles = np.arctan2(points[1], points[0])
        angles = np.where(angles < crossings[0], angles + 2.0 * np.pi, angles)
        return np.asarray(np.searchsorted(crossings[:-1], angles, side="right") - 1)


def hyperplanes(X: np.ndarray) -> Hyperplanes:
    """Find the row space and the distinct hyperplanes of data."""
    n, d = X.shape
    lengths = row_norms(X)
    used = lengths.nonzero()[0]
    member, signed = np.full(n, -1), np.zeros(n)
    if not used.size:
        return Hyperplanes(np.zeros((0, d)), np.zeros((0, 0)), member, signed, lengths)
    unit = X[used] / lengths[used][:, None]
    triangle = np.linalg.qr(unit, mode="r") if len(unit) > d else unit
    _, values, Vt = np.linalg.svd(triangle, full_matrices=False)
    basis = np.ascontiguousarray(Vt[values > RANK_TOL * values[0]])
    flat = unit @ basis.T
    flat /= row_norms(flat)[:, None]
    first, place, sign = _distinct(flat)
    normals = flat[first]
    if len(basis) == 2:
        flip = np.where((normals[:, 1] < 0) | ((normals[:, 1] == 0) & (normals[:, 0] < 0)), -1, 1)
        normals = flip[:, None] * normals
        order = np.argsort(np.arctan2(normals[:, 1], normals[:, 0]), kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(order.size)
        normals, place, sign = normals[order], rank[place], sign * flip[place]
    member[used] = place
    signed[used] = sign * lengths[used]
    slack = np.zeros(n)
    slack[used] = row_norms(X[used] - signed[used][:, None] * (normals[place] @ basis))
    return Hyperplanes(basis, np.ascontiguousarray(normals), member, signed, slack)


def _distinct(unit: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Group unit vectors that agree up to their sign: first of each, group and sign of all."""
    probe = np.sqrt(np.arange(2, 2 + unit.shape[1]))  # close vectors have close products with it
    key = np.abs(unit @ probe) / np.linalg.norm(probe)
    order = np.argsort(key, kind="stable")
    cuts = np.flatnonzero(np.diff(key[order]) > SAME) + 1
    starts = np.concatenate([[0], cuts, [order.size]])
    leader, sign = np.arange(len(unit)), np.ones(len(unit))
    for run in np.flatnonzero(np.diff(starts) > 1):
        left = np.sort(order[starts[run] : starts[run + 1]])
        while left.size > 1:
            inner = unit[left] @ unit[left[0]]
            facing = np.where(inner < 0, -1.0, 1.0)
            near = row_norms(facing[:, None] * unit[left] - unit[left[0]]) <= SAME
            near[0] = True
            leader[left[near]], sign[left[near]] = left[0], facing[near]
            left = left[~near]
    first, group = np.unique(leader, return_inverse=True)
    return first, group, sign
