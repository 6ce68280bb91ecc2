"""A standing attack on the checker: directed forgeries, and mutants of true certificates.

More mutants: ``EXISTENCE_MUTANTS=100000 python -m pytest tests/existence/test_forgeries.py``.
"""

import json
import os

import numpy as np
import pytest

from relu_optima.existence.proof import function
from relu_optima.existence.proof.verify import problems_of
from tests.existence.bases import MASKS, document, truth
from tests.existence.forgeries import forged, random_mutant

MUTANTS = int(os.environ.get("EXISTENCE_MUTANTS", "1500"))
QUESTIONS = ("product", "function", "finite")


@pytest.mark.parametrize(("name", "question", "value"), list(forged()), ids=lambda x: str(x)[:40])
def test_a_forgery_is_refused(name, question, value):
    problems = problems_of(value)
    assert problems
    assert question in problems[0] or "malformed" in problems[0]
    problems = problems_of(json.loads(json.dumps(value)))
    assert problems


@pytest.mark.parametrize(("name", "question", "value"), list(forged()), ids=lambda x: str(x)[:40])
def test_a_forgery_claims_something_false(name, question, value):
    """Otherwise accepting it would be no mistake, and the test above no test."""
    true = truth(value)[question]
    claimed = value[question]["answer"]
    answers = {"closed": "not_closed", "not_closed": "closed"}
    answers |= {"always": "not_always", "not_always": "always"}
    assert true["answer"] == answers[claimed] or name in UNDECIDED


UNDECIDED = {"no diagonal", "not a triangle", "an output shared"}


def test_no_mutant_proves_something_false():
    """What is accepted of a damaged certificate is true of the masks that it then names."""
    rng = np.random.default_rng(int(os.environ.get("EXISTENCE_SEED", "0")))
    names = list(MASKS)
    accepted = 0
    for _ in range(MUTANTS):
        _, value = random_mutant(rng, names)
        if problems_of(value):
            continue
        accepted += 1
        claims = {q: value[q]["answer"] for q in QUESTIONS}
        true = truth(value)
        for question, claim in claims.items():
            assert claim in ("unknown", true[question]["answer"]) or (
                true[question]["answer"] == "unknown"
            )
    assert accepted < MUTANTS / 2


@pytest.mark.parametrize("value", [None, 3, [], {}, "x", {"format": []}, {"format": {}}, [[[]]]])
def test_anything_else_is_a_problem(value):
    assert problems_of(value)


def test_nesting_is_a_problem():
    value = json.loads(json.dumps(document("hole")))
    tree = None
    for _ in range(20_000):
        tree = ["u", 0, 0, tree, None]
    value["product"]["proof"]["refutation"]["tree"] = tree
    assert problems_of(value)


def test_carriers_are_all_that_may_carry():
    """Neurons that see the kink's inputs, either way, whose outputs together cover its rows."""
    masks = [np.asarray(m, np.uint8) for m in MASKS["B4"]]
    kinks = [({0: 1}, {1: 2})]  # row 0, input 1: neurons 0 and 2 feed it, all three see it
    choices = list(function._carrier_choices(masks, kinks))
    assert len(choices) == len(set(choices)) == 3**3 - 3
    assert all({k for k, _, _ in choice} & {0, 2} for choice in choices)
    assert len(list(function._carrier_choices(masks, [({0: 1}, {0: 1})]))) == 3**2 - 1


def test_rows_that_both_orientations_reach_are_free():
    """Their share of the kink may be anything: one more neuron stands for it."""
    masks = [np.asarray(m, np.uint8) for m in MASKS["B4"]]
    carriers = ((0, 0, False), (2, 0, True))
    (lower, upper), target = function._residual_problem(
        masks, {}, [({0: 1, 1: 1}, {1: 2})], carriers
    )
    assert target == {}
    assert lower.tolist() == [[0, 0], [0, 1], [0, 0], [0, 1]]
    assert upper.tolist() == [[0, 0, 0, 1], [0, 1, 0, 1]]
