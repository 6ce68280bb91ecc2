"""How many weights each layer keeps, and which ones: counts that add up exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from relu_optima.errors import DataError


def layer_counts(
    masks: Sequence[np.ndarray], density: float, distribution: Literal["uniform", "erk"]
) -> list[int]:
    """Share a number of weights among layers.

    ``uniform`` keeps the same share of every layer. ``erk`` (Erdos-Renyi; Mocanu et al. 2018,
    Evci et al. 2020, for layers without kernels) keeps a number proportional to
    ``n_in + n_out``; layers that would exceed their size are dense, and the rest is shared again.
    """
    sizes = np.array([int(m.sum()) for m in masks], dtype=float)
    total = round(density * float(sizes.sum()))
    if total < len(masks):
        raise DataError(
            f"density {density} keeps {total} weights in {len(masks)} layers",
            where="training.density",
            fix="raise the density or widen the network",
        )
    if distribution == "uniform":
        share = sizes * (total / sizes.sum())
    else:
        weight = np.array([float(sum(m.shape)) for m in masks])
        dense = np.zeros(len(masks), bool)
        while True:
            left = total - sizes[dense].sum()
            share = np.where(dense, sizes, weight * left / max(weight[~dense].sum(), 1e-300))
            over = (share > sizes) & ~dense
            if not over.any():
                break
            dense |= over
    return _round(np.maximum(share, 1.0), sizes, total)


def _round(share: np.ndarray, sizes: np.ndarray, total: int) -> list[int]:
    """Round to whole numbers with a given sum, largest remainders first."""
    counts = np.minimum(np.floor(share), sizes).astype(int)
    order = np.argsort(-(share - counts), kind="stable")
    while counts.sum() < total:
        for k in order:
            if counts[k] < sizes[k] and counts.sum() < total:
                counts[k] += 1
    while counts.sum() > total:  # layers raised to one weight took from the others
        counts[int(np.argmax(counts))] -= 1
    return [int(c) for c in counts]


def random_subset(mask: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Choose some of a mask's entries uniformly."""
    places = np.flatnonzero(mask)
    chosen = np.zeros(mask.size, bool)
    chosen[generator.choice(places, count, replace=False)] = True
    return chosen.reshape(mask.shape)


def largest(score: np.ndarray, among: np.ndarray, count: int) -> np.ndarray:
    """Choose the entries with the largest score; of equal ones the first in row order."""
    places = np.flatnonzero(among)
    order = np.argsort(-score.ravel()[places], kind="stable")
    chosen = np.zeros(score.size, bool)
    chosen[places[order[:count]]] = True
    return chosen.reshape(score.shape)
