"""Square masks that are nearly full: full dimension, and no search."""

import numpy as np
import pytest

from relu_optima.existence import not_closed
from relu_optima.existence.dimension import find_full_dimension
from relu_optima.existence.proof.dimension import check_full_dimension
from relu_optima.existence.proof.document import FULL_DIMENSION
from tests.existence.bases import judged, make


def dimension(lower, upper, rng):
    """Rank of the derivative of the product at a random point."""
    U, V = upper * rng.normal(size=upper.shape), lower * rng.normal(size=lower.shape)
    lines = []
    for i, k in np.argwhere(upper):
        change = np.zeros((len(U), V.shape[1]))
        change[i] = V[k]
        lines.append(change.ravel())
    for k, j in np.argwhere(lower):
        change = np.zeros((len(U), V.shape[1]))
        change[:, j] = U[:, k]
        lines.append(change.ravel())
    return np.linalg.matrix_rank(np.array(lines))


def test_a_proof_means_that_the_derivative_is_onto():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(40):
        m, r, n = rng.integers(3, 8, 3)
        lower, upper = (
            (rng.random(shape) < rng.uniform(0.4, 1)).astype(np.uint8) for shape in ((r, n), (m, r))
        )
        proof = find_full_dimension(lower, upper, float("inf"))
        full = dimension(lower, upper, rng) == ((upper @ lower) > 0).sum()
        assert full or proof is None
        found += proof is not None
        if proof is not None:
            assert check_full_dimension([lower, upper], proof["full_dimension"]) == []
    assert 5 < found < 40


@pytest.mark.parametrize("family", ["bernoulli", "regular"])
def test_the_nearly_full_square_class_is_not_searched(family, monkeypatch):
    def forbidden(*_):
        raise AssertionError("a search")

    monkeypatch.setattr(not_closed.NotClosedSearch, "run", forbidden)
    sizes = {"n_in": 24, "n_hidden": 24, "n_out": 24}
    fields = {"p": 0.7} if family == "bernoulli" else {"fan_in": None, "density": 0.7}
    verdict = judged(make(family, **sizes, **fields))
    assert (verdict.product_set, verdict.method) == ("unknown", FULL_DIMENSION)
    assert verdict.certificate.verify()


@pytest.mark.parametrize("p", [0.4, 0.75])
def test_one_half_is_the_threshold(p):
    """Below it rule X decides; above it the dimension is full (both tend to certainty)."""
    masks = [make("bernoulli", n_in=40, n_hidden=40, n_out=40, p=p, seed=s) for s in range(5)]
    methods = {judged(pair).method for pair in masks}
    assert methods <= ({"X", "P4"} if p < 0.5 else {FULL_DIMENSION})
    if p < 0.5:
        assert all(sum(int(m.sum()) for m in pair) < 40 * 40 for pair in masks)
