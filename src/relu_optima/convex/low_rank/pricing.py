r"""Exact pricing over all activation patterns of data whose rows span at most three dimensions.

.. math:: h(N) = \max_{\lVert u \rVert \le 1} \lVert N^\top (X u)_+ \rVert

is the dual constraint of the program over all patterns: N is feasible iff h(N) <= lambda (Pilanci
& Ergen 2020; several outputs: Sahiner et al. 2021). The arrangement of n hyperplanes has O(n^(r-1))
cells in rank r (Cover 1965), on each of which h is the length of a linear map; a sweep visits all
of them in O(n) for r = 2 and O(n^2) for r = 3 once the crossings are sorted
(`relu_optima.convex.low_rank.sweep`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.convex.gates import as_finite, as_inputs
from relu_optima.convex.low_rank import sphere, sweep
from relu_optima.convex.low_rank.hyperplanes import SAME, Hyperplanes, hyperplanes
from relu_optima.convex.products import row_norms
from relu_optima.errors import SolveInputError

KEPT = 40_000_000  # crossings of great circles whose order is kept: 200 MB
CHUNK = 2_000_000  # crossings that are sorted at a time
SLAB = 200_000  # outputs of neurons that are evaluated at a time: 1.6 MB
ALIKE = 1e-9  # distance of unit vectors below which two maximisers are one
THROUGH = 1e-11  # |b'u| up to which a maximiser u lies on a hyperplane


@dataclass(frozen=True)
class Price:
    r"""The largest correlation of a neuron with N over all activation patterns.

    Attributes
    ----------
    value : float
        :math:`\lVert N^\top (X u)_+ \rVert` at the first direction: attained, so a lower bound.
    bound : float
        Upper bound on the maximum over all unit vectors: the largest value of the sweep, and what
        rounding in its sums, merged hyperplanes and dropped directions can hide.
    directions : array, shape (k, d)
        Unit vectors: the maximiser, then the other local maxima above the level, largest first.
    values : array, shape (k,)
        Their values.
    exact : bool
        Whether all patterns were visited; `price` has no other way, but its neighbours have.
    """

    value: float
    bound: float
    directions: np.ndarray
    values: np.ndarray
    exact: bool = True


class Pricer:
    """Data of rank at most three, sorted once, to be priced for any number of N.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs whose rows span at most three dimensions, in a space of any dimension.
    planes : Hyperplanes, optional
        Those of X, where they are known.

    Raises
    ------
    SolveInputError
        If X is not a finite non-empty matrix, or its rank is larger than three.
    """

    def __init__(self, X: np.ndarray, planes: Hyperplanes | None = None) -> None:
        self.X = as_inputs(X)
        self.planes = hyperplanes(self.X) if planes is None else planes
        if self.rank > 3:
            raise SolveInputError(
                f"its rank is {self.rank}",
                allowed="rank at most 3: only there can all patterns be swept",
                where="X",
                fix="enumerate the patterns instead (enumerate_patterns, up to its budget), or "
                "reduce the data, e.g. by dataset.pca",
            )
        m = len(self.planes.normals)
        self._chunk = max(1, CHUNK // max(1, m))
        self._fold = int(np.bincount(self.planes.member + 1).max())  # rows of one hyperplane
        self._circles: list[tuple[np.ndarray, np.ndarray, np.ndarray]] | None = None
        if self.rank == 3 and m * m <= KEPT:
            self._circles = [self._sorted(first) for first in range(0, m, self._chunk)]

    @property
    def rank(self) -> int:
        """Dimension that the rows of X span."""
        return self.planes.rank

    def price(self, N: np.ndarray, *, above: float = np.inf, most: int | None = None) -> Price:
        r"""Maximise :math:`\lVert N^\top (X u)_+ \rVert` over unit vectors u.

        Parameters
        ----------
        N : array, shape (n,) or (n, K)
            Weights of the rows.
        above : float, default inf
            Level above which all other local maxima are listed too.
        most : int, optional
            Most directions that are returned.

        Returns
        -------
        Price
            The maximum with its maximiser.

        Raises
        ------
        SolveInputError
            If N is not finite or has another number of rows than X.
        """
        N = self._checked(N)
        if self.rank == 0 or not N.any():
            axis = np.zeros((1, self.X.shape[1]))
            axis[0, 0] = 1.0
            sizes = row_norms(N)
            return Price(0.0, float(self.planes.slack @ sizes), axis, np.zeros(1))
        A, B = self.planes.weights(N)
        level = float(above) ** 2 if above > 0 else 0.0
        listed = {1: self._line, 2: self._circle, 3: self._sphere}[self.rank](A, B, level)
        top, places = listed[0, -1], np.argsort(-listed[1:, -1], kind="stable") + 1
        points = listed[np.concatenate([[0], places])][:, :-1]
        points = _distinct(points, most)
        directions = points @ self.planes.basis
        directions /= row_norms(directions)[:, None]
        some = max(1, SLAB // len(N))
        values = np.concatenate(
            [
                row_norms(np.maximum(directions[k : k + some] @ self.X.T, 0.0) @ N)
                for k in range(0, len(directions), some)
            ]
        )
        return Price(float(values[0]), self._bound(top, A, B, N), directions, values)

    def gates(self, directions: np.ndarray) -> np.ndarray:
        """Return a gate inside each cell whose closure holds one of some directions.

        Parameters
        ----------
        directions : array, shape (k, d)
            Unit vectors of the row space.

        Returns
        -------
        array, shape (d, g)
            Interior points of the cells, one or more for each direction.
        """
        points = directions @ self.planes.basis.T
        if self.rank == 2:
            around = self._arcs_at(points)
        else:
            around = np.array([p for u in points for p in self._cells_at(u)])
        return np.ascontiguousarray((around.reshape(-1, self.rank) @ self.planes.basis).T)

    # -- one sweep for each rank ----------------------------------------------------------------

    def _line(self, A: np.ndarray, B: np.ndarray, level: float) -> np.ndarray:
        """Both directions of a line."""
        ends = np.array([[1.0, 0.0], [-1.0, 0.0]])
        ends[0, 1], ends[1, 1] = float(A[0] @ A[0]), float(B[0] @ B[0])
        ends[:, 0] *= self.planes.normals[0, 0]
        best = ends[int(np.argmax(ends[:, 1]))]
        return np.vstack([best, ends[ends[:, 1] > level]])

    def _circle(self, A: np.ndarray, B: np.ndarray, level: float) -> np.ndarray:
        found = np.empty((4 * len(A) + 1, 3))
        return found[: sweep.sweep_plane(self.planes.normals, A, B, level, found)]

    def _sphere(self, A: np.ndarray, B: np.ndarray, level: float) -> np.ndarray:
        m, parts = len(A), []
        best = np.zeros(4)
        for begin in range(0, m, self._chunk):
            kept = self._circles
            circles = self._sorted(begin) if kept is None else kept[begin // self._chunk]
            capacity = 10_000
            while True:
                found = np.empty((capacity, 4))
                found[0] = best
                count = sphere.sweep_sphere(
                    self.planes.normals, A, B, *circles, begin, level, found
                )
                if count <= capacity:
                    break
                capacity = count
            best = found[0].copy()
            parts.append(found[1:count])
        return np.vstack([best, *parts])

    def _sorted(self, first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sort the crossings of some great circles: order, ties and frames of `sweep_sphere`."""
        b = self.planes.normals
        m = len(b)
        circles = np.arange(first, min(m, first + self._chunk))
        axis = np.eye(3)[np.argmin(np.abs(b[circles]), axis=1)]
        one = np.cross(b[circles], axis)
        one /= row_norms(one)[:, None]
        frames = np.stack([one, np.cross(b[circles], one)], axis=1)
        others = np.arange(m - 1)[None, :] + (np.arange(m - 1)[None, :] >= circles[:, None])
        x, y = frames[:, 0] @ b.T, frames[:, 1] @ b.T
        x, y = (np.take_along_axis(part, others, axis=1) for part in (x, y))
        down = (y < 0) | ((y == 0) & (x < 0))
        angle = np.arctan2(np.where(down, -y, y), np.where(down, -x, x))
        turn = np.argsort(angle, axis=1, kind="stable")
        angle = np.take_along_axis(angle, turn, axis=1)
        gaps = np.diff(angle, axis=1, append=angle[:, :1] + np.pi)
        # begin after the widest gap, so that no tie is cut in two
        start = np.argmax(gaps, axis=1) + 1
        places = np.arange(m - 1)[None, :] + start[:, None]
        wrapped = places >= m - 1
        places %= m - 1
        turn = np.take_along_axis(turn, places, axis=1)
        tied = np.take_along_axis(gaps, places - 1, axis=1) <= SAME
        tied[:, 0] = False
        index = np.take_along_axis(others, turn, axis=1)
        flipped = np.take_along_axis(down, turn, axis=1) != wrapped
        order = np.where(flipped, ~index, index).astype(np.int32)
        return order, tied, np.ascontiguousarray(frames)

    # -- small parts ------------------------------------------------------------------------------

    def _checked(self, N: np.ndarray) -> np.ndarray:
        n = len(self.X)
        allowed = f"({n},) or ({n}, K) finite numbers, one row for each of X"
        array = as_finite(N, "N", np.ndim(N) if np.ndim(N) in (1, 2) else 2, allowed)
        if len(array) != n:
            raise SolveInputError(f"it has shape {array.shape}", allowed=allowed, where="N")
        return array.reshape(n, -1)

    def _bound(self, top: float, A: np.ndarray, B: np.ndarray, N: np.ndarray) -> float:
        """Bound the maximum from above.

        A sum of k terms is wrong by at most about k eps times the sum of their absolute values
        (Higham 2002, section 3.1), a chain of the sweep by that of its 2 m + 32 sums at most.
        """
        m = len(A)
        terms = 2 * m if self.rank == 3 else 2 * m // sweep.BLOCK + 2 * sweep.BLOCK
        total = float((row_norms(A) + row_norms(B)).sum())
        eps = float(np.finfo(float).eps)
        hidden = float(self.planes.slack @ row_norms(N))
        return float(np.sqrt(top)) + eps * (terms + self._fold + 32) * total + hidden

    def _arcs_at(self, points: np.ndarray) -> np.ndarray:
        """Return the middles of the arcs that meet at some unit vectors of the plane."""
        crossings = self.planes.crossings
        arcs = self.planes.arcs_of(points.T)
        first, last = self.planes.ends[arcs], self.planes.ends[arcs + 1]
        at_first = np.abs(points - first).max(axis=1) <= THROUGH
        at_last = np.abs(points - last).max(axis=1) <= THROUGH
        near = np.concatenate([arcs, arcs[at_first] - 1, arcs[at_last] + 1])
        near = np.unique(near % (crossings.size - 1))
        middle = 0.5 * (crossings[near] + crossings[near + 1])
        return np.column_stack([np.cos(middle), np.sin(middle)])

    def _cells_at(self, u: np.ndarray) -> list[np.ndarray]:
        """Return interior points of the cells that meet at a direction."""
        b = self.planes.normals
        values = b @ u
        on = np.abs(values) <= THROUGH
        rest, margin = b[~on], np.abs(values[~on])
        steps = _tangents(b[on], u, self.rank)
        out = []
        for step in steps:
            along = np.abs(rest @ step)
            reach = float((margin / np.maximum(along, 1e-300)).min(initial=1.0))
            out.append(u + 0.5 * reach * step)
        return out


