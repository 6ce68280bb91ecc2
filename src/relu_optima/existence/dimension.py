"""Search for a point at which the products move in all directions (proof: `proof.dimension`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import maximum_bipartite_matching

from relu_optima.existence.deadline import check_time
from relu_optima.existence.proof.document import FULL_DIMENSION
from relu_optima.existence.proof.linear import PRIME, boolean_product, rank_mod_p

MAX_SIDE = 200  # of a layer, as far as the checker looks


def find_full_dimension(
    lower: np.ndarray, upper: np.ndarray, deadline: float
) -> dict[str, Any] | None:
    """Search for a proof that the set of products has the dimension of its support."""
    if max(*lower.shape, *upper.shape) > MAX_SIDE:
        return None
    for transposed in (False, True):
        down, up = (upper.T, lower.T) if transposed else (lower, upper)
        neurons = _spanning(down.astype(bool), up.astype(bool), deadline)
        if neurons is not None:
            point = {"transposed": transposed, "neurons": neurons}
            return {"reason": FULL_DIMENSION, "full_dimension": point}
    return None


def _spanning(lower: np.ndarray, upper: np.ndarray, deadline: float) -> list[int] | None:
    """Match every row to a neuron that feeds it, and ask whether the others span what is left."""
    cells = boolean_product(upper, lower).astype(bool)
    reached = np.flatnonzero(cells.any(axis=1))
    matched = maximum_bipartite_matching(sparse.csr_array(upper[reached]), perm_type="column")
    if (matched < 0).any():
        return None
    V = np.where(lower, np.random.default_rng(1).integers(1, PRIME, lower.shape), 0)
    for i, k in zip(reached, matched, strict=True):
        check_time(deadline)
        left = cells[i] & ~lower[k]
        if rank_mod_p(V[upper[i]][:, left]) < left.sum():
            return None
    return [int(k) for k in matched]
