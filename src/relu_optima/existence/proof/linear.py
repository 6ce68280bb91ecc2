"""Exact ranks and Boolean products: arithmetic that both searches and checks may use."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import flint
import numpy as np
from scipy import sparse

PRIME = 2_147_483_647
DENSE_SPEED = 20  # products that a dense multiplication makes while a sparse one makes one


def rank_mod_p(matrix: np.ndarray) -> int:
    """Compute a rank modulo the prime 2^31 - 1."""
    m, n = matrix.shape
    return int(flint.nmod_mat(m, n, (matrix % PRIME).ravel().tolist(), PRIME).rank())


def rational_rank(vectors: list[list[Fraction]]) -> int:
    """Compute an exact rank."""
    flat: list[Any] = [flint.fmpq(x.numerator, x.denominator) for row in vectors for x in row]
    return int(flint.fmpq_mat(len(vectors), len(flat) // max(len(vectors), 1), flat).rank())


def shared_counts(sets: np.ndarray) -> Callable[[slice], np.ndarray]:
    """Return a function that counts what some sets have in common with every set."""
    degrees = sets.sum(axis=0, dtype=np.float64)
    if float(degrees @ degrees) * DENSE_SPEED < float(len(sets)) * sets.size:
        few = sparse.csr_array(sets.astype(np.float32))
        turned = few.T.tocsr()
        return lambda block: np.asarray((few[block] @ turned).toarray())
    every = sets.astype(np.float32)  # counts below 2^24 are exact
    return lambda block: np.asarray(every[block] @ every.T)


def distinct_rectangles(masks: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List the rectangles of the live neurons, each once."""
    lower, upper = masks
    live = np.flatnonzero(lower.any(axis=1) & upper.any(axis=0))
    packed = np.hstack([np.packbits(upper.T[live], axis=1), np.packbits(lower[live], axis=1)])
    first: dict[bytes, int] = {}
    for q, line in enumerate(packed):
        first.setdefault(line.tobytes(), q)
    chosen = live[list(first.values())]
    return chosen, upper.T[chosen].astype(bool), lower[chosen].astype(bool)


def boolean_product(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return the Boolean product of two masks, by OR of packed rows."""
    packed = np.packbits(below, axis=1)
    out = np.zeros((above.shape[0], packed.shape[1]), np.uint8)
    for i, row in enumerate(above):
        np.bitwise_or.reduce(packed[np.flatnonzero(row)], axis=0, out=out[i])
    return np.unpackbits(out, axis=1, count=below.shape[1])
