"""Decide the function-set question (rules and proofs: `existence.proof.function`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.existence.deep import is_paths
from relu_optima.existence.kink_lifting import MAX_WIDTH, lift_kinks
from relu_optima.existence.pairs import all_pairs_closed, open_pairs, visible_pair
from relu_optima.existence.proof.linear import rectangles
from relu_optima.patterns.sparse import MAX_CELLS, cell_count, dense

if TYPE_CHECKING:
    from relu_optima.patterns.sparse import Mask

DEEP = "several hidden layers: no rule unless the product set is not closed or neurons form paths"


def decide_function(
    masks: Sequence[Mask], product: dict[str, Any], deadline: float
) -> dict[str, Any]:
    """Decide whether the set of network functions on a box is closed."""
    if product["answer"] == "not_closed":
        return {"answer": "not_closed", "proof": {"rule": "B1"}}
    if len(masks) == 1:
        return {"answer": "closed", "proof": {"rule": "no hidden layer"}}
    if len(masks) > 2:
        if is_paths(masks):
            return {"answer": "closed", "proof": {"rule": "paths"}}
        return _unknown(DEEP)
    if product["proof"].get("rule") == "P":
        return {"answer": "closed", "proof": {"rule": "B2"}}
    if cell_count(masks) > MAX_CELLS:
        return _unknown("the masks are too large for all rules but that of closed pairs")
    masks = dense(masks)
    pair = visible_pair(masks)
    if pair is not None:
        return {"answer": "not_closed", "proof": pair}
    if all_pairs_closed(masks, deadline):
        return {"answer": "closed", "proof": {"rule": "B2"}}
    if _is_b5(masks):
        return {"answer": "closed", "proof": {"rule": "B5"}}
    groups = _output_groups(masks)
    if len(groups) > 1:
        return _by_outputs(masks, groups, deadline)
    neurons, rows, columns = rectangles(masks)
    if groups and len(groups[0]) <= MAX_WIDTH:
        for a, b in open_pairs(rows, columns, deadline):
            proof = lift_kinks(masks, [int(neurons[a]), int(neurons[b])], deadline)
            if proof is not None:
                return {"answer": "not_closed", "proof": proof}
    return _unknown("a pair of neurons is not closed, but no kink makes that visible")


def _unknown(reason: str) -> dict[str, Any]:
    return {"answer": "unknown", "proof": {"reason": reason}}


def _is_b5(masks: list[np.ndarray]) -> bool:
    """Recognise two opposite cells and the 2x2 square around them."""
    lower, upper = masks
    live = np.flatnonzero(lower.any(axis=1) & upper.any(axis=0))
    if len(live) != 3:
        return False
    u, v = upper[:, live], lower[live]
    u, v = u[u.any(axis=1)], v[:, v.any(axis=0)]
    if u.shape != (2, 3) or v.shape != (3, 2):
        return False
    sizes = np.stack([u.sum(axis=0), v.sum(axis=1)])
    square = np.flatnonzero((sizes == 2).all(axis=0))
    return (
        len(square) == 1
        and int(sizes.sum()) == 8
        and bool((u.sum(axis=1) == 2).all() and (v.sum(axis=0) == 2).all())
    )


def _output_groups(masks: list[np.ndarray]) -> list[list[int]]:
    """Split the live neurons as finely as possible so that no two groups share an output."""
    lower, upper = masks
    left = np.flatnonzero(lower.any(axis=1) & upper.any(axis=0)).tolist()
    groups = []
    while left:
        inside: set[int] = {left[0]}
        while True:
            fed = upper[:, sorted(inside)].any(axis=1)
            more = {k for k in left if upper[fed, k].any()}
            if more == inside:
                break
            inside = more
        groups.append(sorted(inside))
        left = [k for k in left if k not in inside]
    return groups


def _by_outputs(
    masks: list[np.ndarray], groups: list[list[int]], deadline: float
) -> dict[str, Any]:
    """Decide part by part, saying nothing about the product sets of the parts."""
    parts, undecided = [], ""
    for neurons in groups:
        keep = np.isin(np.arange(len(masks[0])), neurons).astype(np.uint8)
        part_masks = [masks[0] * keep[:, None], masks[1] * keep]
        found = decide_function(part_masks, _unknown("not asked"), deadline)
        part = {"neurons": neurons, "proof": found["proof"]}
        if found["answer"] == "not_closed":
            return {"answer": "not_closed", "proof": {"rule": "outputs", "parts": [part]}}
        if found["answer"] == "unknown":
            undecided = found["proof"]["reason"]
        parts.append(part)
    if undecided:
        return _unknown(undecided)
    return {"answer": "closed", "proof": {"rule": "outputs", "parts": parts}}
