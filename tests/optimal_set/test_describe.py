"""The optimal set against known polytopes, independent solves and bad input."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.errors import BudgetError, DegenerateError, SolveInputError
from relu_optima.optimal_set import describe
from tests.optimal_set.programs import (
    FAN_X,
    FAN_Y,
    JUMP_X,
    JUMP_Y,
    WORKED_X,
    WORKED_Y,
    all_gates,
    gaussian,
    solve,
)


@pytest.fixture(scope="module")
def fan():
    return describe(solve(FAN_X, FAN_Y, 1.0), FAN_X, FAN_Y)


def by_height(optimal):
    """Coefficients of the fan's central direction and of the two outer ones."""
    centre = int(np.argmax(optimal.directions[:, 1]))
    return centre, [i for i in range(3) if i != centre]


def test_fan_polytope(fan):
    assert fan.dimension == 1
    assert not fan.is_unique
    assert fan.objective == pytest.approx(1.75, abs=1e-12)
    np.testing.assert_allclose(fan.fit, [1.5, 1.5], atol=1e-12)
    vertices = fan.vertices()
    assert [int((v > 0).sum()) for v in vertices] == [1, 2]
    centre, outer = by_height(fan)
    np.testing.assert_allclose(vertices[0][centre], 1.5, atol=1e-12)
    np.testing.assert_allclose(vertices[1][outer], 0.75, atol=1e-12)
    np.testing.assert_allclose(fan.min_norm(), 0.5, atol=1e-9)


def test_fan_prediction_ranges_over_the_set(fan):
    low, high = fan.extremes(np.array([[0.0, 2.0]]))
    assert low[0] == pytest.approx(1.5, abs=1e-9)
    assert high[0] == pytest.approx(3.0, abs=1e-9)


def test_tuning_picks_the_best_prediction(fan):
    X = np.array([[0.0, 2.0]])
    for target, expected in ((2.0, 2.0), (9.0, 3.0), (-1.0, 1.5)):
        beta = fan.tune(X, np.array([target]))
        assert fan.contains(beta)
        assert fan.predict(beta, X)[0] == pytest.approx(expected, abs=1e-7)


def test_optimal_models_as_networks_have_the_optimal_value(fan):
    for beta in [*fan.vertices(), fan.min_norm(), *fan.sample(5, 1)]:
        W1, w2 = fan.neurons(beta)
        error = np.maximum(FAN_X @ W1.T, 0) @ w2 - FAN_Y
        value = 0.5 * error @ error + 0.5 * ((W1**2).sum() + (w2**2).sum())
        assert value == pytest.approx(1.75, abs=1e-12)


def test_nonconvex_set_of_the_fan(fan):
    assert fan.smallest().size == 1
    assert fan.nonconvex(3).dimension == 2
    assert fan.nonconvex(1).dimension == 0
    with pytest.raises(SolveInputError):
        fan.nonconvex(0)


def test_worked_example_merges_the_boundary_duplicate():
    optimal = describe(solve(WORKED_X, WORKED_Y, 0.1), WORKED_X, WORKED_Y)
    assert optimal.objective == pytest.approx(0.33129375, abs=5e-9)
    assert len(optimal.equicorrelation.blocks) == 3
    assert len(optimal.signs) == 2
    assert optimal.is_unique
    np.testing.assert_allclose(optimal.fit, [0.762722, 2.004622, -0.858579], atol=1e-6)
    weights = optimal.start[:, None] * optimal.directions
    plus, minus = np.argsort(-optimal.signs)
    np.testing.assert_allclose(weights[plus], [-0.620950, 1.383672], atol=1e-6)
    np.testing.assert_allclose(weights[minus], [1.000351, -1.000351], atol=1e-6)


def test_gated_worked_example():
    optimal = describe(solve(WORKED_X, WORKED_Y, 0.1, "gated"), WORKED_X, WORKED_Y)
    assert optimal.objective == pytest.approx(0.18795612, abs=5e-9)
    gated = optimal.predict(optimal.start, WORKED_X)
    np.testing.assert_allclose(gated, optimal.fit, atol=1e-10)


