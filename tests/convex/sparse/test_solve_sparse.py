"""Certified optima over given supports, beside cone programs, trained networks and bad input."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from relu_optima.convex import solve, solve_sparse
from relu_optima.convex.arrangement import enumerate_patterns
from relu_optima.convex.sparse.certificate import certify_sparse
from relu_optima.errors import BudgetError, SolveInputError
from tests.convex.sparse.cones import K1_SUPPORTS, K1_VALUE, K1_X, K1_Y, optimum


def data(seed, n, d):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n)


def certified(solution, **options):
    """Re-check a solution by code that shares nothing with the solver."""
    proof = certify_sparse(
        solution.X,
        solution.Y[:, 0],
        solution.supports,
        solution.lam,
        solution.network.U,
        solution.network.V[:, 0],
        dual=solution.dual[:, 0],
        **options,
    )
    assert proof.objective == pytest.approx(solution.objective, rel=1e-12)
    assert proof.violation == 0.0
    assert proof.gap <= solution.gap + 1e-11
    return proof


def test_the_example_with_three_supports():
    solution = solve_sparse(K1_X, K1_Y, K1_SUPPORTS, 0.1, tol=1e-10)
    assert solution.status == "optimal"
    assert solution.exact
    assert solution.objective == pytest.approx(K1_VALUE, abs=1e-8)
    certified(solution)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "supports", [[(0, 1), (1, 2), (3,)], [(0,), (2,)], [(0, 1, 2)], [(0, 1, 3), (2, 3)]]
)
def test_the_value_is_that_of_the_cone_program(seed, supports):
    X, y = data(seed, 6, 4)
    lam = [0.02, 0.1, 0.5][seed % 3]
    solution = solve_sparse(X, y, supports, lam, tol=1e-10)
    assert solution.objective == pytest.approx(optimum(X, y, supports, lam), rel=1e-8)
    certified(solution)


@pytest.mark.parametrize("seed", range(4))
def test_ties_duplicates_and_zero_rows(seed):
    """Integer data: parallel, opposite, equal and zero rows; supports of rank one."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-1, 2, (8, 3)).astype(float)
    X[:, 2] = -X[:, 0]
    y = rng.integers(-2, 3, 8).astype(float)
    supports = [(0, 1), (0, 2), (1,)]
    solution = solve_sparse(X, y, supports, 0.1, tol=1e-10)
    assert solution.objective == pytest.approx(optimum(X, y, supports, 0.1), rel=1e-8)
    certified(solution)


def test_one_support_of_all_inputs_is_the_dense_program():
    X, y = data(3, 20, 3)
    dense = solve(X, y, enumerate_patterns(X), 0.1, tol=1e-10)
    assert solve_sparse(X, y, [(0, 1, 2)], 0.1, tol=1e-10).objective == pytest.approx(
        dense.objective, rel=1e-9
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 25), lam=st.floats(0.01, 2.0))
def test_more_supports_never_cost_more(seed, n, lam):
    X, y = data(seed, n, 4)
    pairs = list(combinations(range(4), 2))
    values = [
        solve_sparse(X, y, chosen, lam, tol=1e-8).objective
        for chosen in ([(0,), (1,)], pairs[:3], pairs)
    ]
    assert values[2] <= values[1] * (1 + 1e-7)
    assert values[2] <= values[0] * (1 + 1e-7)
    dense = solve(X[:, :3], y, enumerate_patterns(X[:, :3]), lam, tol=1e-8).objective
    assert dense <= solve_sparse(X, y, [(0, 1), (1, 2), (2, 0)], lam).objective * (1 + 1e-6)


def test_no_masked_network_is_below_the_certificate():
    """Forty starts of a masked network with room for the optimum, by a quasi-Newton method."""
    lam = 0.1
    bound = solve_sparse(K1_X, K1_Y, K1_SUPPORTS, lam, tol=1e-10).dual_objective
    mask = np.zeros((7, 3))
    for row, s in enumerate([0, 0, 0, 1, 1, 1, 2]):
        mask[row, list(K1_SUPPORTS[s])] = 1.0

    def loss(flat):
        W, w = flat[:21].reshape(7, 3) * mask, flat[21:]
        H = K1_X @ W.T
        error = np.maximum(H, 0) @ w - K1_Y
        inner = (error[:, None] * w * (H > 0)).T @ K1_X * mask
        value = 0.5 * error @ error + 0.5 * lam * (np.sum(W**2) + w @ w)
        gradient = np.concatenate([(inner + lam * W).ravel(), np.maximum(H, 0).T @ error + lam * w])
        return value, gradient

    found = []
    for seed in range(40):
        start = np.random.default_rng(seed).standard_normal(28)
        done = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 3000})
        found.append(done.fun)
    assert min(found) >= bound - 1e-12
    assert min(found) <= bound * 1.02


