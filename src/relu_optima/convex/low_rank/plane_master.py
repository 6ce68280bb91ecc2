r"""The master of column generation for one output and data of rank two: blocks over arcs.

In the plane a cell is an arc between two neighbouring hyperplanes, and the rows that are active on
it are half of all directions, a range in the order of their angles. So are the rows that are active
on two arcs, and with running sums of x x' and y x over the angles every entry of the program's
quadratic is a difference of two numbers: a master costs nothing that grows with the rows. Running
sums are taken in extended precision and rounded once, so that a difference is as good as the sum.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.low_rank import plane_kernels as kernels
from relu_optima.convex.low_rank.hyperplanes import Hyperplanes
from relu_optima.convex.low_rank.oracle import Patterns
from relu_optima.convex.products import row_norms
from relu_optima.convex.shallow import ShallowNetwork

MAX_STEPS = 300  # of one master; 5 to 30 are usual
OPEN = 0.1  # of the worst violation: stationarity of the blocks in use at which those join that
# violate as much; less would grow to lengths that are rounding
GONE = 1e-14  # length, relative to the longest, below which a block is zero but for rounding
CLOSE = 0.01  # stationarity of a block, relative to the gap that is asked of the master
LEAST = 1e-14  # stationarity below which it is rounding


class PlaneMaster:
    """The program over the arcs that have joined, of which those whose block is zero leave.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs of rank two.
    Y : array, shape (n, 1)
        Targets, not all zero.
    planes : Hyperplanes
        Those of X.
    """

    def __init__(self, X: np.ndarray, Y: np.ndarray, planes: Hyperplanes) -> None:
        self.planes = planes
        flat = X @ planes.basis.T
        self._scale_x, self._scale_y = float(np.abs(flat).max()), float(np.abs(Y).max())
        self._sums = _running_sums(flat / self._scale_x, Y[:, 0] / self._scale_y, planes)
        self._ends = planes.ends
        self._arcs = np.zeros(0, dtype=np.int64)
        self._signs = np.zeros(0)
        self._w = np.zeros((0, 2))
        self._state = np.zeros(0, dtype=np.int64)
        self.counts = {"newton": 0}

    def admit(self, offer: Patterns) -> int:
        """Let arcs join, with both signs; returns how many are not there yet."""
        arcs = np.unique(self.planes.arcs_of(self.planes.basis @ offer.gates))
        fresh = np.setdiff1d(arcs, self._arcs)
        for sign in (1.0, -1.0):
            joining = np.setdiff1d(arcs, self._arcs[self._signs == sign])
            self._arcs = np.concatenate([self._arcs, joining])
            self._signs = np.concatenate([self._signs, np.full(joining.size, sign)])
        missing = self._arcs.size - len(self._w)
        self._w = np.vstack([self._w, np.zeros((missing, 2))])
        self._state = np.concatenate([self._state, np.full(missing, kernels.ZERO)])
        return int(fresh.size)

    def solve(self, lam: float, tol: float, deadline: float | None) -> ShallowNetwork:
        """Solve to a relative gap, from the blocks of the last answer."""
        count = self._arcs.size
        if not count:
            return ShallowNetwork(np.zeros((0, self.planes.basis.shape[1])), np.zeros((0, 1)))
        gram, along = np.empty((2 * count, 2 * count)), np.empty(2 * count)
        kernels.gram_of_arcs(self._arcs, self._signs, self._sums, gram, along)
        rays = np.hstack([self._ends[self._arcs], self._ends[self._arcs + 1]])
        strength = lam / self._scale_x / self._scale_y
        goal = max(LEAST, CLOSE * tol)
        self.counts["newton"] += int(
            minimise(gram, along, rays, strength, goal, self._w, self._state)
        )
        self._keep_used()
        U = self._w @ self.planes.basis
        sizes = row_norms(U)
        scale = self._scale_y / self._scale_x
        return ShallowNetwork(U / sizes[:, None], (self._signs * sizes * scale)[:, None])

    def _keep_used(self) -> None:
        """Drop blocks that are zero, and make blocks one that are on the ray between their arcs."""
        period = len(self._ends) - 1
        at_end = {
            ((int(self._arcs[b]) + 1) % period, self._signs[b]): b
            for b in np.flatnonzero(self._state == kernels.HIGH)
        }
        for b in np.flatnonzero(self._state == kernels.LOW):
            other = at_end.get((int(self._arcs[b]), self._signs[b]))
            if other is not None:
                self._w[b] += self._w[other]
                self._state[other] = kernels.ZERO
        used = self._state != kernels.ZERO
        self._arcs, self._signs = self._arcs[used], self._signs[used]
        self._w, self._state = self._w[used], self._state[used]


def minimise(
    gram: np.ndarray,
    along: np.ndarray,
    rays: np.ndarray,
    lam: float,
    goal: float,
    w: np.ndarray,
    state: np.ndarray,
) -> int:
    """Minimise by Newton's method to a stationarity, relative to lambda; return its steps."""
    slope, step, shares = np.zeros_like(w), np.zeros_like(w), np.ones(len(w))
    owner, column = np.empty(w.size, dtype=np.int64), np.empty((w.size, 2))
    held = np.zeros(len(w), dtype=bool)  # blocks that stay on their ray for the next step
    for steps in range(MAX_STEPS):
        g = gram @ w.ravel() - along
        worst, violation = kernels.slopes(g, lam, 0.5 * goal * lam, w, state, rays, held, slope)
        if worst <= max(goal * lam, OPEN * violation):
            if violation <= goal * lam:
                return steps
            move = np.zeros_like(w)
            gain = kernels.join(gram, g, lam, lam + OPEN * violation, state, rays, move)
            w += gain / float(move.ravel() @ gram @ move.ravel()) * move
            held[:] = False
            continue
        count = kernels.columns(w, state, rays, owner, column)
        hessian = np.empty((count, count))
        own, ways = owner[:count], column[:count]
        kernels.curvature(gram, w, lam, own, ways, hessian)
        change = np.linalg.solve(hessian, -np.einsum("ij,ij->i", ways, slope[own]))
        step[:] = 0.0
        np.add.at(step, own, change[:, None] * ways)
        if kernels.hold(w, step, state, rays, held):
            continue
        held[:] = False
        kernels.cuts(w, step, state, rays, shares)
        least = GONE * float(row_norms(w).max())
        if not kernels.advance(
            gram, g, lam, w, state, rays, step, np.sort(shares[shares < 1.0]), least
        ):
            return steps
    return MAX_STEPS


def _running_sums(X: np.ndarray, y: np.ndarray, planes: Hyperplanes) -> np.ndarray:
    """Sums of x x' and y x over two turns of directions, from none of them on."""
    m = len(planes.normals)
    used = planes.member >= 0
    X, y = X[used], y[used]
    place = planes.member[used] + np.where(planes.length[used] < 0, m, 0)
    terms = (X[:, 0] ** 2, X[:, 0] * X[:, 1], X[:, 1] ** 2, X[:, 0] * y, X[:, 1] * y)
    once = np.column_stack([np.bincount(place, term, 2 * m) for term in terms])
    twice = np.cumsum(np.vstack([np.zeros((1, 5)), once, once]), axis=0, dtype=np.longdouble)
    return np.ascontiguousarray(twice, dtype=np.float64)
