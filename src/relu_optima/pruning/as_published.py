"""Optimal/LS pruning as the authors coded it: one iterative least-squares solve for each neuron.

It differs from the exact phase and continuation of this package where the start is a solver's
own network: neurons are tested for exact removal one after the other against a tolerance, and
after the first round without success exact removal is not tried again.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr
from scipy.sparse.linalg import lsqr

EXACT = 1e-8  # relative residual below which a neuron is a combination of the others
SOLVE = 1e-12  # tolerances of one iterative solve; the authors' are not on record


def prune_as_published(columns: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Prune to a single neuron (Mishkin and Pilanci 2023, published code)."""
    beta, path, trying = start.copy(), [start.copy()], True
    if np.count_nonzero(beta) <= 1:
        return np.array(path)
    # an orthogonal change of the samples leaves every least-squares problem as it is
    small = qr(columns, mode="r")[0][: min(columns.shape)]
    while np.count_nonzero(beta) > 1:
        active = np.flatnonzero(beta)
        scaled = small[:, active] * beta[active]
        combination, exact = _round(scaled, trying)
        trying = exact
        if exact and combination.max() < -combination.min():
            combination = -combination
        leaving = int(np.argmax(combination if exact else np.abs(combination)))
        values = beta[active] * (1 - combination / combination[leaving])
        values[leaving] = 0.0
        if not (values > 0).any():
            break
        beta[active] = np.maximum(values, 0.0)
        path.append(beta.copy())
    return np.array(path)


def _round(scaled: np.ndarray, trying: bool) -> tuple[np.ndarray, bool]:
    """Find the first neuron that is a combination of the others, or else the nearest one."""
    k = scaled.shape[1]
    best, least = np.zeros(k), np.inf
    for b in range(k):
        others = np.delete(np.arange(k), b)
        answer = lsqr(scaled[:, others], scaled[:, b], atol=SOLVE, btol=SOLVE, conlim=0)[0]
        combination = np.full(k, -1.0)
        combination[others] = answer
        residual = float(np.linalg.norm(scaled @ combination))
        if trying and residual <= EXACT * float(np.linalg.norm(scaled[:, b])):
            return combination, True
        if residual < least:
            best, least = combination, residual
    return best, False
