"""Theorem F: which patterns have an optimum on every finite data set, and the data set if not."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.existence import decide


def masks_strategy(r_max=4, side=4):
    def build(args):
        m, r, n, seed, p = args
        rng = np.random.default_rng(seed)
        first, second = rng.random((r, n)) < p, rng.random((m, r)) < p
        first[0, 0] = second[0, 0] = True
        return [first.astype(np.uint8), second.astype(np.uint8)]

    sizes = st.integers(1, side)
    return st.tuples(
        sizes, st.integers(1, r_max), sizes, st.integers(0, 10**6), st.floats(0.2, 0.9)
    ).map(build)


def condition_ii(masks):
    """The theorem's condition, word by word."""
    live = [k for k in range(len(masks[0])) if masks[0][k].any() and masks[1][:, k].any()]
    rows = [set(np.flatnonzero(masks[1][:, k])) for k in live]
    return all(not (a & b) or (a == b and len(a) == 1) for a, b in itertools.combinations(rows, 2))


@settings(deadline=None)
@given(masks_strategy())
def test_answer_is_the_theorem(masks):
    expected = "always" if condition_ii(masks) else "not_always"
    assert decide(masks, time_limit=0.05).optimum == expected


@settings(deadline=None, max_examples=60)
@given(masks_strategy())
def test_data_set_has_infimum_zero_along_the_stated_curve(masks):
    verdict = decide(masks, time_limit=0.05)
    if verdict.optimum == "always":
        return
    X, Y = verdict.counterexample_dataset()
    proof = verdict.certificate.document["finite"]["proof"]
    k, l = proof["neurons"]  # noqa: E741
    losses, norms = [], []
    for eps in (1e-1, 1e-2, 1e-3):
        W1 = np.zeros(masks[0].shape)
        b1 = np.zeros(len(W1))
        W2 = np.zeros(masks[1].shape)

        def read(neuron):
            # the one input that carries s: all coordinates equal s, or a common one does
            seen = [j for j in np.flatnonzero(masks[0][neuron]) if X[:, j].any()]
            W1[neuron, seen[0]] = 1.0  # noqa: B023

        for neuron in (k, l, *[q for q, _ in proof["row_of"]]):
            read(neuron)
        b1[k], b1[l] = eps, -eps
        W2[proof["row_shared"], [k, l]] = 1 / eps, -1 / eps
        W2[proof["row_other"], k] = 1.0
        for q, (neuron, row) in enumerate(proof["row_of"], start=1):
            b1[neuron] = -(2 * q + 1)
            W2[row, neuron] = 1.0
        assert not (W1 * (1 - masks[0].astype(float))).any()
        assert not (W2 * (1 - masks[1].astype(float))).any()
        out = np.maximum(X @ W1.T + b1, 0) @ W2.T
        losses.append(np.square(out - Y).sum())
        norms.append(np.square(W2).sum())
    assert losses[1] < 2e-2 * losses[0]
    assert losses[2] < 2e-2 * losses[1]
    assert norms[2] > 50 * norms[1]
    assert len(X) == 2 * (2 + len(proof["row_of"])) + 1


@settings(deadline=None, max_examples=60)
@given(masks_strategy())
def test_second_differences_are_those_of_the_proof(masks):
    """e_i0, e_i1, -e_i0 at s = -1, 0, 1, one unit vector at each p = 2 q + 1, nothing elsewhere."""
    verdict = decide(masks, time_limit=0.05)
    if verdict.optimum == "always":
        return
    Y = verdict.counterexample_dataset()[1]
    proof = verdict.certificate.document["finite"]["proof"]
    expected = np.zeros((len(Y) - 2, Y.shape[1]))
    expected[[0, 1, 2], [proof["row_shared"], proof["row_other"], proof["row_shared"]]] = 1, 1, -1
    for q, (_, row) in enumerate(proof["row_of"], start=1):
        expected[2 * q + 2, row] = 1
    assert np.array_equal(Y[2:] - 2 * Y[1:-1] + Y[:-2], expected)


def test_dense_one_two_two_cannot_fit_its_five_points():
    """Every placement of two kinks, each with its best linear fit, leaves an error."""
    X, Y = decide([np.ones((2, 1)), np.ones((2, 2))]).counterexample_dataset()
    assert X.shape == (5, 1)
    s = X[:, 0]
    second = (Y[2:] - 2 * Y[1:-1] + Y[:-2]).T
    best = np.inf
    # a neuron's second difference is (t, 1 - t) on two adjacent interior points, up to scale
    grid = np.linspace(0, 1, 21)
    kinks = [np.eye(3)[p] * t + (np.eye(3)[p + 1] * (1 - t)) for p in (0, 1) for t in grid]
    for a, b in itertools.combinations(kinks, 2):
        D = np.stack([a, b])
        fit = second @ np.linalg.pinv(D) @ D
        best = min(best, np.square(fit - second).sum())
    assert s.tolist() == [-2, -1, 0, 1, 2]
    assert best > 1e-6


@pytest.mark.parametrize("r", [2, 5, 9])
def test_scalar_output_always_has_an_optimum(r):
    verdict = decide([np.ones((r, 4)), np.ones((1, r))])
    assert verdict.optimum == "always"
    assert verdict.certificate.verify()
