"""Chains of several hidden layers that form trees or paths."""

import itertools

import numpy as np
import pytest

from relu_optima.existence.deep import is_forest, is_paths
from relu_optima.existence.proof.deep import check_paths, check_trees
from relu_optima.patterns.sparse import as_list
from tests.existence.bases import judged, mask


def test_search_and_checker_agree_on_random_chains():
    rng = np.random.default_rng(0)
    found = [0, 0]
    for number in range(200):
        widths = rng.integers(1, 4, int(rng.integers(4, 6)))
        masks = [
            (rng.random((b, a)) < rng.uniform(0.2, 0.8)).astype(np.uint8)
            for a, b in itertools.pairwise(widths)
        ]
        answers = [is_forest(masks), is_paths(masks)]
        assert answers == [check_trees(masks) == [], check_paths(masks) == []]
        assert answers[0] or not answers[1]  # paths are trees
        found = [a + b for a, b in zip(found, answers, strict=True)]
        if number < 30:
            listed = [as_list(m) for m in masks]
            assert answers == [is_forest(listed), is_paths(listed)]
            assert answers == [check_trees(listed) == [], check_paths(listed) == []]
    assert min(found) > 20


@pytest.mark.parametrize(
    ("masks", "function", "finite"),
    [
        ([mask("110", "011"), mask("10", "01"), mask("10", "10", "01")], "closed", "always"),
        ([mask("11", "11", "11"), mask("110", "001"), mask("11")], "unknown", "always"),
        ([mask("11", "11"), mask("11"), mask("1", "1")], "unknown", "always"),
        ([mask("11", "11"), mask("11", "11"), mask("11")], "unknown", "unknown"),
        # a neuron that no input reaches is a constant, and binds nothing
        ([mask("11", "00"), mask("11"), mask("1", "1")], "closed", "always"),
    ],
)
def test_answers_about_small_chains(masks, function, finite):
    verdict = judged(masks)
    assert (verdict.function_set, verdict.optimum) == (function, finite)
    assert verdict.certificate.problems() == []


def test_the_values_of_a_tree_fill_a_cone():
    """Sizes of inner weights move into the weights from the inputs: the proof's first step."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(7, 3))
    first, bias, inner, above = (rng.normal(size=s) for s in ((4, 3), 4, 4, 2))
    pairs = inner.reshape(2, 2)

    def values(first, bias, pairs, above):
        hidden = np.maximum(X @ first.T + bias, 0)
        return np.maximum(np.einsum("nkq,kq->nk", hidden.reshape(7, 2, 2), pairs) + above, 0)

    size = np.abs(inner)
    moved = values(first * size[:, None], bias * size, np.sign(pairs), above)
    np.testing.assert_allclose(moved, values(first, bias, pairs, above), atol=1e-12)
    thrice = values(3 * first * size[:, None], 3 * bias * size, np.sign(pairs), 3 * above)
    np.testing.assert_allclose(thrice, 3 * moved, atol=1e-12)
