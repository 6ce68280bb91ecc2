"""Follow single neurons along a path: which neuron of one knot is which of the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from relu_optima.optimal_set.model_set import OptimalSet

FURTHEST = 0.5  # radians a neuron may turn between two knots and still be the same


def neuron_lines(sets: Sequence[OptimalSet], lam_max: float) -> dict[str, np.ndarray]:
    """List the active neurons of every knot, each line with the number of its neuron."""
    ids: list[int] = []
    fractions: list[float] = []
    coefficients: list[float] = []
    rotations: list[float] = []
    first: list[np.ndarray] = []
    before: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None  # ids, signs, directions
    gates: dict[tuple[float, bytes], int] = {}
    for optimal in sets:
        used = optimal.support
        signs, directions = optimal.signs[used], optimal.directions[used]
        if optimal.problem.constrained:
            found = _assign(before, signs, directions)
        else:
            keys = [
                (float(s), g.tobytes()) for s, g in zip(signs, optimal.gates[used], strict=True)
            ]
            found = np.array([gates.get(key, -1) for key in keys], dtype=np.int64)
        for i in np.flatnonzero(found < 0):
            found[i] = len(first)
            first.append(directions[i])
            if not optimal.problem.constrained:
                gates[keys[i]] = int(found[i])
        before = (found, signs, directions)
        beta = optimal.start[used]
        for number, sign, size, direction in zip(found, signs, beta, directions, strict=True):
            ids.append(int(number))
            fractions.append(optimal.problem.lam / lam_max)
            coefficients.append(float(sign * size))
            rotations.append(_angle(first[number], direction))
    return {
        "neurons.id": np.array(ids, dtype=np.int64),
        "neurons.lam_fraction": np.array(fractions),
        "neurons.coefficient": np.array(coefficients),
        "neurons.rotation": np.array(rotations),
    }


def _assign(
    before: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
    signs: np.ndarray,
    directions: np.ndarray,
) -> np.ndarray:
    """Numbers of the neurons of the knot before that these continue; -1 for new ones."""
    found = np.full(len(signs), -1, dtype=np.int64)
    if before is None or not len(before[0]) or not len(signs):
        return found
    ids, old_signs, old = before
    cosines = np.clip(directions @ old.T, -1.0, 1.0)
    cost = np.where(signs[:, None] == old_signs, np.arccos(cosines), 10.0)
    rows, columns = linear_sum_assignment(np.minimum(cost, 2 * FURTHEST))
    for i, j in zip(rows, columns, strict=True):
        if cost[i, j] <= FURTHEST:
            found[i] = ids[j]
    return found


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    """Angle between unit vectors, exact also for small ones."""
    return float(2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b)))
