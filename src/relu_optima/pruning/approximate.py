"""Pruning beyond the optimal set: least-squares continuation, and removal by a score."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from relu_optima.optimal_set.directions import Directions
from relu_optima.optimal_set.polytope import ZERO_TOL

REFRESH = 25  # steps between fresh pseudo-inverses


def continue_least_squares(columns: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Remove neurons one at a time so that the fit changes little (paper's Optimal/LS).

    With independent columns no neuron can leave exactly. Take the neuron b whose contribution
    beta_b z_b is nearest to the span of the others, write it as their combination c with
    c_b = -1, and scale every neuron by 1 - c_a / c_m, where m has the largest |c|: all scales
    are non-negative and neuron m vanishes. The rows m_b of the pseudo-inverse give all distances
    (1 / |m_b|) and combinations at once, and a removal is a projection of the rows.
    """
    beta = start.copy()
    active = np.flatnonzero(beta)
    path = [beta.copy()]
    dual = np.linalg.pinv(columns[:, active])
    while active.size > 1:
        values = beta[active]
        nearest = int(np.argmin(values / np.linalg.norm(dual, axis=1)))
        row = dual[nearest]
        combination = -(dual @ row) / float(row @ row) * values[nearest] / values
        combination[nearest] = -1.0
        leaving = int(np.argmax(np.abs(combination)))
        values = values * (1 - combination / combination[leaving])
        values[leaving] = 0.0
        gone = values <= ZERO_TOL * values.sum()
        if gone.all():
            break
        values[gone] = 0.0
        beta[active] = values
        dual = _drop(dual, np.flatnonzero(gone))
        active = active[~gone]
        if len(path) % REFRESH == 0:
            dual = np.linalg.pinv(columns[:, active])
        path.append(beta.copy())
    return np.array(path)


def _drop(dual: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Rows of the pseudo-inverse after some columns are removed."""
    for index in removed:
        row = dual[index]
        square = float(row @ row)
        if square > 0:
            dual = dual - np.outer(dual @ row / square, row)
    return np.delete(dual, removed, axis=0)


def remove_by_score(network: Directions, score: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Remove the neuron of least score, one at a time, without correction."""
    beta = np.where(network.start > network.negligible, network.start, 0.0)
    path = [beta.copy()]
    while np.count_nonzero(beta) > 1:
        values = score(beta)
        active = np.flatnonzero(beta)
        order = np.lexsort((active, beta[active], values[active]))
        beta[active[order[0]]] = 0.0
        path.append(beta.copy())
    return np.array(path)
