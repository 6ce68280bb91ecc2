"""Decide, for a sparsity pattern, all three questions about the existence of optima."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from relu_optima.errors import SolveInputError
from relu_optima.existence.certificate import Certificate
from relu_optima.existence.chain import decide_chain
from relu_optima.existence.deadline import TIME_LIMIT, TimeUp
from relu_optima.existence.finite_data import decide_finite
from relu_optima.existence.function_set import decide_function
from relu_optima.existence.proof.document import FORMAT, pack_masks
from relu_optima.existence.quantifiers import ask_z3
from relu_optima.existence.two_layers import decide_two_layers
from relu_optima.existence.verdict import Verdict
from relu_optima.patterns.layers import FREE, PARTIAL, Layer


def decide_layers(layers: Sequence[Layer], time_limit: float, z3_rlimit: int = 0) -> Verdict:
    """Decide all three questions for checked layers, see `relu_optima.existence.decide`."""
    start = time.monotonic()
    if not time_limit > 0:
        raise SolveInputError(f"{time_limit} was given", where="time_limit", allowed="> 0 seconds")
    if z3_rlimit < 0:
        raise SolveInputError(f"{z3_rlimit} was given", where="z3_rlimit", allowed=">= 0")
    masks = [layer.mask for layer in layers]
    deadline = start + time_limit

    def in_time(search: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return search()
        except TimeUp:
            return {"answer": "unknown", "proof": {"reason": TIME_LIMIT}}

    product = in_time(lambda: decide_product(masks, deadline))
    if z3_rlimit and product["answer"] == "unknown" and len(masks) == 2:
        undecided = product
        product = in_time(lambda: ask_z3(masks[0], masks[1], z3_rlimit, deadline) or undecided)
    function = in_time(lambda: decide_function(masks, product, deadline))
    finite = decide_finite(masks, product)
    biases = [layer.bias for layer in layers]
    function, finite = _with_biases(function, biases), _with_biases(finite, biases)
    document = {
        "format": FORMAT,
        "layers": pack_masks(masks),
        "product": product,
        "function": function,
        "finite": finite,
    }
    proof = product["proof"]
    return Verdict(
        product["answer"],
        function["answer"],
        finite["answer"],
        proof.get("rule") or proof["reason"],
        time.monotonic() - start,
        Certificate(document),
    )


def _with_biases(part: dict[str, Any], biases: list[str]) -> dict[str, Any]:
    """Withhold an answer that is proved for free biases only from a network without them.

    Without a hidden layer nothing depends on biases. Theorem F's data sets without optimum need
    the hidden biases; that every data set has one holds for any hidden biases and for output
    biases that are all free or all absent.
    """
    rule = part["proof"].get("rule")
    hidden, output = set(biases[:-1]), biases[-1]
    if part["answer"] == "unknown" or rule == "no hidden layer" or {*hidden, output} == {FREE}:
        return part
    if rule == "Theorem F" and part["answer"] == "always" and output != PARTIAL:
        return part
    if rule == "Theorem F" and part["answer"] == "not_always" and hidden == {FREE}:
        return part
    return {
        "answer": "unknown",
        "proof": {"reason": "it is decided for free biases only, and the network lacks some"},
    }


def decide_product(masks: list[np.ndarray], deadline: float) -> dict[str, Any]:
    """Decide whether the set of products W_L ... W_1 is closed."""
    if len(masks) == 1:
        return {"answer": "closed", "proof": {"rule": "one layer"}}
    if len(masks) > 2:
        return decide_chain(masks, deadline)
    return decide_two_layers(masks[0], masks[1], deadline)
