"""The Hessian of the refinement, formed in two ways, against its definition."""

import numpy as np
import pytest
from scipy.linalg import null_space

from relu_optima.optimal_set.blocks import blocks_of
from relu_optima.optimal_set.refine import _project_all, _square_root
from tests.optimal_set.programs import gaussian, solve


@pytest.mark.parametrize(("n", "d", "gates"), [(6, 9, 4), (40, 3, 3), (12, 4, 8), (200, 2, 2)])
@pytest.mark.parametrize("formulation", ["relu", "gated"])
def test_both_factors_invert_the_hessian(n, d, gates, formulation):
    X, y = gaussian(n, n, d)
    directions = np.random.default_rng(d).standard_normal((d, gates))
    blocks = blocks_of(solve(X, y, 0.5, formulation, gates=directions), X, y)
    working = np.arange(blocks.count)
    mass = np.random.default_rng(1).uniform(0, 2, blocks.count)
    mass[0] = 0.0
    projections = _project_all(blocks, y, working, {})
    hessian = np.eye(n)
    for b, projection in zip(working, projections, strict=True):
        along = null_space(projection.basis.T) if projection.basis.size else np.eye(d)
        part = blocks.apply(int(b), along)
        hessian += mass[b] * part @ part.T
    half, back = _square_root(blocks, working, mass, projections)
    assert np.allclose(back(half(hessian)), np.eye(n), atol=1e-8 * np.linalg.norm(hessian))
    vector = np.random.default_rng(2).standard_normal(n)
    assert np.allclose(hessian @ back(half(vector)), vector, atol=1e-8 * np.linalg.norm(hessian))
