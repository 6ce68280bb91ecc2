"""Check that a set of products has full dimension: what is known of masks that are nearly full.

**Full dimension.** Let C be the cells that the products reach. For every row i that is reached let
k(i) be a neuron with i in S_k(i), different ones for different rows, and let V be numbers on the
lower mask such that, for every such i, the vectors v_k of the neurons k that feed i, restricted to
the cells of C in row i outside T_k(i), span all of these cells. Then L contains an open subset of
R^C: its dimension is |C|. *Proof.* At u_k(i) = e_i, the other u 0 and this V, the derivative
(u', v') -> sum_k u'_k v_k^T + u_k v'_k^T reaches every cell of C: v'_k(i) changes the cells of row
i in T_k(i) and no others, and the entries of u' in row i change row i alone, by any combination of
the v_k of the neurons that feed i. By the implicit function theorem the image contains a ball.
Columns: transpose. So no equation cuts limits off: a closed L is all of R^C or has a boundary, and
over the complex numbers L is dense. That L = R^C is conjectured, not proved.

The checker draws V itself: any V that spans is a proof, and full rank modulo a prime is full rank.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relu_optima.existence.proof.linear import PRIME, boolean_product, rank_mod_p
from relu_optima.existence.proof.values import index

MAX_SIDE = 200  # of a layer: bounds what a short document may ask for


def check_full_dimension(masks: list[np.ndarray], proof: dict[str, Any]) -> list[str]:
    """Check the neurons k(i), one for each row (or column, if transposed) that is reached."""
    if len(masks) != 2 or max(side for mask in masks for side in mask.shape) > MAX_SIDE:
        return ["full dimension: two layers of moderate size are needed"]
    lower, upper = (mask.astype(bool) for mask in masks)
    if proof["transposed"]:
        lower, upper = upper.T, lower.T
    cells = boolean_product(upper, lower).astype(bool)
    reached = np.flatnonzero(cells.any(axis=1))
    neurons = [index(k, len(lower)) for k in proof["neurons"]]
    if len(neurons) != len(reached) or len(set(neurons)) != len(neurons):
        return ["full dimension: not one neuron of its own for every row"]
    if not upper[reached, neurons].all():
        return ["full dimension: a neuron does not feed its row"]
    drawn = np.random.default_rng(0).integers(1, PRIME, lower.shape)
    V = np.where(lower, drawn, 0)
    for i, k in zip(reached, neurons, strict=True):
        left = cells[i] & ~lower[k]
        if rank_mod_p(V[upper[i]][:, left]) < left.sum():
            return ["full dimension: the neurons that feed a row do not span it"]
    return []
