r"""The active-set method for a spline with given prices of bending: O(n) for each round.

.. math:: \min_f \; \tfrac12 \sum_j m_j (f_j - y_j)^2 + \mu s_1
          + \sum_k (p \Delta_k^+ + q \Delta_k^-)

over the values f at sorted distinct points, with first slope s_1 and slope changes Delta_k at the
interior points. With nu = m (y - f) and the *multiplier* G_k = sum_j nu_j (x_j - x_k)_+, a point
is optimal if and only if sum(nu) = 0, G_1 = mu, -q <= G_k <= p, and G_k = p where Delta_k > 0, -q
where Delta_k < 0. (Perturb f by 1, by x - x_1, and by (x - x_k)_+, which span all splines.)

A round solves for the values at the present knots, drops the knots whose slope change has the wrong
sign until none has, and adds the knots where G is violated most on either side of every interval.
Dropping all wrong knots at once is fast and may fail; whenever it does not lower the objective,
the round is done over as the textbook active-set step: go towards the new minimiser until the
first slope change vanishes, and drop that knot alone. Then the objective falls strictly from round
to round, so no set of signed knots comes twice, and the method ends.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled
from relu_optima.convex.one_dimensional.kernels import (
    GAIN,
    copy_knots,
    copy_sums,
    largest,
    level,
    mark_wrong,
    price,
    remove_knots,
    solve_nodes,
    split_sums,
)

DONE, STALLED, ROUNDS = 0, 1, 2  # optimal; rounding hides further progress; round limit


@compiled
def set_multiplier(
    sign: np.ndarray, count: int, rise: float, fall: float, tilt: float, multiplier: np.ndarray
) -> None:
    """Write the multiplier at the nodes."""
    multiplier[0] = tilt
    for k in range(1, count - 1):
        multiplier[k] = level(sign[k], rise, fall)
    multiplier[count - 1] = 0.0


@compiled
def minimise(
    x: np.ndarray, node: np.ndarray, sign: np.ndarray, count: int, sums: np.ndarray,
    last: np.ndarray, rise: float, fall: float, tilt: float,
    multiplier: np.ndarray, diagonal: np.ndarray, beside: np.ndarray, v: np.ndarray,
) -> float:  # fmt: skip
    """Minimise over the values at the nodes for the given signs."""
    set_multiplier(sign, count, rise, fall, tilt, multiplier)
    return solve_nodes(x, node, count, sums, last, multiplier, diagonal, beside, v)


@compiled
def settle(
    x: np.ndarray, node: np.ndarray, sign: np.ndarray, count: int, sums: np.ndarray,
    last: np.ndarray, rise: float, fall: float, tilt: float,
    multiplier: np.ndarray, diagonal: np.ndarray, beside: np.ndarray, v: np.ndarray,
    removed: np.ndarray, counts: np.ndarray,
) -> tuple[int, float]:  # fmt: skip
    """Drop all wrong knots together, again and again, until every sign is right."""
    while True:
        value = minimise(
            x, node, sign, count, sums, last, rise, fall, tilt, multiplier, diagonal, beside, v
        )
        counts[1] += 1
        if mark_wrong(x, node, sign, count, v, removed) == 0:
            return count, value
        count = remove_knots(x, node, sign, count, sums, removed, v)


@compiled
def step_strictly(
    x: np.ndarray, node: np.ndarray, sign: np.ndarray, count: int, sums: np.ndarray,
    last: np.ndarray, rise: float, fall: float, tilt: float,
    multiplier: np.ndarray, diagonal: np.ndarray, beside: np.ndarray, v: np.ndarray,
    removed: np.ndarray, counts: np.ndarray, now: np.ndarray, excess: np.ndarray,
) -> tuple[int, float]:  # fmt: skip
    """Go from the values `now` to the minimiser, dropping one knot after the other.

    New knots (those with an excess) that would bend the wrong way are dropped first; that of the
    largest excess bends the right way once it is alone, as `now` is optimal for the old knots.
    """
    while True:
        value = minimise(
            x, node, sign, count, sums, last, rise, fall, tilt, multiplier, diagonal, beside, v
        )
        counts[1] += 1
        if mark_wrong(x, node, sign, count, v, removed) == 0:
            return count, value
        top = 0
        fresh = 0
        for k in range(1, count - 1):
            fresh += excess[k] > 0.0
            if excess[k] > excess[top]:
                top = k
        wrong = 0
        for k in range(1, count - 1):
            wrong += removed[k] and excess[k] > 0.0 and k != top
        if wrong == 0 and fresh > 1 and removed[top]:
            for k in range(1, count - 1):
                removed[k] = excess[k] > 0.0 and k != top
        elif wrong > 0:
            for k in range(1, count - 1):
                removed[k] = removed[k] and excess[k] > 0.0 and k != top
        else:
            length, first = 1.0, 0
            for k in range(1, count - 1):
                if removed[k]:
                    left, right = x[node[k]] - x[node[k - 1]], x[node[k + 1]] - x[node[k]]
                    old = (now[k + 1] - now[k]) / right - (now[k] - now[k - 1]) / left
                    new = (v[k + 1] - v[k]) / right - (v[k] - v[k - 1]) / left
                    share = 0.0 if old * sign[k] <= 0.0 else old / (old - new)
                    if share < length or first == 0:
                        length, first = share, k
            for k in range(count):
                removed[k] = k == first
                now[k] += length * (v[k] - now[k])
                if length > 0.0:
                    excess[k] = 0.0
        for k in range(1, count - 1):  # remove_knots moves one value along, and there are two
            v[k] = excess[k]
        v[0], v[count - 1] = 0.0, 0.0
        moved = 1
        for k in range(1, count):
            if k == count - 1 or not removed[k]:
                now[moved] = now[k]
                moved += 1
        count = remove_knots(x, node, sign, count, sums, removed, v)
        for k in range(count):
            excess[k] = v[k]


@compiled
def fit_spline(
    x: np.ndarray, mass: np.ndarray, y: np.ndarray, last: np.ndarray,
    rise: float, fall: float, tilt: float, tiny: float, max_rounds: int,
    node: np.ndarray, sign: np.ndarray, count: int, sums: np.ndarray, v: np.ndarray,
    counts: np.ndarray,
) -> tuple[int, int]:  # fmt: skip
    """Improve the nodes, signs, sums and values in place; return their number and how it ended.

    The nodes given may be those of other prices; their sums are those of their intervals.
    `counts` gains rounds, systems solved, and rounds done over strictly.
    """
    size = x.size
    diagonal, beside, multiplier = np.empty(size), np.empty(size), np.empty(size)
    removed = np.zeros(size, dtype=np.bool_)
    more, more_sign, excess = np.empty(size, np.int64), np.empty(size, np.int8), np.empty(size)
    trial, trial_sign = np.empty(size, np.int64), np.empty(size, np.int8)
    trial_sums, trial_v, now = np.empty((size, 5)), np.empty(size), np.empty(size)
    count, best = settle(
        x, node, sign, count, sums, last, rise, fall, tilt,
        multiplier, diagonal, beside, v, removed, counts,
    )  # fmt: skip
    for _ in range(max_rounds):
        counts[0] += 1
        set_multiplier(sign, count, rise, fall, tilt, multiplier)
        total = price(
            x, mass, y, node, sign, count, v, multiplier, rise, fall, tiny, more, more_sign, excess
        )
        if total == count:
            return count, DONE
        worst, improved = largest(excess, total), False
        for strict in range(2):
            copy_knots(more, more_sign, total, trial, trial_sign)
            copy_sums(sums, count - 1, trial_sums)
            split_sums(x, mass, y, node, count, trial, total, trial_sums)
            if strict == 0:
                kept, value = settle(
                    x, trial, trial_sign, total, trial_sums, last, rise, fall, tilt,
                    multiplier, diagonal, beside, trial_v, removed, counts,
                )  # fmt: skip
            else:
                counts[2] += 1
                interpolate(x, node, count, v, trial, total, now)
                kept, value = step_strictly(
                    x, trial, trial_sign, total, trial_sums, last, rise, fall, tilt,
                    multiplier, diagonal, beside, trial_v, removed, counts, now, excess,
                )  # fmt: skip
            if value < best - GAIN * abs(best):
                improved = True
                break
        if not improved:  # rounding hides the gain: go on while the worst violation falls
            set_multiplier(trial_sign, kept, rise, fall, tilt, multiplier)
            now_total = price(
                x, mass, y, trial, trial_sign, kept, trial_v, multiplier, rise, fall, tiny,
                more, more_sign, excess,
            )  # fmt: skip
            if not largest(excess, now_total) < worst:
                return count, STALLED
        count, best = kept, value
        copy_knots(trial, trial_sign, count, node, sign)
        copy_sums(trial_sums, count - 1, sums)
        for k in range(count):
            v[k] = trial_v[k]
    return count, ROUNDS


@compiled
def interpolate(
    x: np.ndarray, node: np.ndarray, count: int, v: np.ndarray,
    more: np.ndarray, total: int, out: np.ndarray,
) -> None:  # fmt: skip
    """Read the spline at more nodes."""
    k = 0
    for i in range(total):
        while k < count - 2 and node[k + 1] <= more[i]:
            k += 1
        t = (x[more[i]] - x[node[k]]) / (x[node[k + 1]] - x[node[k]])
        out[i] = v[k] if more[i] == node[k] else v[k] + t * (v[k + 1] - v[k])
