"""Re-check a whole existence certificate from its JSON alone."""

from __future__ import annotations

from typing import Any

from relu_optima.existence.proof.chain import check_chain
from relu_optima.existence.proof.closed import check_closed
from relu_optima.existence.proof.curve import check_not_closed
from relu_optima.existence.proof.document import ANSWERS, FORMAT, unpack_masks
from relu_optima.existence.proof.finite import check_finite
from relu_optima.existence.proof.function import check_function


def problems_of(document: Any) -> list[str]:
    """List what is wrong with a certificate.

    Parameters
    ----------
    document : JSON value
        The certificate.

    Returns
    -------
    list of str
        Empty if every answer other than ``unknown`` is proved. A document of the wrong form is a
        problem, never an exception.
    """
    try:
        return _problems_of(document)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        return [f"the certificate is malformed: {type(error).__name__}: {error}"]


def _problems_of(document: Any) -> list[str]:
    if document["format"] != FORMAT:
        return [f"format {document['format']!r} is not {FORMAT!r}"]
    masks = unpack_masks(document["layers"])
    problems = []
    for question, allowed in ANSWERS.items():
        if document[question]["answer"] not in allowed:
            problems.append(f"{question}: {document[question]['answer']!r} is no answer")
    if problems:
        return problems
    product, function, finite = (document[q] for q in ("product", "function", "finite"))
    if product["answer"] == "closed":
        check = check_chain if len(masks) > 2 else check_closed
        problems += _tag("product", check(masks, product["proof"]))
    if product["answer"] == "not_closed":
        problems += _tag("product", check_not_closed(masks, product["proof"]))
    problems += _tag(
        "function", check_function(masks, function["answer"], function["proof"], product)
    )
    if finite["proof"].get("rule") == "product set not closed":
        if product["answer"] != "not_closed":
            problems.append("finite: the product set is not proved not closed")
        if len(masks) <= 2:
            problems.append("finite: one hidden layer is decided by Theorem F alone")
    problems += _tag("finite", check_finite(masks, finite["answer"], finite["proof"]))
    return problems


def _tag(question: str, problems: list[str]) -> list[str]:
    return [f"{question}: {problem}" for problem in problems]
