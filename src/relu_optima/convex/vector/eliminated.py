"""Newton's method on E with the second layer eliminated: Hessian, direction, lengths alone.

E is what `relu_optima.convex.vector.sliding` minimises; here features, first layer and residual
enter as matrices that are given.
"""

from __future__ import annotations

import numpy as np

MAX_TRIALS = 40
LENGTH_STEPS = 60
SHORT = 1e-2  # length, relative to the longest, below which an atom may be idle


def penalised_gram(features: np.ndarray, beta: float) -> np.ndarray:
    """Return F'F + beta I."""
    gram = features.T @ features
    gram.flat[:: len(gram) + 1] += beta
    return np.asarray(gram)


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
    """Minimise E over lengths t by Newton's method: features F diag(t) with F'F, F'Y given.

    An atom that has become short is put to zero where its price, |F_j'N|, is below beta; a price
    at zero length is that of the group lasso, so such an atom does not come back.
    """
    t = lengths.copy()
    t_used = t > 0.0
    value = np.inf
    for _ in range(LENGTH_STEPS):
        used = np.flatnonzero(t_used)
        if not used.size:
            break
        Q, R, at = gram[np.ix_(used, used)], along[used], t[used]
        ridge = Q * np.outer(at, at)
        ridge.flat[:: len(at) + 1] += beta
        V = solve_spd(ridge, at[:, None] * R)
        C = R - Q @ (at[:, None] * V)  # F'N
        heights = np.linalg.norm(C, axis=1)
        idle = (heights < beta) & (at < SHORT * at.max())
        if idle.any():
            t_used[used[idle]] = False
            t[used[idle]] = 0.0
            continue
        gradient = beta * at - np.sum(C * V, axis=1)
        if float(np.max(np.abs(gradient) / at)) <= goal * beta:
            break
        hessian = reduced_hessian(Q, Q * at, C, ridge, V, np.arange(len(at)), beta)
        step = descent(hessian, gradient, 0.0)
        share = 1.0
        now = value if np.isfinite(value) else _length_value(Q, R, square, at, beta)
        for _ in range(MAX_TRIALS):
            trial = np.maximum(at + share * step, 0.05 * at)
            new = _length_value(Q, R, square, trial, beta)
            if new < now:
                break
            share *= 0.3
        else:
            break
        t[used], value = trial, new
    return t


def _length_value(
    gram: np.ndarray, along: np.ndarray, square: float, t: np.ndarray, beta: float
) -> float:
    """E as a function of lengths: (|Y|^2 - <t F'Y, V>) / 2 + beta |t|^2 / 2 at the best V."""
    ridge = gram * np.outer(t, t)
    ridge.flat[:: len(t) + 1] += beta
    right = t[:, None] * along
    V = solve_spd(ridge, right)
    return 0.5 * (square - float(np.vdot(right, V))) + 0.5 * beta * float(t @ t)


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
