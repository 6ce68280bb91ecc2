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
from relu_optima.patterns.masks import check_masks


def decide(masks: Sequence[np.ndarray], time_limit: float = 10.0, z3_rlimit: int = 0) -> Verdict:
    """Decide closedness of the product set and the function set, and existence on finite data.

    Parameters
    ----------
    masks : sequence of array, shape (n_out, n_in)
        Entries 0 and 1, first layer first.
    time_limit : float, optional
        Wall-clock seconds after which the search ends. It decides nothing: an answer is what any
        longer limit gives, or ``unknown`` with the reason ``time limit`` (`Verdict.timed_out`).
    z3_rlimit : int, optional
        Ask z3 about the product set of two layers that no rule decides, with this deterministic
        resource limit. Its answer has no certificate: `Certificate.verify` is False then, and
        `Certificate.unsupported` names the answers that rest on it. 0: do not ask.

    Returns
    -------
    Verdict
        Three answers, never a guess, and one certificate for all of them.

    Raises
    ------
    DataError
        If the masks are not 0/1 matrices that chain.
    SolveInputError
        If the time limit is not positive or the resource limit negative.
    """
    start = time.monotonic()
    if not time_limit > 0:
        raise SolveInputError(f"{time_limit} was given", where="time_limit", allowed="> 0 seconds")
    if z3_rlimit < 0:
        raise SolveInputError(f"{z3_rlimit} was given", where="z3_rlimit", allowed=">= 0")
    layers = check_masks(masks, "masks")
    deadline = start + time_limit

    def in_time(search: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return search()
        except TimeUp:
            return {"answer": "unknown", "proof": {"reason": TIME_LIMIT}}

    product = in_time(lambda: decide_product(layers, deadline))
    if z3_rlimit and product["answer"] == "unknown" and len(layers) == 2:
        undecided = product
        product = in_time(lambda: ask_z3(layers[0], layers[1], z3_rlimit, deadline) or undecided)
    function = in_time(lambda: decide_function(layers, product, deadline))
    finite = decide_finite(layers, product)
    document = {
        "format": FORMAT,
        "layers": pack_masks(layers),
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


def decide_product(masks: list[np.ndarray], deadline: float) -> dict[str, Any]:
    """Decide whether the set of products W_L ... W_1 is closed.

    Parameters
    ----------
    masks : list of array of uint8
        The layers, first layer first.
    deadline : float
        `time.monotonic` value at which to stop.

    Returns
    -------
    dict
        ``answer`` and ``proof``.
    """
    if len(masks) == 1:
        return {"answer": "closed", "proof": {"rule": "one layer"}}
    if len(masks) > 2:
        return decide_chain(masks, deadline)
    return decide_two_layers(masks[0], masks[1], deadline)
