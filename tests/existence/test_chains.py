"""Chains that reach everything (rule Z for chains)."""

import numpy as np
import pytest

from relu_optima.existence import decide
from relu_optima.existence.open_chain import find_open_chain
from relu_optima.existence.proof.open_chain import check_open_chain
from tests.existence.bases import MASKS, make, mask


@pytest.mark.parametrize(
    ("widths", "density"), [((32, 32, 32, 8), 0.5), ((32, 32, 16, 16, 8), 0.9)]
)
def test_erk_chains_reach_everything(widths, density):
    verdict = decide(make("erk", widths=list(widths), density=density))
    assert verdict.method == "Z chain"
    assert verdict.product_set == "closed"
    assert verdict.certificate.problems() == []


def test_the_factors_are_a_point_of_descent_to_any_matrix():
    """Newton from the zero product reaches random matrices on the support."""
    proof = decide(MASKS["Z chain"]).certificate.document["product"]["proof"]
    masks = [np.asarray(m, float) for m in MASKS["Z chain"]]
    rng = np.random.default_rng(0)
    for _ in range(5):
        factors = []
        for m, values in zip(masks, proof["factors"], strict=True):
            layer = np.zeros(m.shape)
            layer[m == 1] = np.array(values) / 1000
            factors.append(layer)
        target = rng.normal(size=(2, 3))
        for _ in range(50):
            rest = target - factors[2] @ factors[1] @ factors[0]
            columns = []
            for number, m in enumerate(masks):
                for i, j in np.argwhere(m == 1):
                    unit = np.zeros(m.shape)
                    unit[i, j] = 1
                    moved = [*factors]
                    moved[number] = unit
                    columns.append((moved[2] @ moved[1] @ moved[0]).ravel())
            step = np.linalg.lstsq(np.array(columns).T, rest.ravel(), rcond=None)[0]
            start = 0
            for number, m in enumerate(masks):
                size = int(m.sum())
                factors[number][m == 1] += step[start : start + size]
                start += size
        assert np.abs(rest).max() < 1e-9


def test_every_layer_may_be_the_one_that_moves():
    """The inner layer of diagonal, full, diagonal; the last of full, diagonal, and so on."""
    full, eye = mask("111", "111", "111"), np.eye(3, dtype=np.uint8)
    for place in range(3):
        masks = [eye, eye, eye]
        masks[place] = full
        proof = find_open_chain(masks, float("inf"))["proof"]
        assert [any(f) for f in proof["factors"]] == [q != place for q in range(3)]
        assert check_open_chain(masks, proof["factors"]) == []


def test_nothing_is_claimed_of_a_chain_that_misses_something():
    low = np.tri(3, dtype=np.uint8)
    assert find_open_chain([low.T, low, np.eye(3, dtype=np.uint8)], float("inf")) is None
    assert find_open_chain([mask("111"), mask("1", "1"), mask("11", "11")], float("inf")) is None
