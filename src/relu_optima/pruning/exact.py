"""Algorithm 1: remove neurons from an optimal network without changing its objective.

While the columns z_b of the active neurons are dependent, a null vector moves mass between them
along the optimal set until a neuron vanishes; the fit stays, and so does the penalty, because
r'z_b = lam for every active neuron. One factorisation starts the path; each step then costs one
small rotation of the null basis.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.linalg import qr

from relu_optima.errors import DegenerateError
from relu_optima.optimal_set.polytope import ZERO_TOL
from relu_optima.optimal_set.rank import null_basis

Rule = Literal["max", "magnitude"]


def reduce_exactly(columns: np.ndarray, start: np.ndarray, rule: Rule) -> np.ndarray:
    """Follow the optimal set from a point to a vertex (Mishkin and Pilanci 2023, Algorithm 1)."""
    scale = float(start.sum())
    beta = np.where(start > ZERO_TOL * scale, start, 0.0)
    active = np.flatnonzero(beta)
    fit = columns @ beta
    null = null_basis(columns[:, active])
    path = [beta.copy()]
    while null.shape[1]:
        move = _direction(null, beta[active], rule)
        shrinking = move < -1e-12 * np.abs(move).max()
        if not shrinking.any():
            raise DegenerateError(
                "no neuron shrinks along a null vector of the active columns",
                fix="solve again with a smaller convex.tol",
            )
        ratios = np.full(active.size, np.inf)
        ratios[shrinking] = beta[active][shrinking] / -move[shrinking]
        leaving = int(np.argmin(ratios))
        values = np.maximum(beta[active] + ratios[leaving] * move, 0.0)
        values[leaving] = 0.0
        gone = values <= ZERO_TOL * scale
        values[gone] = 0.0
        beta[active] = values
        null = _drop_rows(null, np.flatnonzero(gone))
        active = active[~gone]
        path.append(beta.copy())
    if active.size:
        vertex = np.zeros_like(beta)
        vertex[active] = np.linalg.lstsq(columns[:, active], fit, rcond=None)[0]
        path[-1] = vertex
    drift = float(np.linalg.norm(columns @ path[-1] - fit))
    if drift > 1e-9 * max(float(np.linalg.norm(fit)), 1e-300) or path[-1].min(initial=0.0) < 0:
        raise DegenerateError(
            f"the fit drifted by {drift:.1e} along exact pruning",
            fix="the active columns are nearly dependent: solve again with a smaller convex.tol",
        )
    return np.array(path)


def _direction(null: np.ndarray, beta: np.ndarray, rule: Rule) -> np.ndarray:
    """Null vector of the columns along which the chosen neuron shrinks."""
    if rule == "magnitude":
        free = np.linalg.norm(null, axis=1) > 1e-9
        smallest = int(np.argmin(np.where(free, beta, np.inf)))
        return np.asarray(-null @ null[smallest])
    scaled = qr(null / beta[:, None], mode="economic")[0]
    largest = int(np.argmax(np.linalg.norm(scaled, axis=1)))
    return np.asarray(-beta * (scaled @ scaled[largest]))


def _drop_rows(null: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Null basis of the columns that are left after some are removed."""
    for row in rows:
        entries = null[row]
        length = float(np.linalg.norm(entries))
        if null.shape[1] == 0 or length <= 1e-12:
            continue
        # Householder: gather the row in the first basis vector, then drop that vector.
        reflector = entries / length
        reflector = reflector + np.copysign(1.0, reflector[0]) * np.eye(1, reflector.size)[0]
        reflector /= np.linalg.norm(reflector)
        null = (null - 2 * np.outer(null @ reflector, reflector))[:, 1:]
    return np.delete(null, rows, axis=0)
