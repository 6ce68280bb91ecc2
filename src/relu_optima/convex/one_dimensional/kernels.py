r"""Compiled kernels of the active-set method for splines: all that touches every point.

A spline is held by its *nodes*: the first and the last point and the knots between them, each a
data point. Between two nodes a < b a point has the local coordinate t = (x - x_a) / (x_b - x_a)
in [0, 1]; the five sums of an interval (of the points a <= j < b) are

.. math:: \sum m (1-t)^2, \; \sum m t (1-t), \; \sum m t^2, \; \sum m y (1-t), \; \sum m y t .

All terms of the first three are non-negative, and so are the coefficients with which two intervals
are joined, so nothing cancels. With them the values v at the nodes solve a tridiagonal system.

The multiplier G (see `relu_optima.convex.one_dimensional.active_set`) is known at the nodes, so
within an interval it is summed from its left end and closed at its right end: rounding does not
travel from one interval to the next.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled

GAIN = 1e-13  # least decrease of the objective, relative to it, that is not taken for rounding


@compiled
def level(sign: int, rise: float, fall: float) -> float:
    """Return the multiplier at a knot: `rise` where the slope grows, -`fall` where it falls."""
    return rise if sign > 0 else -fall


@compiled
def copy_knots(
    node: np.ndarray, sign: np.ndarray, count: int, new_node: np.ndarray, new_sign: np.ndarray
) -> None:
    """Copy signed knots."""
    for k in range(count):
        new_node[k], new_sign[k] = node[k], sign[k]


@compiled
def copy_sums(sums: np.ndarray, count: int, new_sums: np.ndarray) -> None:
    """Copy the sums of intervals."""
    for k in range(count):
        for i in range(5):
            new_sums[k, i] = sums[k, i]


@compiled
def largest(values: np.ndarray, count: int) -> float:
    """Return the largest of the first values, or 0."""
    most = 0.0
    for k in range(count):
        most = max(most, values[k])
    return most


@compiled
def sum_interval(
    x: np.ndarray, mass: np.ndarray, y: np.ndarray, a: int, b: int, out: np.ndarray
) -> None:
    """Sum the points of one interval."""
    start, width = x[a], x[b] - x[a]
    left = mixed = right = target_left = target_right = 0.0
    for j in range(a, b):
        t = (x[j] - start) / width
        u = 1.0 - t
        left += mass[j] * u * u
        mixed += mass[j] * u * t
        right += mass[j] * t * t
        target_left += mass[j] * y[j] * u
        target_right += mass[j] * y[j] * t
    out[0], out[1], out[2], out[3], out[4] = left, mixed, right, target_left, target_right


@compiled
def join_intervals(left: np.ndarray, right: np.ndarray, share: float, out: np.ndarray) -> None:
    """Make the sums of a union; `share` is the left interval's part of its width."""
    a, b, c, p, q = left[0], left[1], left[2], left[3], left[4]
    rest = 1.0 - share
    out[0] = a + 2 * rest * b + rest * rest * (c + right[0])
    out[1] = share * (b + rest * c) + rest * (share * right[0] + right[1])
    out[2] = share * share * (c + right[0]) + 2 * share * right[1] + right[2]
    out[3] = p + rest * (q + right[3])
    out[4] = share * (q + right[3]) + right[4]


@compiled
def solve_nodes(
    x: np.ndarray, node: np.ndarray, count: int, sums: np.ndarray, last: np.ndarray,
    multiplier: np.ndarray, diagonal: np.ndarray, beside: np.ndarray, v: np.ndarray,
) -> float:  # fmt: skip
    """Minimise over the values at the nodes; return the value of the objective, up to a constant.

    `last` holds mass and mass times target of the last point, `multiplier` G at the nodes.
    """
    for k in range(count):
        if k < count - 1:
            diagonal[k], v[k], beside[k] = sums[k, 0], sums[k, 3], sums[k, 1]
        else:
            diagonal[k], v[k] = last[0], last[1]
        if k > 0:
            diagonal[k] += sums[k - 1, 2]
            v[k] += sums[k - 1, 4]
    for k in range(count - 1):
        slope = (multiplier[k + 1] - multiplier[k]) / (x[node[k + 1]] - x[node[k]])
        v[k] -= slope
        v[k + 1] += slope
    value = 0.0
    for k in range(count):
        if k > 0:
            ratio = beside[k - 1] / diagonal[k - 1]
            diagonal[k] -= ratio * beside[k - 1]
            v[k] -= ratio * v[k - 1]
        value -= 0.5 * v[k] * v[k] / diagonal[k]
    v[count - 1] /= diagonal[count - 1]
    for k in range(count - 2, -1, -1):
        v[k] = (v[k] - beside[k] * v[k + 1]) / diagonal[k]
    return value


