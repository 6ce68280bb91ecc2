"""Decide, for a sparsity pattern, all three questions about the existence of optima."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from relu_optima.errors import SolveInputError
from relu_optima.existence.certificate import Certificate
from relu_optima.existence.chain import decide_chain, peel_all
from relu_optima.existence.deadline import TIME_LIMIT, TimeUp
from relu_optima.existence.finite_data import decide_finite
from relu_optima.existence.function_set import decide_function
from relu_optima.existence.pairs import all_pairs_closed
from relu_optima.existence.proof.document import FORMAT, Biases, pack_masks
from relu_optima.existence.quantifiers import ask_z3
from relu_optima.existence.two_layers import decide_two_layers
from relu_optima.existence.verdict import Verdict
from relu_optima.patterns.layers import FREE, Layer
from relu_optima.patterns.sparse import MAX_CELLS, cell_count, dense, is_sparse

if TYPE_CHECKING:
    from relu_optima.patterns.sparse import Mask

TOO_LARGE = "the masks are too large for all rules but that of pairs and peeling"


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
    if _is_for_z3(masks, product, z3_rlimit):
        undecided = product
        lower, upper = dense(masks)
        product = in_time(lambda: ask_z3(lower, upper, z3_rlimit, deadline) or undecided)
    function = in_time(lambda: decide_function(masks, product, deadline))
    biases = missing_biases(layers)
    finite = decide_finite(masks, product, biases)
    if any(layer.bias != FREE for layer in layers):
        function = _if_free(function)
        finite = finite if biases is not None else _if_free(finite)
    document = {
        "format": FORMAT,
        "layers": pack_masks(masks),
        "product": product,
        "function": function,
        "finite": finite,
    }
    if biases is not None:
        document["biases"] = pack_masks([biases.hidden[None], biases.output[None]])
    proof = product["proof"]
    return Verdict(
        product["answer"],
        function["answer"],
        finite["answer"],
        proof.get("rule") or proof["reason"],
        time.monotonic() - start,
        Certificate(document),
    )


def _is_for_z3(masks: Sequence[Mask], product: dict[str, Any], z3_rlimit: int) -> bool:
    few = len(masks) == 2 and cell_count(masks) <= MAX_CELLS
    return z3_rlimit > 0 and product["answer"] == "unknown" and few


def missing_biases(layers: Sequence[Layer]) -> Biases | None:
    """Say which biases of one hidden layer are free; None if all are, or it is not known."""
    if len(layers) != 2 or all(layer.bias == FREE for layer in layers):
        return None
    hidden, output = (layer.free_biases for layer in layers)
    return None if hidden is None or output is None else Biases(hidden, output)


def _if_free(part: dict[str, Any]) -> dict[str, Any]:
    """Withhold an answer that is proved for free biases only; without hidden layer none counts."""
    if part["answer"] == "unknown" or part["proof"].get("rule") == "no hidden layer":
        return part
    reason = "it is decided for free biases only, and the network lacks some"
    return {"answer": "unknown", "proof": {"reason": reason}}


def decide_product(masks: Sequence[Mask], deadline: float) -> dict[str, Any]:
    """Decide whether the set of products W_L ... W_1 is closed."""
    if len(masks) == 1:
        return {"answer": "closed", "proof": {"rule": "one layer"}}
    large = any(is_sparse(mask) for mask in masks)
    if large and len(masks) == 2 and all_pairs_closed(masks, deadline):
        return {"answer": "closed", "proof": {"rule": "P"}}
    if large and len(masks) > 2:
        peeled = peel_all(masks, deadline)
        if peeled is not None:
            return peeled
    if large and cell_count(masks) > MAX_CELLS:
        return {"answer": "unknown", "proof": {"reason": TOO_LARGE}}
    arrays = dense(masks)
    if len(masks) > 2:
        return decide_chain(arrays, deadline)
    return decide_two_layers(arrays[0], arrays[1], deadline)