@pytest.mark.parametrize("formulation", ["relu", "gated"])
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_above_lambda_max_the_set_is_the_zero_network(formulation, scale):
    X, y = FAN_X, FAN_Y
    lam = scale * 4.0  # theory: the fan is degenerate for all lam in (0, 4)
    optimal = describe(solve(X, y, lam, formulation), X, y)
    assert optimal.dimension == 0
    assert optimal.is_unique
    assert optimal.objective == pytest.approx(0.5 * y @ y)
    assert optimal.start.size == 0
    assert optimal.vertices().shape == (1, 0)
    assert optimal.sample(3, 0).shape == (3, 0)
    assert optimal.smallest().size == 0
    np.testing.assert_array_equal(optimal.predict(optimal.min_norm(), X), 0)


def test_zero_targets():
    optimal = describe(solve(FAN_X, 0 * FAN_Y, 0.5), FAN_X, 0 * FAN_Y)
    assert optimal.is_unique
    assert optimal.objective == 0


def test_single_sample_and_single_neuron():
    X, y = np.array([[2.0, 0.0]]), np.array([3.0])
    optimal = describe(solve(X, y, 1.0), X, y)
    assert optimal.is_unique
    np.testing.assert_allclose(optimal.directions, [[1.0, 0.0]], atol=1e-10)
    assert optimal.start[0] == pytest.approx(1.25)  # 2 b - 3 = -1/2


@pytest.mark.parametrize("formulation", ["relu", "gated"])
@pytest.mark.parametrize("tol", [1e-10, 1e-6, 1e-4, 1e-2])
def test_a_loose_solve_gives_the_same_set(formulation, tol):
    for X, y, lam in ((FAN_X, FAN_Y, 1.0), (JUMP_X, JUMP_Y, 1.0), (WORKED_X, WORKED_Y, 0.1)):
        exact = describe(solve(X, y, lam, formulation, tol=1e-10), X, y)
        loose = describe(solve(X, y, lam, formulation, tol=tol), X, y)
        np.testing.assert_allclose(loose.fit, exact.fit, atol=1e-10)
        assert loose.dimension == exact.dimension
        assert len(loose.signs) == len(exact.signs)


def test_ties_to_1e_9_are_resolved_or_show_in_the_slack():
    near = describe(solve(JUMP_X, JUMP_Y, 1.0 + 1e-9, tol=1e-10), JUMP_X, JUMP_Y)
    # The slack of the tied block is of order 1e-18: the set must be the degenerate one.
    assert near.dimension == 1
    clear = describe(solve(JUMP_X, JUMP_Y, 1.01, tol=1e-10), JUMP_X, JUMP_Y)
    assert clear.dimension == 0
    assert 1e-9 < clear.min_slack < 1e-6


def attempt(solution, X, y):
    """The described set, or the text of the refusal."""
    try:
        return describe(solution, X, y)
    except DegenerateError as error:
        return str(error)


@pytest.mark.parametrize("seed", range(6))
def test_garbage_gives_the_right_set_or_a_refusal_that_names_the_tolerance(seed):
    X, y = gaussian(seed, 9, 2)
    solved = solve(X, y, 0.05)
    garbage = replace(solved, v=solved.v * 0 + 5.0, w=solved.w * 0)
    answer = attempt(garbage, X, y)
    if isinstance(answer, str):
        assert "convex.tol" in answer
    else:
        assert answer.objective == pytest.approx(solved.objective, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"lam": 0.0}, "convex.lam"),
        ({"lam": float("nan")}, "convex.lam"),
        ({"formulation": "tanh"}, "convex.formulation"),
        ({"v": np.zeros((1, 2))}, "shape"),
        ({"gates": np.ones((3, 4))}, "gates"),
        ({"v": np.full((3, 2), np.nan)}, "NaN"),
    ],
)
def test_bad_solutions_are_refused(change, word):
    solved = solve(FAN_X, FAN_Y, 1.0)
    with pytest.raises(SolveInputError, match=word):
        describe(replace(solved, **change), FAN_X, FAN_Y)


