r"""Check that the product set of a chain of more than two layers is closed.

The chain is shortened by steps; what is left is checked by the rules for two layers or is one
layer. Layers are numbered from 0, first layer first.

**Merge.** If the products of layers l and l + 1 are all matrices on the Boolean product of their
masks, the two may be replaced by that mask without changing the set of products of the chain.
*identity:* one of the two is square with a full diagonal and the Boolean product is the other's
mask (set the first to the identity). *full:* a reduction log (`proof.closed`) that keeps every
row and column, frees every cell or leaves components that fill their space (`FULL_RULES`).
*LUL:* three full triangular n x n layers, alternately lower and upper, make every n x n matrix:
for a generic lower L', (A L')[1..k, 1..k] has rank min(k, rank A[1..k, :]) = rank A[1..k, :] (the
first k columns of L' span a generic [I; X]), which is the criterion of Okunev and Johnson (1997)
for A L' to have an LU factorisation; L' is invertible with lower inverse.

**Peel.** Let the hidden neurons under the last layer fall into classes P with one column support
R_P in the last mask and one row support in the mask below; C_P is their support in the Boolean
product of all layers below. If the rectangles R_P x C_P are disjoint, the chain is closed as soon
as the chain without the last layer is. *Proof.* Write W_L[R_P, P] = Q_P T_P with orthonormal
columns (padded with zero columns if |P| > |R_P|) and move T_P into the rows P of the layer below,
whose support is the same for all of P. Let the products converge. Q_P converges on a subsequence,
and the rows P of the remaining chain are Q_P^T times the block R_P x C_P of the product, so they
converge; their limit is in the remaining chain's set, which is closed. From the first layer:
transpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.existence.proof.closed import check_closed, check_reduction
from relu_optima.existence.proof.linear import boolean_product, packed_product, row_sizes
from relu_optima.existence.proof.open_chain import check_open_chain
from relu_optima.existence.proof.values import integer
from relu_optima.patterns.sparse import as_list, dense, is_sparse

if TYPE_CHECKING:
    from scipy import sparse

    from relu_optima.patterns.sparse import Mask

MAX_BITS = 1_000_000_000  # of the support of the layers below a peeled one
FULL_RULES = ("C3", "Z", "C4", "C5", "C6")


def check_chain(masks: Sequence[Mask], proof: dict[str, Any]) -> list[str]:
    """Replay the steps that shorten a chain and check what is left."""
    if proof["rule"] == "Z chain":
        return check_open_chain(dense(masks), proof["factors"])
    chain = list(masks)
    for step in proof["steps"]:
        problem = _apply_step(chain, step)
        if problem:
            return [problem]
    if len(chain) == 1:
        return []
    if len(chain) == 2:
        return check_closed(chain, proof["last"])
    return ["the steps leave more than two layers"]


def _apply_step(chain: list[Mask], step: dict[str, Any]) -> str | None:
    """Check one step and apply it to the chain in place; say what is wrong."""
    kind = step["kind"]
    if len(chain) < 2:
        return "there is nothing left to shorten"
    if kind == "peel":
        flipped = step["end"] == "bottom"
        view = [mask.T for mask in reversed(chain)] if flipped else chain
        if not _peels(as_list(view[-1]), as_list(view[-2]), _support_below(view[:-1])):
            return "the classes of a peeled layer meet"
        chain.pop(0 if flipped else -1)
        return None
    chain[:] = dense(chain)
    low = integer(step["layer"])
    width = 3 if kind == "LUL" else 2
    if not 0 <= low <= len(chain) - width:
        return "a merge names layers that do not exist"
    if kind == "LUL":
        if not _alternating_triangles(chain[low : low + 3]):
            return "the layers are not alternately lower and upper triangular"
        chain[low : low + 3] = [np.ones_like(chain[low])]
        return None
    below, above = chain[low], chain[low + 1]
    merged = boolean_product(above, below)
    if kind == "identity":
        unit, other = (above, below) if step["unit"] == "above" else (below, above)
        square = unit.shape[0] == unit.shape[1] and bool(np.diagonal(unit).all())
        if not square or not np.array_equal(merged, other):
            return "a layer is not absorbed by its neighbour"
    elif kind == "full":
        problem = _check_full(below, above, step["proof"])
        if problem:
            return problem
    else:
        return f"there is no step {kind!r}"
    chain[low : low + 2] = [merged]
    return None


def _check_full(below: np.ndarray, above: np.ndarray, proof: dict[str, Any]) -> str | None:
    if proof["rows"] != list(range(above.shape[0])):
        return "a proof that everything is reached drops rows"
    if proof["columns"] != list(range(below.shape[1])):
        return "a proof that everything is reached drops columns"
    if any(component["rule"] not in FULL_RULES for component in proof["components"]):
        return "a component does not fill its space"
    problems = check_reduction(below, above, proof)
    return problems[0] if problems else None


def _alternating_triangles(layers: list[np.ndarray]) -> bool:
    n = layers[0].shape[0]
    if any(layer.shape != (n, n) for layer in layers):
        return False
    full = np.ones((n, n), np.uint8)
    triangles = [np.tril(full), np.triu(full)]
    return any(
        all(np.array_equal(layer, triangles[(q + s) % 2]) for q, layer in enumerate(layers))
        for s in (0, 1)
    )


def _support_below(layers: Sequence[Mask]) -> np.ndarray:
    """Return the support of a product of layers, its rows packed into bits."""
    first = layers[0]
    if first.shape[1] * max(layer.shape[0] for layer in layers) > MAX_BITS:
        raise ValueError("the layers are too large to be peeled")
    if is_sparse(first):
        support = np.zeros((first.shape[0], (first.shape[1] + 7) // 8), np.uint8)
        rows = np.repeat(np.arange(first.shape[0]), row_sizes(first))
        bits = np.uint8(128) >> (first.indices % 8).astype(np.uint8)
        np.bitwise_or.at(support, (rows, first.indices // 8), bits)
    else:
        support = np.packbits(first, axis=1)
    for layer in layers[1:]:
        support = packed_product(as_list(layer), support)
    return support


def _peels(last: sparse.csr_array, below: sparse.csr_array, reach: np.ndarray) -> bool:
    fed_by = as_list(last.T)
    taken = np.zeros((last.shape[0], reach.shape[1]), np.uint8)
    seen: set[tuple[bytes, bytes]] = set()
    for k in range(last.shape[1]):
        fed, under = (x.indices[x.indptr[k] : x.indptr[k + 1]] for x in (fed_by, below))
        name = (fed.tobytes(), under.tobytes())
        if name in seen:
            continue
        seen.add(name)
        if (taken[fed] & reach[k]).any():
            return False
        taken[fed] |= reach[k]
    return True
