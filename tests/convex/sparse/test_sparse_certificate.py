"""The certificate's own pricing beside brute force, the sweeps and the cone program."""

from __future__ import annotations

import numpy as np
import pytest

from relu_optima.convex import certify_sparse, price, solve_sparse
from relu_optima.convex.arrangement import enumerate_patterns
from relu_optima.convex.certificate import dual_norm
from relu_optima.convex.sparse.certificate import support_height
from relu_optima.convex.sparse.listed_patterns import SupportGates
from relu_optima.convex.sparse.loose import all_patterns_bound, loose_height
from relu_optima.convex.sparse.pricing import Pricing
from relu_optima.convex.vector.exact import solve_vector
from relu_optima.errors import SolveInputError


def data(seed, n, d, integer):
    rng = np.random.default_rng(seed)
    X = rng.integers(-2, 3, (n, d)).astype(float) if integer else rng.standard_normal((n, d))
    return X, rng.standard_normal(n)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("inputs", [(0,), (0, 1), (0, 1, 2)])
def test_the_height_is_that_of_all_cells(seed, inputs):
    """Also with zero, equal, parallel and opposite rows."""
    X, nu = data(seed, 9, 3, integer=seed % 2 == 0)
    part = X[:, list(inputs)]
    height = support_height(X, nu, (inputs,), {})
    expected = dual_norm(part, nu, enumerate_patterns(part), "relu")
    assert height == pytest.approx(expected, rel=1e-12)
    assert height >= expected * (1 - 1e-15)
    assert height == pytest.approx(price(part, nu).value, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_height_at_larger_sizes_is_that_of_the_sweeps(seed):
    X, nu = data(seed, 60, 3, integer=False)
    for inputs in ((0, 1), (0, 1, 2)):
        assert support_height(X, nu, (inputs,), {}) == pytest.approx(
            price(X[:, list(inputs)], nu).value, rel=1e-11
        )


@pytest.mark.parametrize("seed", range(4))
def test_skipped_supports_are_never_above_the_level(seed):
    """A chain of nearby vectors: what is not swept is bounded by how far it moved."""
    rng = np.random.default_rng(seed)
    X, nu = data(seed, 40, 6, integer=False)
    supports = tuple((i, j) for i in range(6) for j in range(i))
    columns = [np.ascontiguousarray(X[:, list(s)]) for s in supports]
    pricing = Pricing(columns)
    level = 0.8 * support_height(X, nu, supports, {})
    swept = []
    for _ in range(25):
        answer = pricing.price(nu, level, 50)
        exact = support_height(X, nu, supports, {})
        if exact > level:
            assert answer.height == pytest.approx(exact, rel=1e-12)
            assert len(answer.new)
        else:
            assert answer.height <= level * (1 + 1e-12)
            assert not len(answer.new)
        swept.append(pricing.swept)
        nu = nu + 0.004 * rng.standard_normal(40)
    assert swept[-1] < 25 * len(supports)


def test_a_forged_solution_is_found_out():
    X, y = data(0, 20, 4, integer=False)
    good = solve_sparse(X, y, [(0, 1), (2, 3)], 0.2, tol=1e-10)
    U, v, dual = good.network.U, good.network.V[:, 0], good.dual[:, 0]
    args = (X, y, good.supports, good.lam)
    honest = certify_sparse(*args, U, v, dual=dual)
    assert honest.gap <= 1e-9
    assert certify_sparse(*args, U, v, dual=3 * dual).dual_objective <= good.objective
    assert certify_sparse(*args, 1.01 * U, v).objective > good.objective
    outside = U.copy()
    outside[0] = 1.0
    assert certify_sparse(*args, outside, v).violation > 0.1
    more = certify_sparse(X, y, ((0, 1), (2, 3), (0, 2)), good.lam, U, v, dual=dual)
    assert more.dual_objective < honest.dual_objective


def test_a_support_of_high_rank_needs_gates():
    X, y = data(0, 20, 4, integer=False)
    with pytest.raises(SolveInputError, match="rank at most 3"):
        certify_sparse(X, y, ((0, 1, 2, 3),), 0.1, np.zeros((0, 4)), np.zeros(0))
    with pytest.raises(SolveInputError, match="shapes"):
        certify_sparse(X, y[:5], ((0, 1),), 0.1, np.zeros((0, 4)), np.zeros(0))


@pytest.mark.parametrize("seed", range(12))
def test_the_loose_height_is_above_that_of_all_cells(seed):
    """Also with zero, equal, parallel and opposite rows, and weights of one sign."""
    X, nu = data(seed, 40, 3, integer=seed % 2 == 0)
    for weights in (nu, np.abs(nu), -np.abs(nu)):
        exact = price(X, weights).value
        assert exact <= loose_height(X, weights) <= 2.0 * exact
    row = X[:1] + 0.5
    assert loose_height(row, nu[:1]) == pytest.approx(abs(nu[0]) * np.linalg.norm(row), rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_the_loose_bound_holds_over_all_patterns(seed):
    """At the exact optimum's own dual point and at random ones, for a support of four inputs."""
    X, y = data(seed, 14, 4, integer=False)
    supports = ((0, 1, 2, 3), (0, 1))
    exact = solve_sparse(X, y, supports, 0.3, tol=1e-9)
    assert exact.exact
    args = X, y[:, None], dict.fromkeys(supports, (0,)), 0.3
    drawn = {supports[0]: SupportGates(np.eye(4), False)}
    for nu in (exact.dual, y[:, None], np.random.default_rng(seed).standard_normal((14, 1))):
        assert all_patterns_bound(*args, nu, drawn) <= exact.objective
    assert all_patterns_bound(*args, exact.dual, drawn) > 0
    known = {supports[0]: SupportGates(enumerate_patterns(X), True)}
    close = all_patterns_bound(*args, exact.dual, known)
    assert close == pytest.approx(exact.objective, rel=1e-8)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("listed", ["swept", "drawn"])
def test_the_bound_of_several_outputs_is_below_the_certified_optimum(seed, listed):
    X, _ = data(seed, 30, 2, integer=False)
    Y = np.random.default_rng(seed + 100).standard_normal((30, 3))
    optimum = solve_vector(X, Y, 0.4, tol=1e-8)
    gates = {(0, 1): SupportGates(np.eye(2), False)} if listed == "drawn" else {}
    fed = {(0, 1): (0, 1, 2)}
    bound = all_patterns_bound(X, Y, fed, 0.4, optimum.dual, gates)
    assert 0.2 * optimum.objective < bound <= optimum.objective
    # an output that no neuron feeds is a constant, and asks nothing of its dual vector
    wide = np.column_stack([Y, 5 * X[:, 0]])
    dual = np.column_stack([optimum.dual, 9 * X[:, 1]])
    more = all_patterns_bound(X, wide, fed, 0.4, dual, gates)
    assert more == pytest.approx(bound + 12.5 * X[:, 0] @ X[:, 0], rel=1e-12)