def test_named_supports_are_all_sets():
    X, y = data(0, 12, 4)
    assert solve_sparse(X, y, "pairs", 0.1).supports == tuple(combinations(range(4), 2))
    assert solve_sparse(X, y, "triples", 0.1).supports == tuple(combinations(range(4), 3))
    X[:, 3] = 1.0
    with_bias = solve_sparse(X, y, "pairs_with_bias", 0.1, tol=1e-9)
    assert with_bias.supports == ((0, 1, 3), (0, 2, 3), (1, 2, 3))
    assert with_bias.objective <= solve_sparse(X, y, "pairs", 0.1).objective
    certified(with_bias)


def test_a_mask_is_its_rows():
    X, y = data(1, 12, 4)
    mask = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]], dtype=np.uint8)
    solution = solve_sparse(X, y, mask, 0.1, tol=1e-10)
    assert solution.supports == ((0, 1), (3,))
    listed = solve_sparse(X, y, [(0, 1), (3,)], 0.1, tol=1e-10)
    assert solution.objective == listed.objective


def test_many_inputs_by_enumerated_patterns():
    X, y = data(2, 12, 5)
    solution = solve_sparse(X, y, [(0, 1, 2, 3), (3, 4)], 0.2, tol=1e-9)
    assert solution.status == "optimal"
    assert solution.exact
    gates = {0: enumerate_patterns(X[:, :4])}
    certified(solution, gates=gates)
    dense = solve(X[:, :4], y, gates[0], 0.2, tol=1e-9)
    assert solution.objective <= dense.objective * (1 + 1e-9)


def test_many_inputs_by_drawn_patterns_say_so():
    X, y = data(2, 40, 6)
    exact = solve_sparse(X, y, [(0, 1, 2, 3)], 0.5, budget=30_000)
    drawn = solve_sparse(X, y, [(0, 1, 2, 3)], 0.5, budget=100, count=30)
    assert drawn.status == "sub_program"
    assert not drawn.exact
    assert exact.status == "optimal"
    assert drawn.objective >= exact.dual_objective
    # the optimum's own patterns among those drawn leave nothing to gain
    own = solve_sparse(X, y, [(0, 1, 2, 3)], 0.5, budget=100, count=5, gates=exact.network.U.T)
    assert own.objective <= exact.objective * (1 + 1e-5)


def test_the_zero_network_from_lambda_max_on():
    X, y = data(4, 15, 3)
    for share, neurons in ((1.0 + 1e-9, 0), (0.99, 1)):
        solution = solve_sparse(X, y, "pairs", share, lam_scale="max")
        assert solution.status == "optimal"
        assert (solution.network.n_neurons > 0) == (neurons > 0)
    assert solve_sparse(X, np.zeros(15), "pairs", 0.1).objective == 0.0


def test_runs_repeat_bit_for_bit_and_scale():
    X, y = data(5, 30, 4)
    first, second = (solve_sparse(X, y, "pairs", 0.1) for _ in range(2))
    np.testing.assert_array_equal(first.network.U, second.network.U)
    assert first.dual_objective == second.dual_objective
    column = solve_sparse(np.asfortranarray(X), y[:, None], "pairs", 0.1)
    assert column.objective == first.objective
    large = solve_sparse(1e6 * X, 1e3 * y, "pairs", 1e9 * 0.1)
    assert large.objective == pytest.approx(1e6 * first.objective, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"supports": []}, "at least one"),
        ({"supports": [(0, 7)]}, "from 0 to 3"),
        ({"supports": [(0, 0)]}, "different inputs"),
        ({"supports": [()]}, "at least one"),
        ({"supports": [(0, 1), (1, 0)]}, "twice"),
        ({"supports": [(3,)]}, "zero in all rows"),
        ({"supports": "quads"}, "pairs"),
        ({"supports": "pairs_with_bias"}, "equal numbers"),
        ({"supports": np.zeros((2, 4))}, "no neuron reads"),
        ({"supports": np.full((2, 4), 2)}, "0 or 1"),
        ({"lam": 0.0}, "> 0"),
        ({"lam": -1.0}, "> 0"),
        ({"lam_scale": "maximal"}, "absolute, max"),
        ({"tol": 2.0}, "tol"),
        ({"y": np.full(8, np.nan)}, "finite"),
        ({"y": np.zeros(7)}, "shape"),
    ],
)
def test_bad_input_is_one_typed_error(change, words):
    X, y = data(0, 8, 4)
    X[:, 3] = 0.0
    given = {"y": y, "supports": [(0, 1)], "lam": 0.1} | change
    with pytest.raises(SolveInputError, match=words):
        solve_sparse(X, given.pop("y"), given.pop("supports"), given.pop("lam"), **given)


def test_too_many_supports_are_refused():
    with pytest.raises(BudgetError, match="supports"):
        solve_sparse(np.ones((2, 700)), np.ones(2), "pairs", 0.1)


@pytest.mark.slow
def test_real_size():
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    X = np.column_stack([(X - X.mean(0)) / X.std(0), np.ones(len(X))])
    for share in (0.1, 0.01):
        solution = solve_sparse(X, 2.0 * y - 1, "pairs", share, lam_scale="max")
        assert solution.status == "optimal"
        assert len(solution.supports) == 465
        certified(solution)
