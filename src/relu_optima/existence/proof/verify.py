"""Re-check a whole existence certificate from its JSON alone.

One kind of answer cannot be re-checked: that of a general solver (`ORACLE`), asked after all rules
failed. `problems_of` accepts such an entry as what it says it is, and `unsupported_of` lists it
with every answer that rests on it, so that it is never taken for a proof.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relu_optima.existence.proof.chain import check_chain
from relu_optima.existence.proof.closed import check_closed
from relu_optima.existence.proof.curve import check_not_closed
from relu_optima.existence.proof.dimension import check_full_dimension
from relu_optima.existence.proof.document import (
    ANSWERS,
    FORMAT,
    FULL_DIMENSION,
    ORACLE,
    unpack_biases,
    unpack_masks,
)
from relu_optima.existence.proof.finite import check_finite
from relu_optima.existence.proof.function import check_function
from relu_optima.existence.proof.values import integer
from relu_optima.patterns.sparse import dense


def problems_of(document: Any) -> list[str]:
    """List what is wrong with a certificate."""
    try:
        return _problems_of(document)
    except Exception as error:  # noqa: BLE001 (whatever a forged document makes go wrong)
        return [f"the certificate is malformed: {type(error).__name__}: {error}"]


def _problems_of(document: Any) -> list[str]:
    if document["format"] != FORMAT:
        return [f"the format is not {FORMAT!r}"]
    masks = unpack_masks(document["layers"])
    biases = unpack_biases(document, masks)
    problems = []
    for question, allowed in ANSWERS.items():
        answer, proof = document[question]["answer"], document[question]["proof"]
        if answer not in allowed:
            problems.append(f"{question}: {answer!r} is no answer")
        elif answer == "unknown" and not isinstance(proof.get("reason"), str):
            problems.append(f"{question}: there is no reason why the answer is unknown")
    if problems:
        return problems
    product, function, finite = (document[q] for q in ("product", "function", "finite"))
    if product["answer"] == "unknown" and product["proof"]["reason"] == FULL_DIMENSION:
        point = product["proof"]["full_dimension"]
        problems += _tag("product", check_full_dimension(dense(masks), point))
    if product["proof"].get("rule") == ORACLE:
        problems += _tag("product", _check_oracle(masks, product))
    elif product["answer"] == "closed":
        check = check_chain if len(masks) > 2 else check_closed
        problems += _tag("product", check(masks, product["proof"]))
    elif product["answer"] == "not_closed":
        problems += _tag("product", check_not_closed(masks, product["proof"]))
    problems += _tag(
        "function", check_function(masks, function["answer"], function["proof"], product)
    )
    if biases is not None and function["answer"] != "unknown":
        problems += ["function: its rules are about free biases"]
    problems += _tag(
        "finite", check_finite(masks, finite["answer"], finite["proof"], product, biases)
    )
    return problems


def unsupported_of(document: Any) -> list[str]:
    """List the answers that rest on a solver's word."""
    proof = document["product"]["proof"]
    if proof.get("rule") != ORACLE:
        return []
    lines = [f"product: the answer is that of z3 {proof['version']}, which cannot be re-checked"]
    if document["function"]["proof"].get("rule") == "B1":
        lines.append("function: the answer follows from that about the product set")
    return lines


def _check_oracle(masks: list[np.ndarray], product: dict[str, Any]) -> list[str]:
    proof = product["proof"]
    if product["answer"] == "unknown":
        return ["an unknown answer rests on z3"]
    if len(masks) != 2:
        return ["z3 is only asked about two layers"]
    if not isinstance(proof["version"], str) or integer(proof["rlimit"]) < 0:
        return ["version or resource limit of z3 is missing"]
    return []


def _tag(question: str, problems: list[str]) -> list[str]:
    return [f"{question}: {problem}" for problem in problems]
