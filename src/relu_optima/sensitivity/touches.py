"""Find isolated degeneracies that change no structure: a slack touches zero and rises again.

On both sides of such a point the same neurons are active, so the ends of an interval do not show
it. Exactly there one more neuron may be used, and the min-norm optimum can jump.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from relu_optima.optimal_set.model_set import OptimalSet

SAMPLES = 9  # optima looked at in each piece of the path, its ends included
NEAR = 0.3  # slack above which a dip is not followed
DEPTH = 0.5  # a dip is followed if the parabola through it halves the smallest sample
ZERO = 1e-8  # relative slack that counts as none; it vanishes quadratically
APART = 1e-5  # relative distance in lam within which touching blocks are one point

Solve = Callable[[float, OptimalSet], OptimalSet]


def find_touches(solve: Solve, start: OptimalSet, high: float, low: float) -> list[float]:
    """Locate the touches in a piece of the path on which the structure stays."""
    places = np.linspace(np.log(high), np.log(low), SAMPLES)
    sets = [solve(float(np.exp(places[0])), start)]
    if not sets[0].is_unique:
        return []
    for place in places[1:]:
        sets.append(solve(float(np.exp(place)), sets[-1]))
    slacks = np.array([s.equicorrelation.slack for s in sets])
    member = np.zeros(slacks.shape[1], dtype=bool)
    for optimal in sets:
        member[optimal.equicorrelation.blocks] = True
    found: list[float] = []
    for i in range(1, SAMPLES - 1):
        left, middle, right = slacks[i - 1], slacks[i], slacks[i + 1]
        dips = (middle < left) & (middle < right) & (middle < NEAR) & ~member
        for block in np.flatnonzero(dips):
            if _parabola(left[block], middle[block], right[block]) > DEPTH * middle[block]:
                continue
            lam, slack = _lowest(solve, sets[i], int(block), (places[i + 1], places[i - 1]))
            if slack <= ZERO and not any(abs(lam / other - 1) < APART for other in found):
                found.append(lam)
    return sorted(found, reverse=True)


def _parabola(left: float, middle: float, right: float) -> float:
    """Lowest value of the parabola through three evenly spaced values with a dip."""
    bend = left - 2 * middle + right
    return float(middle - (right - left) ** 2 / (8 * bend))


def _lowest(
    solve: Solve, near: OptimalSet, block: int, bounds: tuple[float, float]
) -> tuple[float, float]:
    """Smallest slack of a block between two values of log lam."""
    from scipy.optimize import minimize_scalar

    def slack(place: float) -> float:
        return float(solve(float(np.exp(place)), near).equicorrelation.slack[block])

    options = {"xatol": 1e-9, "maxiter": 50}
    best = minimize_scalar(slack, bounds=bounds, method="bounded", options=options)
    return float(np.exp(best.x)), float(best.fun)
