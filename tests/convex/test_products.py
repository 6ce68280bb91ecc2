"""Products with the lifted design agree with the explicit matrix, in either order."""

from __future__ import annotations

import numpy as np
import pytest

from relu_optima.convex import products


@pytest.mark.parametrize(("count", "d"), [(3, 9), (9, 3), (1, 1)])
def test_products_are_those_of_the_lifted_matrix(count, d, monkeypatch):
    rng = np.random.default_rng(0)
    X, r = rng.standard_normal((17, d)), rng.standard_normal(17)
    patterns = rng.random((count, 17)) < 0.5
    masks, B = patterns.astype(float), rng.standard_normal((count, d))
    lifted = np.hstack([np.diag(mask) @ X for mask in masks])
    expected = (lifted.T @ r).reshape(count, d)
    np.testing.assert_allclose(products.adjoint(masks, X, r), expected, atol=1e-13)
    np.testing.assert_allclose(products.combine(masks, X, B), lifted @ B.ravel(), atol=1e-13)
    monkeypatch.setattr(products, "SLAB_ENTRIES", 40)  # two patterns at a time
    np.testing.assert_allclose(products.adjoint(patterns, X, r), expected, atol=1e-13)
