"""Theorems about optimal sets: antipodal pairs, isolated jumps, uniform laws."""

import numpy as np
import pytest
from scipy.linalg import null_space
from tests.optimal_set.programs import FAN_X, FAN_Y, JUMP_X, JUMP_Y, gaussian, solve

from relu_optima.optimal_set import Polytope, describe


@pytest.mark.parametrize("seed", range(12))
def test_antipodal_pairs_give_the_dimension(seed):
    """n = 8, d = 2, all patterns: k pairs of opposite neurons of one sign give k - d free moves."""
    X, y = gaussian(seed, 8, 2)
    optimal = describe(solve(X, y, 0.05), X, y)
    assert optimal.dimension == optimal.antipodal_dimension
    assert optimal.dimension == max(optimal.antipodal_pairs - 2, 0)
    if optimal.dimension:
        residual = y - optimal.fit
        assert np.linalg.norm(X.T @ residual) < 1e-9


@pytest.mark.parametrize(
    ("lam", "dimension", "norm"),
    [(0.9, 0, 4.0), (0.99, 0, 4.0), (1.0, 1, 4 / 3), (1.01, 0, 4.0), (1.1, 0, 4.0)],
)
def test_isolated_jump_of_the_min_norm_solution(lam, dimension, norm):
    """At lam = 1 the set is a segment, at both sides a point: |w|^2 jumps 4 -> 4/3 -> 4."""
    optimal = describe(solve(JUMP_X, JUMP_Y, lam, tol=1e-10), JUMP_X, JUMP_Y)
    assert optimal.dimension == dimension
    least = optimal.min_norm()
    assert least @ least == pytest.approx(norm, rel=0.01 if lam in (0.99, 1.01, 1.0) else 0.08)
    if lam == 1.0:
        assert optimal.objective == pytest.approx(2.3, abs=1e-12)
        assert sorted(int((v > 0).sum()) for v in optimal.vertices()) == [1, 2]
        np.testing.assert_allclose(least, 2 / 3, atol=1e-8)


def test_samples_of_a_simplex_are_uniform():
    """Uniform law on {beta >= 0, sum beta = 1} in R^5: mean 1/5, variance 4/150."""
    body = Polytope(np.ones((1, 5)), np.array([1.0]), np.full(5, 0.2))
    from relu_optima.optimal_set.hit_and_run import hit_and_run

    count = 4000
    points = hit_and_run(body, count, seed=0)
    np.testing.assert_allclose(points.sum(axis=1), 1, atol=1e-12)
    assert points.min() >= 0
    error = np.sqrt(4 / 150 / count)
    assert np.abs(points.mean(axis=0) - 0.2).max() < 3 * error
    # Standard error of a variance from the fourth central moment of Beta(1, 4).
    fourth = np.mean((np.random.default_rng(1).beta(1, 4, 200_000) - 0.2) ** 4)
    assert np.abs(points.var(axis=0) - 4 / 150).max() < 3 * np.sqrt(
        (fourth - (4 / 150) ** 2) / count
    )


def test_samples_of_the_fan_are_uniform():
    """Central coefficient uniform on [0, 3/2]: mean 0.75, variance 0.1875."""
    optimal = describe(solve(FAN_X, FAN_Y, 1.0), FAN_X, FAN_Y)
    count = 4000
    points = optimal.sample(count, seed=7)
    centre = points[:, int(np.argmax(optimal.directions[:, 1]))]
    assert abs(centre.mean() - 0.75) < 3 * np.sqrt(0.1875 / count)
    spread = np.sqrt((1.5**4 / 80 - 0.1875**2) / count)
    assert abs(centre.var() - 0.1875) < 3 * spread
    assert np.abs(points @ optimal.body.columns.T - optimal.fit).max() < 1e-13


def test_thin_polytopes_are_crossed():
    """A box stretched a thousandfold: each coordinate is still uniform."""
    lengths = np.array([1.0, 1e-3])
    columns = np.hstack([np.diag(1 / lengths), np.eye(2)])
    body = Polytope(columns, np.ones(2), np.concatenate([lengths / 2, [0.5, 0.5]]))
    assert body.dimension == null_space(columns).shape[1] == 2
    from relu_optima.optimal_set.hit_and_run import hit_and_run

    points = hit_and_run(body, 3000, seed=2)[:, :2] / lengths
    assert np.abs(points.mean(axis=0) - 0.5).max() < 3 * np.sqrt(1 / 12 / 3000)
    assert np.abs(np.corrcoef(points.T)[0, 1]) < 3 / np.sqrt(3000)
