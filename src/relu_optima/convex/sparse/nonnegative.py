r"""Non-negative coefficients of fixed neurons.

.. math:: \min_{c \ge 0} \tfrac12 \lVert Z c - y \rVert^2 + \lambda \sum_j c_j

An active-set method after Lawson and Hanson (1974, chapter 23) that lets in many columns at once:
each solve is over the columns in use, a step goes no further than the first coefficient that would
turn negative, and the objective falls at each step, so no set is met twice.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError
from scipy.linalg.lapack import dposv

KKT_TOL = 1e-13  # excess of a correlation over lam, relative to lam, that is rounding
RIDGE = 1e-13  # of the mean squared length: keeps equal columns from making a system singular


def nonnegative(Z: np.ndarray, y: np.ndarray, lam: float, c: np.ndarray) -> np.ndarray:
    """Minimise from given coefficients; at most as many solves as ever change the set in use."""
    gram = Z.T @ Z
    ridge = RIDGE * float(np.trace(gram)) / max(len(c), 1)
    c = c.copy()
    used = c > 0
    many = True
    for _ in range(10 * len(c) + 50):
        excess = Z.T @ (y - Z @ c) - lam
        entering = ~used & (excess > KKT_TOL * lam)
        if entering.any():
            if not many:
                entering &= excess >= excess[entering].max()
        elif not used.any() or np.abs(excess[used]).max() <= KKT_TOL * lam:
            return c
        before, start = used.copy(), c.copy()
        c, used = _settle(gram, excess, c, used | entering, ridge)
        if np.array_equal(used, before) and not entering.any():
            return c
        moved = bool((c != start).any())
        if not moved and not many:
            return c
        many = moved
    return c


def solve_definite(system: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve a symmetric positive definite system; these are small, so calls count."""
    _, solution, info = dposv(system, right)
    if info:
        raise LinAlgError("the matrix is not positive definite")
    return np.asarray(solution)


def _settle(
    gram: np.ndarray, excess: np.ndarray, c: np.ndarray, used: np.ndarray, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Move to the minimiser over the columns in use, dropping those that would turn negative."""
    base = c.copy()
    while True:
        index = np.flatnonzero(used)
        if not index.size:
            return c, used
        system = gram[np.ix_(index, index)]
        system.flat[:: len(index) + 1] += ridge
        # the gradient at c from that at the beginning, whose residual was taken anew
        pull = excess[index] - gram[index] @ (c - base)
        goal = c[index] + solve_definite(system, pull)
        if (goal > 0).all():
            c[index] = goal
            return c, used
        falling = goal <= 0
        useless = falling & (c[index] == 0)
        if useless.any():
            used[index[useless]] = False
            continue
        ratios = c[index[falling]] / (c[index[falling]] - goal[falling])
        step = float(ratios.min())
        c[index] += step * (goal - c[index])
        gone = index[falling][ratios <= step]
        c[gone] = 0.0
        used[gone] = False
