r"""Check answers to the function-set question: network functions on a box, uniform norm.

**B1.** If the product set L is not closed, neither is the function set. With large hidden biases a
network is affine on the box with any slope in L, so A x is a limit for A in cl L \\ L. If A x were
a network function, its slope near a generic point would be W2 D W1 with D a 0/1 diagonal, which
W2 absorbs: A in L, a contradiction. (The same for deep chains.)

**B2.** If the product set of every subset of the neurons is closed, so is the function set.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relu_optima.existence.proof.closed import check_closed

# rules of `proof.closed` whose hypothesis passes to every subset of the neurons
HEREDITARY = ("one layer",)


def check_function(
    masks: list[np.ndarray], answer: str, proof: dict[str, Any], product: dict[str, Any]
) -> list[str]:
    """Check an answer to the function-set question.

    Parameters
    ----------
    masks : list of array of uint8
        The layers, first layer first.
    answer : str
        ``closed``, ``not_closed`` or ``unknown``.
    proof : dict
        ``rule`` and its data.
    product : dict
        The part about the product set, checked before.

    Returns
    -------
    list of str
        Problems; empty if the answer is proved.
    """
    rule = proof.get("rule")
    if answer == "unknown":
        return []
    if rule == "B1" and answer == "not_closed":
        return [] if product["answer"] == "not_closed" else ["the product set is not not_closed"]
    if rule == "B2" and answer == "closed":
        inner = proof["every_subset"]
        if inner.get("rule") not in HEREDITARY:
            return ["this rule does not pass to subsets of the neurons"]
        return check_closed(masks, inner)
    return [f"rule {rule!r} does not prove {answer!r}"]
