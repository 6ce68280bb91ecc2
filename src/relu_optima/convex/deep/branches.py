"""Branches of scalar ReLU chains: a function as few of them, and as a network."""

from __future__ import annotations

import itertools

import numpy as np

from relu_optima.convex.deep.network import DeepNetwork
from relu_optima.convex.deep.scalar import objective as scalar_objective
from relu_optima.convex.deep.scalar import shrink

MAX_SINGLE = 100  # pairs of breakpoints grow quadratically


def branch_network(x: np.ndarray, f: np.ndarray, branches: np.ndarray, depth: int) -> DeepNetwork:
    """Make the network of given branches; ReLUs after the second layer repeat what is positive."""
    m = max(len(branches), 1)
    first, last = np.zeros((m, 1)), np.zeros((1, m))
    biases = [np.zeros(m) for _ in range(depth - 1)]
    middle = [np.zeros((m, m)) for _ in range(depth - 2)]
    for i, (a, b, z) in enumerate(branches):
        root = abs(z) ** (1.0 / depth)
        sign = 1.0 if depth > 2 or b > 0 else -1.0
        first[i], biases[0][i] = sign * root, -sign * root * a
        last[0, i] = np.sign(z) * root
        for k in range(depth - 2):
            clips = k == 0
            middle[k][i, i] = -root if clips else root
            # (b - a - (x - a)₊)₊, in the units of that layer
            biases[k + 1][i] = root ** (k + 2) * (b - a) if clips else 0.0
        if depth > 2:
            last[0, i] = -np.sign(z) * root
    weights = (first, *middle, last)
    plain = DeepNetwork(weights, "relu", (*biases, np.zeros(1)))
    offset = float(np.mean(f - plain.predict(x[:, None])[:, 0]))
    return DeepNetwork(weights, "relu", (*biases, np.array([offset])))


def single_branch(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, lam: float, depth: int
) -> np.ndarray | None:
    """Find the single branch with breakpoints at data that is best under weight decay.

    For a column φ less its mean, of length ρ, the best z solves the scalar problem with
    σ = <φ, y>/ρ and λ ρ^{-2/L}. None if no branch is worth its cost, or for more than
    `MAX_SINGLE` points.
    """
    if len(x) > MAX_SINGLE:
        return None
    if depth == 2:
        ends = [(a, side) for a in x for side in (np.inf, -np.inf)]
    else:
        ends = list(itertools.combinations(x, 2))
    centred = y - float(weights @ y) / weights.sum()
    best, gain = None, 0.0
    for a, b in ends:
        column = _column(x, a, b, depth)
        column = column - float(weights @ column) / weights.sum()
        length = float(np.sqrt(weights @ column**2))
        if length == 0:
            continue
        sigma = float(weights @ (column * centred)) / length
        effective = lam * length ** (-2.0 / depth)
        s = shrink(abs(sigma), effective, depth)
        gained = 0.5 * sigma**2 - scalar_objective(s, abs(sigma), effective, depth)
        if gained > gain:
            best, gain = np.array([a, b, np.sign(sigma) * s / length]), gained
    return best


def _column(x: np.ndarray, a: float, b: float, depth: int) -> np.ndarray:
    if depth > 2:
        return np.asarray(np.clip(x, a, b) - a)
    return np.asarray(np.maximum(x - a if b > 0 else a - x, 0.0))


def branch_values(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, branch: np.ndarray
) -> np.ndarray:
    """Evaluate one branch with its best constant."""
    a, b, z = branch
    column = z * _column(x, a, b, 2 if np.isinf(b) else 3)
    return np.asarray(column + float(weights @ (y - column)) / weights.sum())


def branches_of(x: np.ndarray, f: np.ndarray, depth: int) -> np.ndarray:
    """Write the function as branches of the least Σ |z|, few of them."""
    s = np.diff(f) / np.diff(x)
    noise = 1e-9 * max(float(np.abs(s).max()), 1e-300)
    out: list[tuple[float, float, float]] = []
    if depth > 2:
        for sign in (1.0, -1.0):
            height = np.maximum(sign * s, 0.0)
            levels = [0.0, *np.unique(height[height > noise])]
            for low, high in itertools.pairwise(levels):
                if high - low > noise:
                    inside = np.concatenate([[False], height > low + noise / 2, [False]])
                    edges = np.flatnonzero(np.diff(inside.astype(int)))
                    out += [
                        (float(x[a]), float(x[b]), sign * (high - low))
                        for a, b in edges.reshape(-1, 2)
                    ]
    else:
        out = _ramps(x, s, noise)
    return np.array(out, dtype=np.float64).reshape(-1, 3)


def _ramps(x: np.ndarray, s: np.ndarray, noise: float) -> list[tuple[float, float, float]]:
    """Split each slope change between a right and a left ramp so that slopes need least extra.

    A left ramp of weight l at x_k adds -l to all slopes before it; the slopes before the first
    point must come to s_first = c - Σ l with c the weight of a ramp over all data.
    """
    change = np.diff(s)
    need = -float(s[0])  # Σ of left weights wanted; each may be anywhere between 0 and its change
    left = np.zeros(len(change))
    for k in np.argsort(-np.abs(change), kind="stable"):
        if need * change[k] > 0:
            left[k] = np.sign(need) * min(abs(need), abs(float(change[k])))
            need -= float(left[k])
    right = change - left
    out = [(float(x[k + 1]), -np.inf, float(v)) for k, v in enumerate(left) if abs(v) > noise]
    out += [(float(x[k + 1]), np.inf, float(v)) for k, v in enumerate(right) if abs(v) > noise]
    if abs(need) > noise:
        out.append((float(x[0]), np.inf, -need))
    return out