def _tangents(normals: np.ndarray, u: np.ndarray, rank: int) -> list[np.ndarray]:
    """Directions from u into each cell that hyperplanes through u cut out."""
    if not len(normals) or rank == 1:
        return [np.zeros(rank)]
    axis = normals[0] - (normals[0] @ u) * u
    axis /= np.linalg.norm(axis)
    other = np.cross(u, axis)
    turns = np.arctan2(normals @ other, normals @ axis) + 0.5 * np.pi
    turns = np.sort(np.mod(np.concatenate([turns, turns + np.pi]), 2 * np.pi))
    middle = 0.5 * (turns + np.append(turns[1:], turns[0] + 2 * np.pi))
    return [np.cos(t) * axis + np.sin(t) * other for t in middle]


def _distinct(points: np.ndarray, most: int | None) -> np.ndarray:
    """Keep the first of points that are alike, the first few of them."""
    probe = np.sqrt(np.arange(2, 2 + points.shape[1]))  # alike points have products that are near
    key = points @ (probe / np.linalg.norm(probe))
    order = np.argsort(key, kind="stable")
    cuts = np.flatnonzero(np.diff(key[order]) > 2.0 * ALIKE) + 1
    kept = np.ones(len(points), dtype=bool)
    if cuts.size + 1 < len(points):
        for run in np.split(order, cuts):
            for place in np.sort(run):
                if kept[place]:
                    alike = np.abs(points[run] - points[place]).max(axis=1) <= ALIKE
                    kept[run[alike & (run > place)]] = False
    return points[kept][:most]


def price(X: np.ndarray, N: np.ndarray, *, above: float = np.inf) -> Price:
    r"""Maximise :math:`\lVert N^\top (X u)_+ \rVert` over unit vectors, exactly, up to rank three.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs whose rows span at most three dimensions.
    N : array, shape (n,) or (n, K)
        Weights of the rows, e.g. the residual of a network.
    above : float, default inf
        Level above which all other local maxima are listed too.

    Returns
    -------
    Price
        The maximum with its maximiser, and an upper bound that holds in spite of rounding.

    Raises
    ------
    SolveInputError
        If an argument is not finite, shapes disagree, or the rank of X is larger than three.

    References
    ----------
    Ergen and Pilanci (2021), "Convex geometry and duality of over-parameterized neural networks",
    solve the same maximisation by a program for each pattern.
    """
    return Pricer(X).price(N, above=above)
