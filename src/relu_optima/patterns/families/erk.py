"""Erdos-Renyi layers: small layers are kept denser, as in SET, RigL and Top-KAST (ERK)."""

from __future__ import annotations

import itertools

import numpy as np
from pydantic import Field

from relu_optima.patterns.config import MAX_WIDTH, PatternConfig, Width


class Config(PatternConfig):
    """Widths, total density and seed.

    Attributes
    ----------
    widths : list of int
        Inputs, hidden layers, outputs.
    density : float
        Share of all weights that is kept.
    seed : int
        Seed of the draw.
    """

    widths: list[Width] = Field(min_length=2, max_length=MAX_WIDTH, description="layer widths")
    density: float = Field(gt=0, le=1, description="share of all weights that is kept")
    seed: int = Field(default=0, ge=0, description="seed of the draw")


def layer_densities(widths: list[int], density: float) -> list[float]:
    """Solve for the densities eps (n_in + n_out) / (n_in n_out) that keep the total.

    A layer whose density would exceed 1 is kept dense and the rest solved again.
    """
    pairs = list(itertools.pairwise(widths))
    sizes = [a * b for a, b in pairs]
    dense: set[int] = set()
    while True:
        wanted = density * sum(sizes) - sum(sizes[q] for q in dense)
        raw = sum(sum(pairs[q]) for q in range(len(pairs)) if q not in dense)
        eps = wanted / raw if raw else 0.0
        new = {
            q for q in range(len(pairs)) if q not in dense and eps * sum(pairs[q]) / sizes[q] > 1
        }
        if not new:
            break
        dense |= new
    return [1.0 if q in dense else eps * sum(pairs[q]) / sizes[q] for q in range(len(pairs))]


def masks(config: Config) -> list[np.ndarray]:
    """Draw the masks: each layer keeps its share of weights, uniformly at random."""
    rng = np.random.default_rng(config.seed)
    out = []
    densities = layer_densities(config.widths, config.density)
    for a, b, share in zip(config.widths[:-1], config.widths[1:], densities, strict=True):
        kept = max(1, round(share * a * b))
        mask = np.zeros(a * b, np.uint8)
        mask[rng.permutation(a * b)[:kept]] = 1
        out.append(mask.reshape(b, a))
    return out
