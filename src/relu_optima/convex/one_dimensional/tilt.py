r"""Spline regression over all tilts: the three regimes of the one-dimensional program.

With the slope changes Delta_k at the interior points, TV = sum |Delta_k| and the sum e of the first
and the last slope, the least sum |w_j| |v_j| over the networks with the values f is

.. math:: R(f) = \tfrac12 (TV + \max(TV, |e|)).

*Proof.* Every neuron is linear between the data on either side of its kink, so on the data it is a
non-negative combination, of the same cost, of ramps that start at data points: to the right of x_k
with weight R_k, to the left with L_k. At interior points R_k + L_k = Delta_k. The ramps at the ends
are linear on the data; with c = R_1 - L_N the first slope is s_1 = c - sum L_k, and the cost is
|c| + sum(|Delta_k - L_k| + |L_k|). Any L_k between 0 and Delta_k costs no more than |Delta_k|, so
-sum L_k takes every value in [-sum Delta^+, -sum Delta^-] at cost TV. Further out a unit of c costs
1 and one of L_k costs 2, so the excess is max(0, s_1 + sum Delta^-, -s_1 - sum Delta^+) =
(|e| - TV)_+ / 2, as e = 2 s_1 + sum Delta_k. (Delta^- = min(Delta, 0).)

Hence R(f) = max over tau in [-1, 1] of (1 - |tau| / 2) TV + tau e / 2. For a given tau the program
is that of `relu_optima.convex.one_dimensional.active_set` with tilt beta tau and the prices
min(beta, beta + beta tau) for rises and min(beta, beta - beta tau) for falls of the slope. Its
value is concave in tau with derivative beta (e - sgn(tau) TV) / 2, so the optimal tau is 0 if
|e| <= TV there (l1 trend filtering), else +-1 if |e| >= TV there, else the root of |e| = TV. For
fixed signed knots the values are affine in tau: the root is found by Newton's method, which ends
on the right piece. (R and its proof are derived here; the finite set of ramps is that of Ergen and
Pilanci, "Convex geometry of two-layer ReLU networks", AISTATS 2020.)
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from relu_optima.convex.one_dimensional.active_set import DONE, ROUNDS, fit_spline
from relu_optima.convex.one_dimensional.kernels import solve_nodes, sum_interval
from relu_optima.convex.one_dimensional.points import Points

TINY = 1e-12  # violation of G, relative to beta, that is rounding: sums of up to 1e6 terms
CHUNK = 64  # rounds between two looks at the clock
CHUNKS = 1000  # looks at the clock; 64000 rounds, of which 100 have been enough
NEWTON_STEPS = 60  # of tau; ten have been enough


class Work:
    """Signed knots of one data set that are improved in place, for one price after the other."""

    def __init__(self, points: Points, offset: float) -> None:
        self.x, self.mass, self.y = points.x, points.mass, points.mean - offset
        size = self.x.size
        self.node, self.sign = np.empty(size, np.int64), np.zeros(size, np.int8)
        self.sums, self.v = np.empty((size, 5)), np.empty(size)
        self.count = 2
        self.node[0], self.node[1] = 0, size - 1
        sum_interval(self.x, self.mass, self.y, 0, size - 1, self.sums[0])
        self.last = np.array([self.mass[-1], self.mass[-1] * self.y[-1]])
        self.counts = np.zeros(3, np.int64)

    def solve(self, beta: float, side: float, slack: float, deadline: float) -> str:
        """Solve for the tilt side * (1 - slack), from the present knots.

        Bending against `side` costs beta * slack. With many steep bends the optimal slack may be
        1e-8 and less, and is needed to full relative precision; so it is kept and not tau.
        """
        prices = (beta, beta * slack) if side >= 0 else (beta * slack, beta)
        for _ in range(CHUNKS):
            self.count, end = fit_spline(
                self.x, self.mass, self.y, self.last,
                *prices, side * beta * (1 - slack), TINY * beta, CHUNK,
                self.node, self.sign, self.count, self.sums, self.v, self.counts,
            )  # fmt: skip
            if end != ROUNDS or time.perf_counter() > deadline:
                break
        return {DONE: "optimal", ROUNDS: "time_limit"}.get(end, "stalled")

    def functionals(self, v: np.ndarray) -> tuple[float, float]:
        """Return the total variation of the slope, by the signs, and the sum of the end slopes."""
        count = self.count
        slopes = np.diff(v[:count]) / np.diff(self.x[self.node[:count]])
        change = float(np.sum(self.sign[1 : count - 1] * np.diff(slopes)))
        return change, float(slopes[0] + slopes[-1])

    def derivative(self, beta: float, side: float) -> tuple[float, float]:
        """Differentiate the functionals by the slack on the present signed knots."""
        count = self.count
        multiplier = np.zeros(count)
        multiplier[0] = -side * beta
        multiplier[1:-1] = np.where(self.sign[1 : count - 1] == -side, -side * beta, 0.0)
        sums = self.sums[: count - 1].copy()
        sums[:, 3:] = 0.0
        v, diagonal, beside = np.empty(count), np.empty(count), np.empty(count)
        last = np.array([self.last[0], 0.0])
        solve_nodes(self.x, self.node, count, sums, last, multiplier, diagonal, beside, v)
        return self.functionals(v)


@dataclass(frozen=True)
class Tilted:
    """Nodes, values at them and the tilt of an optimal spline, with what the search cost."""

    node: np.ndarray
    values: np.ndarray
    tau: float
    status: str
    counts: dict[str, int]


def regress(
    points: Points, beta: float, tol: float, deadline: float = np.inf, work: Work | None = None
) -> Tilted:
    """Find the optimal spline of squared loss over at least two distinct points."""
    offset = float(np.average(points.mean, weights=points.mass))
    work = Work(points, offset) if work is None else work
    work.counts[:] = 0
    status = work.solve(beta, 1.0, 1.0, deadline)
    change, ends = work.functionals(work.v)
    tau, solves = 0.0, 1
    if abs(ends) > change and status != "time_limit":
        side, slack = (1.0 if ends > 0 else -1.0), 1.0
        last_distance = np.inf
        low, high = -np.inf, 1.0  # the ends outweigh the bends at `high`, not at `low`
        for _ in range(NEWTON_STEPS):
            bent, sloped = work.derivative(beta, side)
            lack, growth = side * ends - change, side * sloped - bent
            newton = slack - lack / growth if growth > 0 else -np.inf
            if low == -np.inf:
                slack = max(newton, 0.0)
            else:
                slack = newton if low < newton < high else 0.5 * (low + high)
            before = work.node[: work.count].copy()
            status = work.solve(beta, side, slack, deadline)
            solves += 1
            change, ends = work.functionals(work.v)
            lack = side * ends - change
            distance = 0.5 * (lack * slack if lack > 0 else -lack * (1 - slack))
            settled = newton == slack and np.array_equal(before, work.node[: work.count])
            if distance <= 1e-3 * tol * max(change, abs(ends)) or status == "time_limit":
                break
            if settled and last_distance <= distance:
                break
            last_distance = distance if settled else np.inf
            low, high = (low, slack) if lack > 0 else (slack, high)
        tau = side * (1 - slack)
        if work.count == 2 and slack > 0.0:  # no bend and no slope: the mean, without its rounding
            work.v[:2] = 0.0
    count = work.count
    names = ("rounds", "systems", "strict_rounds")
    counts = dict(zip(names, (int(c) for c in work.counts), strict=True)) | {"tilts": solves}
    return Tilted(work.node[:count].copy(), work.v[:count] + offset, tau, status, counts)
