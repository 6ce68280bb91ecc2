"""Newton's method on E with the second layer eliminated: Hessian, direction, lengths alone.

E is what `relu_optima.convex.vector.sliding` minimises; here features, first layer and residual
enter as matrices that are given.
"""

from __future__ import annotations

import numpy as np

MAX_TRIALS = 40
LENGTH_STEPS = 200  # of the lengths alone: an atom may leave in each
SHORTENED = 10  # times that a step is shortened below the first cut
GONE = 1e-15  # square of a length, relative to the largest, that is rounding
ALIKE = 1e-10  # curvature added to theirs, relatively: atoms that agree have none between them
LEVEL = 4e-15  # gain, relative to E, that is rounding
SHORT = 1e-2  # length, relative to the longest, below which an atom may be idle


def penalised(gram: np.ndarray, beta: float) -> np.ndarray:
    """Add beta I to a matrix, in place."""
    gram.flat[:: len(gram) + 1] += beta
    return gram


def reduced_hessian(
    tangents: np.ndarray,
    mixed: np.ndarray,
    along: np.ndarray,
    ridge: np.ndarray,
    V: np.ndarray,
    owner: np.ndarray,
    beta: float,
) -> np.ndarray:
    """Hessian of E in first-layer coordinates a of atoms ``owner``, V eliminated.

    ``tangents`` is T T' of the derivatives of the features, ``mixed`` T F, ``along`` T N, ``ridge``
    R = F'F + beta I. The derivative of coordinate a by the second layer is M_a v' - e c_a', M_a and
    c_a the rows of T F and T N, v the weights of its atom and e that atom's unit vector; so what
    the second layer takes off is made of products with R^-1 alone, however many outputs there are.
    """
    count = len(along)
    inverse = solve_spd(ridge, np.eye(len(ridge)))
    solved = mixed @ inverse
    weights = (V @ V.T)[np.ix_(owner, owner)]
    crossed = solved[:, owner] * (along @ V.T)[:, owner].T
    hessian = (tangents - solved @ mixed.T) * weights + crossed + crossed.T
    hessian -= inverse[np.ix_(owner, owner)] * (along @ along.T)
    hessian.flat[:: count + 1] += beta
    return np.asarray(0.5 * (hessian + hessian.T))


def shrink_lengths(
    gram: np.ndarray,
    along: np.ndarray,
    square: float,
    lengths: np.ndarray,
    beta: float,
    goal: float,
) -> np.ndarray:
    r"""Minimise E over the lengths of atoms with unit features F; F'F, F'Y and |Y|^2 are given.

    In the squares s of the lengths it is a convex program with bounds, whatever the outputs:

    .. math:: \min_{s \ge 0} \; \tfrac{\beta}{2} \Bigl( \langle Y, M^{-1} Y \rangle + \sum_j s_j
              \Bigr), \qquad M = \beta I + F \, \mathrm{diag}(s) F^\top,

    as E with V eliminated is that, and Y'M^{-1}Y is jointly convex in Y and M (Boyd & Vandenberghe
    2004, example 3.4). With N = beta M^{-1} Y, the residual, its gradient is
    (beta - |F_j'N|^2 / beta) / 2, and its Hessian the elementwise product of F'M^{-1}F and
    (F'N)(F'N)' / beta. Newton's method over what is positive or grows; steps are cut at zero.
    """
    from scipy.linalg.lapack import dpotrf, dtrtrs

    s, best, step = lengths**2, np.inf, np.zeros_like(lengths)
    kept, shares = s, [0.0]
    for _ in range(LENGTH_STEPS):
        root = np.sqrt(s)
        half = gram * root
        factor, _ = dpotrf(penalised(half * root[:, None], beta), lower=1, clean=0)
        target = dtrtrs(factor, root[:, None] * along, lower=1)[0]
        value = 0.5 * (square - float(np.vdot(target, target)) + beta * float(s.sum()))
        if value >= best * (1.0 + LEVEL):
            shares = shares[1:]
            if not shares:
                break
            s = _cut_at_zero(kept + shares[0] * step)
            continue
        turned = dtrtrs(factor, half.T, lower=1)[0]
        prices = along - turned.T @ target  # F'N
        excess = np.sum(prices**2, axis=1) / beta**2 - 1.0
        free = (s > 0.0) | (excess > 0.0)
        kept, best = s, value
        if np.abs(excess[free]).max(initial=0.0) <= goal:
            break
        hessian = (gram - turned.T @ turned) * (prices @ prices.T)
        hessian = hessian[np.ix_(free, free)]
        hessian.flat[:: len(hessian) + 1] *= 1.0 + ALIKE
        step = np.zeros_like(s)
        step[free] = solve_spd(hessian, 0.5 * beta**3 * excess[free])
        shares = _shares(kept, step)
        s = _cut_at_zero(kept + step)
    return np.asarray(np.sqrt(kept))


def _shares(s: np.ndarray, step: np.ndarray) -> list[float]:
    """Shares of a step that are tried: all; those at which fewer and fewer entries are cut; less.

    Past the first cut a step need not go down, as what is cut off may have paid for the rest.
    """
    falling = (s > 0.0) & (step < -s)
    cuts = np.sort(-s[falling] / step[falling])
    halved = [float(cuts[cuts.size >> k]) for k in range(1, cuts.size.bit_length() + 1)]
    least = halved[-1] if halved else 1.0
    return [1.0, *halved, *(least * 0.3**k for k in range(1, SHORTENED))]


def _cut_at_zero(s: np.ndarray) -> np.ndarray:
    """Put to zero what is negative, or no more than the rounding of a cut."""
    return np.where(s > GONE * s.max(), s, 0.0)


def solve_spd(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve with a symmetric positive definite matrix."""
    from scipy.linalg.lapack import dposv

    return np.asarray(dposv(matrix, right)[1])


def descent(hessian: np.ndarray, gradient: np.ndarray, damping: float) -> np.ndarray:
    """Newton's direction; where the Hessian is not positive, of one with |eigenvalues|."""
    from scipy.linalg.lapack import dposv

    shifted = hessian.copy()
    shifted.flat[:: len(shifted) + 1] += damping
    _, step, failed = dposv(shifted, -gradient)
    if not failed:
        return np.asarray(step)
    values, vectors = np.linalg.eigh(hessian)
    floor = 1e-8 * float(np.abs(values).max())
    scaled = (vectors.T @ gradient) / (np.maximum(np.abs(values), floor) + damping)
    return np.asarray(-vectors @ scaled)
