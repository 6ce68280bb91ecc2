r"""Check that a product set is not closed: a curve of members, and a limit that is no member.

**X, a useless neuron.** Let A be a partial permutation (with any nonzero entries) on a window of s
rows and columns, one cell (i_x, c_x) in each, that at most s neurons see, one of them k, and let no
such cell lie in S_k x T_k. Then A is no member. *Proof.* In A = U V^T on the window, A invertible,
both factors are square (with fewer neurons the rank of A would be less than s) and V^T A^{-1} U is
the identity. But its entry (k, k) is the sum over the cells of v_k[c_x] u_k[i_x] / A[i_x, c_x],
and every term is 0.
*A is a limit* if for another neuron l two of the cells are (i, c), i in S_k & S_l, c in T_l - T_k,
and (i', c'), i' in S_l - S_k, c' in T_k & T_l, and every other neuron j holds a cell of its own:
u_j = e_{i_j}, v_j = e_{c_j}, u_l = e_i / eps + e_i', v_l = e_c' + eps e_c, u_k = -e_i / eps and
v_k = e_c' multiply to A + eps E_{i'c}.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.existence.proof import laurent
from relu_optima.existence.proof.linear import boolean_product
from relu_optima.existence.proof.refutation import State, Window, check_tree
from relu_optima.existence.proof.values import in_range, index, integer
from relu_optima.patterns.sparse import dense

if TYPE_CHECKING:
    from relu_optima.patterns.sparse import Mask


def check_not_closed(masks: Sequence[Mask], proof: dict[str, Any]) -> list[str]:
    """Check a curve of factors and the refutation of its limit.

    The curve W_L(eps) ... W_1(eps) has Laurent polynomial entries on the masks. Its product, in
    exact arithmetic, has no negative power of eps and constant term A, so A is a limit of
    members. The refutation shows that A is no member.
    """
    limit = {
        cell: entry.get(0, Fraction(0)) for cell, entry in laurent.from_json(proof["limit"]).items()
    }
    arrays = dense(masks)
    problems = check_curve(arrays, proof["curve"], limit)
    return problems or check_refutation(arrays, limit, proof["refutation"])


def check_curve(
    masks: list[np.ndarray], curve: Any, limit: dict[tuple[int, int], Fraction]
) -> list[str]:
    """Check that a curve of factors stays on the masks and its product converges."""
    factors = [laurent.from_json(layer) for layer in curve]
    if len(factors) != len(masks):
        return ["the curve has another number of layers"]
    for number, (factor, mask) in enumerate(zip(factors, masks, strict=True), start=1):
        for i, j in factor:
            if i >= mask.shape[0] or j >= mask.shape[1] or not mask[i, j]:
                return [f"the curve leaves the mask of layer {number} at ({i}, {j})"]
    product = factors[-1]
    for factor in reversed(factors[:-1]):
        product = laurent.matmul(product, factor)
    if any(power < 0 for entry in product.values() for power in entry):
        return ["the product of the curve does not stay bounded"]
    constant = {cell: entry[0] for cell, entry in product.items() if 0 in entry}
    return [] if constant == limit else ["the product of the curve does not converge to the limit"]


def _two_layers(masks: list[np.ndarray], cut: int) -> tuple[np.ndarray, np.ndarray]:
    """Merge the layers below and above a cut into two masks.

    The product set of the chain is contained in that of the merged masks (a product of matrices
    lives on the Boolean product of their masks), so a matrix that is no product of the merged
    pair is no product of the chain.
    """
    lower, upper = masks[0], masks[-1]
    for mask in masks[1:cut]:
        lower = boolean_product(mask, lower)
    for mask in masks[-2 : cut - 1 : -1] if cut < len(masks) - 1 else []:
        upper = boolean_product(upper, mask)
    return lower, upper


def check_refutation(
    masks: list[np.ndarray], limit: dict[tuple[int, int], Fraction], refutation: dict[str, Any]
) -> list[str]:
    """Check that a matrix is not in the product set."""
    cut = integer(refutation.get("cut", 1))
    if not 1 <= cut < len(masks):
        return ["the refutation cuts the chain of layers outside"]
    lower, upper = _two_layers(masks, cut)
    rows, columns = refutation["rows"], refutation["columns"]
    if not in_range(rows, upper.shape[0]):
        return ["the rows of the window are not distinct indices"]
    if not in_range(columns, lower.shape[1]):
        return ["the columns of the window are not distinct indices"]
    if "useless" in refutation:
        return _check_useless(lower, upper, limit, refutation)
    supports = _window_supports(lower, upper, rows, columns)
    window = {(i, j) for i in rows for j in columns}
    listed = refutation.get("cells")
    used = window if listed is None else {(integer(i), integer(j)) for i, j in listed}
    if not used <= window:
        return ["a cell of the refutation lies outside its window"]
    cells = {cell: limit.get(cell, Fraction(0)) for cell in sorted(used)}
    return check_tree(State(Window(cells, supports)), refutation["tree"])


def _check_useless(
    lower: np.ndarray,
    upper: np.ndarray,
    limit: dict[tuple[int, int], Fraction],
    refutation: dict[str, Any],
) -> list[str]:
    rows, columns = refutation["rows"], refutation["columns"]
    k = index(refutation["useless"], len(lower))
    inside = {*rows}, {*columns}
    cells = [
        (i, j) for (i, j), value in limit.items() if i in inside[0] and j in inside[1] and value
    ]
    if sorted(i for i, _ in cells) != sorted(rows) or sorted(j for _, j in cells) != sorted(
        columns
    ):
        return ["X: the limit is no permutation of the window"]
    seeing = upper[rows].any(axis=0) & lower[:, columns].any(axis=1)
    if seeing.sum() > len(rows):
        return ["X: more neurons see the window than it has rows"]
    if not seeing[k]:
        return ["X: the neuron does not see the window"]
    if any(upper[i, k] and lower[k, j] for i, j in cells):
        return ["X: the neuron is of use in a cell"]
    return []


def _window_supports(
    lower: np.ndarray, upper: np.ndarray, rows: list[int], columns: list[int]
) -> dict[int, tuple[frozenset[int], frozenset[int]]]:
    """Restrict the supports of all neurons to a window."""
    up, low = upper[rows].astype(bool), lower[:, columns].astype(bool)
    return {
        int(k): (
            frozenset(r for r, on in zip(rows, up[:, k], strict=True) if on),
            frozenset(c for c, on in zip(columns, low[k], strict=True) if on),
        )
        for k in np.flatnonzero(up.any(axis=0) & low.any(axis=1))
    }