def test_bad_data_is_refused():
    solved = solve(FAN_X, FAN_Y, 1.0)
    with pytest.raises(SolveInputError, match="one output"):
        describe(solved, FAN_X, np.ones((2, 2)))
    with pytest.raises(SolveInputError):
        describe(solved, FAN_X[:0], FAN_Y[:0])
    optimal = describe(solved, FAN_X, FAN_Y[:, None])
    with pytest.raises(SolveInputError):
        optimal.optimize(np.ones(2))
    with pytest.raises(SolveInputError):
        optimal.predict(optimal.start, np.ones((2, 5)))
    with pytest.raises(SolveInputError):
        optimal.sample(-1, 0)


def test_vertices_refuse_above_the_budget(fan):
    with pytest.raises(BudgetError, match=r"optimal_set\.vertex_budget"):
        fan.vertices(budget=1)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), formulation=st.sampled_from(["relu", "gated"]))
def test_every_reported_model_is_optimal(seed, formulation):
    X, y = gaussian(seed, 7, 2)
    solved = solve(X, y, 0.08, formulation)
    optimal = describe(solved, X, y)
    assert optimal.objective <= solved.objective * (1 + 1e-6)
    assert optimal.objective == pytest.approx(solved.objective, rel=1e-6)
    rng = np.random.default_rng(seed)
    models = [
        optimal.start,
        optimal.min_norm(),
        optimal.optimize(rng.standard_normal(optimal.start.size)),
        *optimal.vertices(),
        *optimal.sample(5, seed),
        optimal.smallest().beta,
    ]
    for beta in models:
        assert optimal.contains(beta)
        assert optimal.value(beta) == pytest.approx(optimal.objective, rel=1e-10)
        assert beta.sum() == pytest.approx(optimal.penalty, rel=1e-9)
    assert all(m @ m >= models[1] @ models[1] - 1e-9 for m in models)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_vertices_span_the_set(seed):
    """Every sample is a convex combination, and linear extremes are attained at vertices."""
    X, y = gaussian(seed, 8, 2)
    optimal = describe(solve(X, y, 0.05), X, y)
    vertices = optimal.vertices()
    spread = vertices - vertices[0]
    assert np.linalg.matrix_rank(spread, tol=1e-7) == optimal.dimension
    cost = np.random.default_rng(seed).standard_normal(optimal.start.size)
    best = optimal.optimize(cost) @ cost
    assert best == pytest.approx((vertices @ cost).min(), abs=1e-8)
    assert optimal.smallest().size == (vertices > 0).sum(axis=1).min()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_row_order_and_rotation_do_not_matter(seed):
    X, y = gaussian(seed, 6, 2)
    gates = all_gates(X)
    rng = np.random.default_rng(seed)
    order = rng.permutation(6)
    rotation, _ = np.linalg.qr(rng.standard_normal((2, 2)))
    one = describe(solve(X, y, 0.1, gates=gates), X, y)
    turned = (X @ rotation)[order]
    two = describe(solve(turned, y[order], 0.1, gates=rotation.T @ gates), turned, y[order])
    assert one.dimension == two.dimension
    assert one.objective == pytest.approx(two.objective, rel=1e-9)
    np.testing.assert_allclose(one.fit[order], two.fit, atol=1e-8)


def test_same_input_gives_identical_arrays():
    X, y = gaussian(2, 8, 2)
    solved = solve(X, y, 0.05)
    one, two = describe(solved, X, y), describe(solved, X, y)
    assert one.start.tobytes() == two.start.tobytes()
    assert one.sample(20, 3).tobytes() == two.sample(20, 3).tobytes()
    assert one.vertices().tobytes() == two.vertices().tobytes()
    assert not np.array_equal(one.sample(20, 3), one.sample(20, 4))
