"""Optimal/LS pruning written straight from its description: one LSQR solve per neuron.

Shares no code with the package. At every step each active neuron b is tested for exact removal
(is beta_b z_b in the span of the others?) by an iterative least-squares solve; once a whole
round finds none, the neuron with the smallest residual is merged into the others approximately.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import lsqr

EXACT = 1e-8  # relative residual below which a neuron is a combination of the others


def prune(columns: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, int]:
    """Prune to a single neuron.

    Parameters
    ----------
    columns : array, shape (n, k)
        Contribution of each unit direction to the fit.
    start : array, shape (k,)
        Non-negative coefficients.

    Returns
    -------
    path : array, shape (T, k)
        Coefficients of every model.
    solves : int
        Number of least-squares problems.
    """
    beta, path, solves = start.copy(), [start.copy()], 0
    exact = True
    while np.count_nonzero(beta) > 1:
        active = np.flatnonzero(beta)
        scaled = columns[:, active] * beta[active]
        best_residual, best = np.inf, np.zeros(active.size)
        for b in range(active.size):
            others = np.delete(np.arange(active.size), b)
            answer = lsqr(scaled[:, others], scaled[:, b], atol=1e-12, btol=1e-12, conlim=1e12)
            solves += 1
            combination = np.full(active.size, -1.0)
            combination[others] = answer[0]
            residual = float(np.linalg.norm(scaled @ combination))
            if exact and residual <= EXACT * float(np.linalg.norm(scaled[:, b])):
                best_residual, best = residual, combination
                break
            if residual < best_residual:
                best_residual, best = residual, combination
        else:
            exact = False
        if exact:  # remove the argmax of c, flipped so that its largest entry is positive
            combination = best if best.max() >= -best.min() else -best
            leaving = int(np.argmax(combination))
        else:
            combination = best
            leaving = int(np.argmax(np.abs(best)))
        values = beta[active] * (1 - combination / combination[leaving])
        values[leaving] = 0.0
        beta[active] = np.maximum(values, 0.0)
        path.append(beta.copy())
    return np.array(path), solves
