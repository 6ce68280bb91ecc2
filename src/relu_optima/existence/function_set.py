"""Decide the function-set question (rules and proofs: `existence.proof.function`)."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from relu_optima.existence.closed_search import prove_component
from relu_optima.existence.kink_lifting import lift_kinks
from relu_optima.existence.proof.function import (
    MAX_SUBSET_WIDTH,
    is_b5,
    live_rectangles,
    output_groups,
    restricted,
)
from relu_optima.existence.reduction import Piece, distinct_area, split_components
from relu_optima.existence.two_layers import LIGHT, MAX_AREA, decide_two_layers

Kinks = list[tuple[dict[int, Fraction], dict[int, Fraction]]]
SUBSET_WIDTH = 6  # all subsets of the neurons are decided up to this width


def decide_function(
    masks: list[np.ndarray], product: dict[str, Any], deadline: float
) -> dict[str, Any]:
    """Decide whether the set of network functions on a box is closed.

    Parameters
    ----------
    masks : list of array of uint8
        The layers, first layer first.
    product : dict
        Answer and proof for the product set.
    deadline : float
        `time.monotonic` value at which to stop.

    Returns
    -------
    dict
        ``answer`` and ``proof``.
    """
    if product["answer"] == "not_closed":
        return {"answer": "not_closed", "proof": {"rule": "B1"}}
    if len(masks) == 1:
        return {"answer": "closed", "proof": {"rule": "no hidden layer"}}
    if len(masks) > 2:
        return _unknown(
            "no rule for more than one hidden layer unless the product set is not closed"
        )
    components = _hereditary(masks)
    if components is not None:
        return {"answer": "closed", "proof": {"rule": "B2", "components": components}}
    if product["answer"] == "unknown":
        return _unknown("the product set is undecided")
    if is_b5(masks):
        return {"answer": "closed", "proof": {"rule": "B5"}}
    groups = output_groups(masks)
    if len(groups) > 1:
        found = _by_outputs(masks, groups, product, deadline)
        if found["answer"] != "unknown":
            return found
    if len(live_rectangles(masks)) > min(SUBSET_WIDTH, MAX_SUBSET_WIDTH):
        return _unknown("too many neurons to decide every subset, and no structural rule applies")
    return _by_subsets(masks, deadline)


def _unknown(reason: str) -> dict[str, Any]:
    return {"answer": "unknown", "proof": {"reason": reason}}


def _by_outputs(
    masks: list[np.ndarray], groups: list[list[int]], product: dict[str, Any], deadline: float
) -> dict[str, Any]:
    """Decide part by part; the product set is closed, hence that of every part is."""
    parts, undecided = [], ""
    for neurons in groups:
        found = decide_function(restricted(masks, neurons), product, deadline)
        part = {"neurons": neurons, "proof": found["proof"]}
        if found["answer"] == "not_closed":
            return {"answer": "not_closed", "proof": {"rule": "outputs", "parts": [part]}}
        if found["answer"] == "unknown":
            undecided = found["proof"]["reason"]
        parts.append(part)
    if undecided:
        return _unknown(undecided)
    return {"answer": "closed", "proof": {"rule": "outputs", "parts": parts}}


def _hereditary(masks: list[np.ndarray]) -> list[dict[str, Any]] | None:
    """Prove every subset closed by rules that pass to subsets."""
    if distinct_area(masks[0], masks[1]) > MAX_AREA:
        return None
    pieces = [
        Piece(k, tuple(sorted(rows)), tuple(sorted(columns)))
        for k, rows, columns in live_rectangles(masks)
    ]
    everywhere = np.ones((masks[1].shape[0], masks[0].shape[1]), bool)
    out: list[dict[str, Any]] = []
    for component in split_components(pieces, everywhere):
        neurons = [p.neuron for p in component]
        rows = {i for p in component for i in p.rows}
        columns = {j for p in component for j in p.columns}
        if min(len(rows), len(columns)) == 1:
            out.append({"neurons": neurons, "rule": "line"})
            continue
        found = prove_component(component, everywhere, rules=("C2",))
        if found is None:
            return None
        out.append({"neurons": neurons, "rule": "C2", "data": found["data"]})
    return out


def _distinct_subsets(masks: list[np.ndarray]) -> Iterator[list[int]]:
    """List subsets of the live neurons, small ones first, one of each kind."""
    rectangles = live_rectangles(masks)
    seen = set()
    for size in range(1, len(rectangles) + 1):
        for chosen in itertools.combinations(rectangles, size):
            key = tuple(sorted((tuple(sorted(s)), tuple(sorted(t))) for _, s, t in chosen))
            if key not in seen:
                seen.add(key)
                yield [k for k, _, _ in chosen]


def _by_subsets(masks: list[np.ndarray], deadline: float) -> dict[str, Any]:
    proofs = []
    not_closed = []
    undecided = False
    for neurons in _distinct_subsets(masks):
        if time.monotonic() > deadline:
            return _unknown("time limit")
        lower, upper = restricted(masks, neurons)
        found = decide_two_layers(lower, upper, deadline, LIGHT)
        if found["answer"] == "closed":
            proofs.append({"neurons": neurons, "proof": found["proof"]})
        elif found["answer"] == "not_closed":
            not_closed.append(neurons)
        else:
            undecided = True
    if not not_closed and not undecided:
        return {"answer": "closed", "proof": {"rule": "B2", "subsets": proofs}}
    for subset in sorted(not_closed, key=len, reverse=True):
        proof = lift_kinks(masks, subset, deadline)
        if proof is not None:
            return {"answer": "not_closed", "proof": proof}
    if not not_closed:
        return _unknown("the product set of a subset of the neurons is undecided")
    return _unknown("a subset of the neurons is not closed, but no kink makes that visible")
