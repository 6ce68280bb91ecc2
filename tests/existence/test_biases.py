"""Optima on finite data where biases are missing (``proof.biases``)."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from relu_optima.existence import decide
from relu_optima.existence.proof.verify import problems_of
from tests.existence.bases import mask, with_biases

ONE_TO_TWO = [mask("1"), mask("1", "1")]
WIDE = [mask("11"), mask("1", "1")]
CASES = {
    "one neuron, a bias on one of two outputs": (ONE_TO_TWO, "1", "10", "not_always"),
    "no output bias": (ONE_TO_TWO, "1", "00", "always"),
    "fixed: its values are multiples of one vector": (ONE_TO_TWO, "0", "10", "always"),
    "the other input is the bias": (WIDE, "0", "10", "not_always"),
    "a neuron without input is an output bias": (
        [mask("1", "0"), mask("11", "10")], "11", "00", "not_always"),
    "but not without a bias of its own": (
        [mask("1", "0"), mask("11", "10")], "10", "00", "always"),
    "a fixed neuron that feeds one output": (
        [mask("11", "10"), mask("11", "10")], "00", "00", "unknown"),
    "a fixed neuron that feeds both": ([mask("11", "10"), mask("11", "11")], "00", "00", "always"),
    "fixed neurons share outputs": ([mask("1", "1"), mask("11", "11")], "00", "01", "always"),
    "movable neurons do": ([mask("11", "11"), mask("11", "11")], "00", "00", "not_always"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_missing_biases_are_decided(name):
    masks, hidden, output, answer = CASES[name]
    verdict = decide(with_biases(masks, hidden, output))
    assert verdict.optimum == answer
    assert verdict.certificate.problems() == []
    assert verdict.function_set == "unknown"


def drawn(seed):
    rng = np.random.default_rng(seed)
    n, r, m = rng.integers(1, 4, 3)
    masks = [(rng.random(s) < rng.uniform(0.3, 0.9)).astype(np.uint8) for s in ((r, n), (m, r))]
    for q in masks:
        q.flat[rng.integers(q.size)] = 1
    texts = ["".join(rng.choice(["0", "1"], side)) for side in (r, m)]
    return masks, texts


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**9))
def test_with_all_hidden_biases_nothing_stays_open(seed):
    masks, (hidden, output) = drawn(seed)
    verdict = decide(with_biases(masks, "1" * len(hidden), output))
    assert verdict.optimum != "unknown"
    assert verdict.certificate.problems() == []


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**9))
def test_any_biases_give_a_true_certificate_and_the_other_answer_none(seed):
    masks, texts = drawn(seed)
    verdict = decide(with_biases(masks, *texts))
    document = verdict.certificate.document
    assert problems_of(document) == []
    if verdict.optimum == "not_always":
        proof = {"rule": "Theorem F"}
        assert problems_of({**document, "finite": {"answer": "always", "proof": proof}})


def relu(x):
    return np.maximum(x, 0)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**9))
def test_the_data_set_is_approached_by_the_curve_of_the_proof(seed):
    """Weights on the masks, biases where they are free, loss below any bound."""
    masks, (hidden, output) = drawn(seed)
    verdict = decide(with_biases(masks, hidden, output))
    if verdict.optimum != "not_always":
        return
    X, Y = verdict.counterexample_dataset()
    proof = verdict.certificate.document["finite"]["proof"]
    errors = [
        np.abs(network(masks, hidden, output, proof, eps, X) - Y).max() for eps in (0.1, 0.01)
    ]
    assert errors[0] < 0.5
    assert 0 < errors[1] < 0.15 * errors[0]


def network(masks, hidden, output, proof, eps, X):
    """The outputs of the curve at one eps, every weight and bias checked against its mask."""
    lower, upper = masks
    W1, b1 = np.zeros(lower.shape), np.zeros(len(lower))
    W2, b2 = np.zeros(upper.shape), np.zeros(len(upper))

    def affine(k, slope, constant):
        """Let neuron k see slope * s + constant."""
        seen = np.flatnonzero(lower[k])
        if hidden[k] == "1":
            W1[k, seen[0]], b1[k] = slope, constant - slope * (seen[0] + 3)
        else:
            a, b = seen[:2]
            W1[k, b] = (constant - slope * (a + 3)) / (b - a)
            W1[k, a] = slope - W1[k, b]

    if proof["rule"] == "output biases":
        k, i0, i1 = proof["neuron"], proof["constant"], proof["other"]
        W1[k, proof["columns"][0]] = 1
        if hidden[k] == "1":
            b1[k] = 1 / eps
        else:
            W1[k, proof["columns"][1]] = 1 / eps
        W2[i0, k], W2[i1, k] = 1, eps
        if output[i0] == "1":
            b2[i0] = -1 / eps
        else:
            q = next(q for q in range(len(lower)) if not lower[q].any() and upper[i0, q])
            assert hidden[q] == "1"
            b1[q], W2[i0, q] = 1, -1 / eps
    else:
        first, second = proof["neurons"]
        i0, i1 = proof["row_shared"], proof["row_other"]
        affine(first, 1, eps)
        affine(second, 1, -eps)
        W2[i0, first], W2[i1, first], W2[i0, second] = 1 / eps, 1, -1 / eps
        for number, (q, row) in enumerate(proof["row_of"], start=1):
            affine(q, 1, -(2 * number + 1))
            W2[row, q] += 1
    assert not W1[lower == 0].any()
    assert not W2[upper == 0].any()
    return relu(X @ W1.T + b1) @ W2.T + b2


def test_a_pruned_bias_is_read_from_a_module():
    model = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 2))
    prune.custom_from_mask(model[2], "bias", torch.tensor([1, 0]))
    verdict = decide(model)
    assert verdict.optimum == "not_always"
    X, Y = verdict.counterexample_dataset()
    assert X.tolist() == [[0.0], [1.0]]
    assert Y.tolist() == [[0.0, 1.0], [1.0, 1.0]]
