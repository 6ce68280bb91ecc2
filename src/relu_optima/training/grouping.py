"""Which networks may share a stack, and how a stack is cut so that results stay independent."""

from __future__ import annotations

from collections.abc import Sequence

from relu_optima.config.identity import canonical_json
from relu_optima.training.data import CHUNK
from relu_optima.training.problem import Problem

CACHE_BYTES = 1 << 20
VARY = {"learning_rate", "momentum", "weight_decay", "lam", "gain", "init", "divergence_norm"}


def stack_key(problem: Problem) -> str:
    """Name what networks must agree on to share a stack."""
    config = problem.config.model_dump(mode="json")
    shared = {k: v for k, v in config.items() if k not in VARY}
    return canonical_json([shared, list(problem.widths), list(problem.X.shape)])


def slot_ranges(
    problems: Sequence[Problem], rows: int, batch: int
) -> tuple[int, list[tuple[int, int]]]:
    """Say how many slots a stack has, and which are computed together.

    Few enough that their activations stay in the cache. But matrices with a side of length one
    would, alone, go through matrix-vector kernels, which add in another order than the matrix
    products of several; so then slots go at least in pairs.
    """
    config = problems[0].config
    if config.device == "cuda":
        return config.stack, [(0, config.stack)]
    parts = (batch, rows % batch or batch, rows % CHUNK or CHUNK)  # of training and evaluation
    smallest = min(*problems[0].widths, *parts)
    least = 2 if smallest == 1 else 1
    slots = max(len(problems), least)
    bytes_each = batch * max(problems[0].widths) * (8 if config.dtype == "float64" else 4)
    together = min(max(CACHE_BYTES // bytes_each, least), slots)
    starts = range(0, slots, together)
    return slots, [(min(s, slots - together), min(s + together, slots)) for s in starts]