@compiled
def remove_knots(
    x: np.ndarray, node: np.ndarray, sign: np.ndarray, count: int, sums: np.ndarray,
    removed: np.ndarray, extra: np.ndarray,
) -> int:  # fmt: skip
    """Remove the marked knots and join their intervals; `extra` is a value that moves along."""
    new = 1
    left = np.empty(5)
    for k in range(1, count - 1):
        if removed[k]:
            for i in range(5):
                left[i] = sums[new - 1, i]
            start = x[node[new - 1]]
            share = (x[node[k]] - start) / (x[node[k + 1]] - start)
            join_intervals(left, sums[k], share, sums[new - 1])
        else:
            node[new], sign[new], extra[new] = node[k], sign[k], extra[k]
            for i in range(5):
                sums[new, i] = sums[k, i]
            new += 1
    node[new], sign[new], extra[new] = node[count - 1], 0, extra[count - 1]
    return new + 1


@compiled
def mark_wrong(
    x: np.ndarray, node: np.ndarray, sign: np.ndarray, count: int, v: np.ndarray,
    removed: np.ndarray,
) -> int:  # fmt: skip
    """Mark the knots whose slope change does not have their sign; return how many there are."""
    wrong = 0
    before = (v[1] - v[0]) / (x[node[1]] - x[node[0]])
    for k in range(1, count - 1):
        after = (v[k + 1] - v[k]) / (x[node[k + 1]] - x[node[k]])
        removed[k] = (after - before) * sign[k] <= 0.0
        wrong += removed[k]
        before = after
    return wrong


@compiled
def price_interval(
    x: np.ndarray, mass: np.ndarray, y: np.ndarray, a: int, b: int, va: float, vb: float,
    ga: float, gb: float, rise: float, fall: float,
) -> tuple[float, int, float, int]:  # fmt: skip
    """Find where G leaves [-fall, rise] most between two nodes, above and below."""
    start, width = x[a], x[b] - x[a]
    slope = (vb - va) / width
    moment = 0.0
    for j in range(a + 1, b):
        residual = mass[j] * (y[j] - (va + slope * (x[j] - start)))
        moment += residual * (x[b] - x[j])
    step = (gb - ga - moment) / width
    g, above, below, high, low = ga, -1.0, -1.0, -1, -1
    for k in range(a + 1, b):
        g += (x[k] - x[k - 1]) * step
        if g - rise > above:
            above, high = g - rise, k
        if -fall - g > below:
            below, low = -fall - g, k
        step += mass[k] * (y[k] - (va + slope * (x[k] - start)))
    return above, high, below, low


@compiled
def price(
    x: np.ndarray, mass: np.ndarray, y: np.ndarray, node: np.ndarray, sign: np.ndarray,
    count: int, v: np.ndarray, multiplier: np.ndarray, rise: float, fall: float, tiny: float,
    new_node: np.ndarray, new_sign: np.ndarray, excess: np.ndarray,
) -> int:  # fmt: skip
    """List the nodes with at most two more in every interval: where G is violated most."""
    new = 0
    for k in range(count - 1):
        above, high, below, low = price_interval(
            x, mass, y, node[k], node[k + 1], v[k], v[k + 1],
            multiplier[k], multiplier[k + 1], rise, fall,
        )  # fmt: skip
        new_node[new], new_sign[new], excess[new] = node[k], sign[k], 0.0
        new += 1
        if above > tiny and (below <= tiny or high < low):
            new_node[new], new_sign[new], excess[new] = high, 1, above
            new += 1
        if below > tiny:
            new_node[new], new_sign[new], excess[new] = low, -1, below
            new += 1
        if above > tiny and below > tiny and high > low:
            new_node[new], new_sign[new], excess[new] = high, 1, above
            new += 1
    new_node[new], new_sign[new], excess[new] = node[count - 1], 0, 0.0
    return new + 1


@compiled
def split_sums(
    x: np.ndarray, mass: np.ndarray, y: np.ndarray, node: np.ndarray, count: int,
    new_node: np.ndarray, new_count: int, sums: np.ndarray,
) -> None:  # fmt: skip
    """Bring the sums from the old nodes to more nodes; only split intervals are summed."""
    old = count - 2
    for k in range(new_count - 2, -1, -1):  # from the right, for it is done in place
        if new_node[k] == node[old]:
            if new_node[k + 1] == node[old + 1]:
                for i in range(5):
                    sums[k, i] = sums[old, i]
            old -= 1
    old = 0
    for k in range(new_count - 1):
        while node[old + 1] <= new_node[k]:
            old += 1
        if new_node[k] != node[old] or new_node[k + 1] != node[old + 1]:
            sum_interval(x, mass, y, new_node[k], new_node[k + 1], sums[k])
