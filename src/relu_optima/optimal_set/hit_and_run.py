"""Uniform samples from the optimal set by hit-and-run on its affine hull."""

from __future__ import annotations

import numpy as np

from relu_optima.optimal_set.polytope import Polytope

MAX_CHAINS = 64


def hit_and_run(body: Polytope, count: int, seed: int, thinning: int = 10) -> np.ndarray:
    """Draw points that are uniform on the polytope in the limit of long chains.

    Each step draws a direction g, finds the chord {beta + t g >= 0} by a ratio test and moves to
    a uniform point of it. Directions are preconditioned by the spread of the extreme points, so
    that thin polytopes are crossed as fast as round ones; any fixed distribution of directions
    leaves the uniform law invariant. A segment (dimension 1) is sampled exactly.
    """
    q = body.dimension
    if q == 0 or count == 0:
        return np.repeat(body.centre[None, :], count, axis=0)
    rng = np.random.default_rng(seed)
    rows, base = body.basis[body.support], body.centre[body.support]
    shape = _precondition(body)
    chains = min(count, MAX_CHAINS)
    keep_every = thinning * q
    position = np.zeros((chains, q))
    kept: list[np.ndarray] = []
    steps = 5 * keep_every if q > 1 else 0
    needed = -(-count // chains)
    while len(kept) < needed:
        for _ in range(steps or 1):
            direction = rng.standard_normal((chains, q)) @ shape
            direction /= np.linalg.norm(direction, axis=1, keepdims=True)
            value = np.maximum(base + position @ rows.T, 0.0)
            slope = direction @ rows.T
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = -value / slope
            low = np.where(slope > 0, ratio, -np.inf).max(axis=1)
            high = np.where(slope < 0, ratio, np.inf).min(axis=1)
            t = low + rng.random(chains) * (high - low)
            position += t[:, None] * direction
        kept.append(position.copy())
        steps = keep_every if q > 1 else 1
    coordinates = np.concatenate(kept)[:count]
    points = np.zeros((count, body.start.size))
    points[:, body.support] = np.maximum(base + coordinates @ rows.T, 0.0)
    return points


def _precondition(body: Polytope) -> np.ndarray:
    """Square root of the spread of the extreme points in the coordinates of the affine hull."""
    extremes = body.extremes @ body.basis
    spread = np.cov(extremes, rowvar=False).reshape(body.dimension, body.dimension)
    values, vectors = np.linalg.eigh(spread)
    root = np.sqrt(np.maximum(values, 1e-6 * values.max()))
    return np.asarray((vectors * root).T / root.max())
