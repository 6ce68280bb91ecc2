"""Closed form, relaxation, Frank-Wolfe, filters, class targets: theorems as tests."""

from __future__ import annotations

import numpy as np
import pytest

from relu_optima.convex import (
    copositive_relaxation,
    frank_wolfe,
    one_hot,
    orthonormal_value,
    signal_patches,
    solve_orthonormal,
    solve_vector,
)
from relu_optima.convex.enumeration_certificate import largest_correlation
from relu_optima.convex.vector.cells import needed_rows
from relu_optima.convex.vector.certificate import certify_all_patterns
from relu_optima.errors import BudgetError, SolveInputError
from tests.convex.vector.data import spiral

# seven points in space on which the relaxation is strictly below the program
GAP_X = np.array(
    [[0.54, -0.23, -1.09], [0.55, -1.5, 0.45], [1.34, -1.12, 0.21], [-0.25, -1.6, 0.19],
     [-1.7, 0.2, 1.67], [0.77, 0.91, 1.69], [-0.37, 1.7, 0.43]]
)  # fmt: skip
GAP_Y = np.array(
    [[-2.42, -0.33], [-1.01, -0.56], [0.15, -0.73], [-0.86, 0.12], [0.48, -1.93], [0.43, 0.89],
     [-0.8, 0.85]]
)  # fmt: skip


def orthonormal(sizes: list[int], d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    n = sum(sizes)
    Q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, n)))
    return np.ascontiguousarray(Q.T), one_hot(np.repeat(np.arange(len(sizes)), sizes))


@pytest.mark.parametrize(("sizes", "lam"), [([3, 1, 1], 0.5), ([2, 2, 2, 2], 0.3), ([1, 1], 1.5)])
def test_closed_form_is_certified_and_has_the_value_of_its_theorem(sizes, lam):
    X, Y = orthonormal(sizes, sum(sizes) + 2)
    found = solve_orthonormal(X, Y, lam)
    assert found.status == "optimal"
    assert found.gap <= 1e-12
    value = orthonormal_value(np.sqrt(sizes), lam)
    assert found.objective == pytest.approx(value, rel=1e-12)


def test_closed_form_is_the_program_over_all_patterns():
    X, Y = orthonormal([2, 1], 3)
    found, swept = solve_orthonormal(X, Y, 0.4), solve_vector(X, Y, 0.4, tol=1e-10)
    assert found.objective == pytest.approx(swept.objective, rel=1e-9)
    assert largest_correlation(X, found.dual) <= 0.4 * (1 + 1e-12)


@pytest.mark.parametrize("broken", ["rows", "orthonormal", "negative", "empty", "overlap"])
def test_closed_form_refuses_other_data(broken):
    X, Y = orthonormal([2, 1], 4)
    if broken == "rows":
        X, Y = np.vstack([X, X]), np.vstack([Y, Y])
    if broken == "orthonormal":
        X = X * (1 + 1e-6)
    if broken == "negative":
        Y = -Y
    if broken == "empty":
        Y = np.hstack([Y, np.zeros((3, 1))])
    if broken == "overlap":
        Y = np.hstack([Y, Y[:, :1]])
    with pytest.raises(SolveInputError):
        solve_orthonormal(X, Y, 0.1)


def test_relaxation_is_strictly_below_the_program_and_a_bound():
    found = solve_vector(GAP_X, GAP_Y, 0.05, tol=1e-9)
    relaxed = copositive_relaxation(GAP_X, GAP_Y, 0.05)
    assert relaxed.status == "lower_bound"
    assert not relaxed.exact
    assert relaxed.rows > 4
    assert relaxed.value < relaxed.above < found.dual_objective
    assert found.objective == pytest.approx(0.3282573794804166, rel=1e-8)
    assert relaxed.value == pytest.approx(0.32819636698861604, rel=1e-6)
    assert found.dual_objective / relaxed.value - 1 > 1e-4
    assert largest_correlation(GAP_X, relaxed.dual) <= 0.05 * (1 + 1e-9)


@pytest.mark.parametrize("reduce_rows", [True, False])
def test_relaxation_is_exact_in_the_plane(reduce_rows):
    X, Y = spiral(3)
    found = solve_vector(X, Y, 0.2, tol=1e-9)
    relaxed = copositive_relaxation(X, Y, 0.2, reduce_rows=reduce_rows)
    assert relaxed.value == pytest.approx(found.objective, rel=1e-6)
    assert relaxed.value <= found.objective * (1 + 1e-9)
    if reduce_rows:
        assert relaxed.rows == 2
        assert (relaxed.exact, relaxed.status) == (True, "optimal")


@pytest.mark.parametrize("lam", [10.0, 0.1, 0.01, 0.001])
@pytest.mark.parametrize("turn", [0.3, 1e-2, 1e-4])
def test_the_bracket_of_the_relaxation_closes_in_narrow_cells_and_at_small_strengths(turn, lam):
    rng = np.random.default_rng(1)
    angles = np.concatenate([[0.0, turn], rng.uniform(0.0, 6.0, 6)])
    X, Y = np.column_stack([np.cos(angles), np.sin(angles)]), rng.standard_normal((8, 2))
    relaxed = copositive_relaxation(X, Y, lam)
    assert relaxed.status == "optimal"
    assert relaxed.value >= relaxed.above * (1 - 1e-7)
    found = solve_vector(X, Y, lam, tol=1e-9)
    # exact in the plane: both ends hold for the program itself
    assert relaxed.value <= found.objective * (1 + 1e-12)
    assert relaxed.above >= found.dual_objective * (1 - 1e-12)
    assert largest_correlation(X, relaxed.dual) <= lam * (1 + 1e-9)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_rows_that_are_dropped_are_implied(d):
    from scipy.optimize import nnls

    rng = np.random.default_rng(d)
    for _ in range(10):
        X, g = rng.standard_normal((9, d)), rng.standard_normal(d)
        A = np.sign(X @ g)[:, None] * X
        kept = needed_rows(A, g)
        for row in A:
            assert nnls(A[kept].T, row)[1] <= 1e-10 * np.linalg.norm(row)
        for k in kept if d > 1 else []:
            others = np.setdiff1d(kept, [k])
            assert nnls(A[others].T, A[k])[1] > 1e-8 * np.linalg.norm(A[k])


def test_too_many_cells_are_refused():
    X, Y = spiral()
    with pytest.raises(BudgetError):
        copositive_relaxation(X, Y, 0.1, budget=10)


def test_frank_wolfe_approaches_the_optimum_from_above_with_an_honest_gap():
    X, Y = spiral(8)
    exact = solve_vector(X, Y, 0.05, tol=1e-9)
    found = frank_wolfe(X, Y, 0.05, steps=400)
    assert found.radius == pytest.approx(exact.network.weights().sum(), rel=1e-6)
    assert found.solution.objective >= exact.dual_objective
    assert found.solution.dual_objective <= exact.objective
    assert found.solution.objective <= exact.objective * 1.01
    best = 0.5 * np.sum((Y - exact.predict(X)) ** 2)
    last = 0.5 * np.sum((Y - found.solution.predict(X)) ** 2)
    assert last - best <= found.frank_wolfe_gap[-1] + 1e-6 * best
    assert found.solution.network.weights().sum() <= found.radius * (1 + 1e-12)
    assert found.step[-1] == 400


@pytest.mark.parametrize("change", [{"steps": 0}, {"radius": -1.0}, {"radius": np.nan}])
def test_frank_wolfe_refuses_what_has_no_meaning(change):
    X, Y = spiral(3)
    with pytest.raises(SolveInputError):
        frank_wolfe(X, Y, 0.05, **change)


@pytest.mark.parametrize("size", [2, 3])
def test_filters_are_priced_through_their_patches(size):
    rng = np.random.default_rng(size)
    signals, Y = rng.standard_normal((6, 5)), rng.standard_normal((6, 2))
    rows, samples = signal_patches(signals, size)
    found = solve_vector(rows, Y, 0.05, samples=samples, tol=1e-9)
    assert found.status == "optimal"
    proof = certify_all_patterns(rows, Y, 0.05, found.network, found.dual, samples=samples)
    assert -1e-12 <= proof.gap <= 1e-8
    # the network as a convolution: valid windows, ReLU, mean, second layer
    windows = np.lib.stride_tricks.sliding_window_view(signals, size, axis=1)
    hidden = np.maximum(windows @ found.network.U.T, 0.0).mean(axis=1)
    error = hidden @ found.network.V - Y
    value = 0.5 * np.sum(error**2) + 0.05 * found.network.weights().sum()
    assert value == pytest.approx(found.objective, rel=1e-12)


def test_filters_as_long_as_the_signal_are_neurons():
    rng = np.random.default_rng(0)
    signals, Y = rng.standard_normal((7, 3)), rng.standard_normal((7, 2))
    rows, samples = signal_patches(signals, 3)
    one = solve_vector(rows, Y, 0.1, samples=samples, tol=1e-9)
    assert one.objective == pytest.approx(solve_vector(signals, Y, 0.1, tol=1e-9).objective)
    with pytest.raises(SolveInputError):
        signal_patches(signals, 4)


@pytest.mark.parametrize(
    "labels", [[0, 0], [0, 2], [-1, 0, 1], [0.5, 1.0], [[0, 1]], [], ["a", "b"]]
)
def test_labels_that_are_no_classes_are_refused(labels):
    with pytest.raises(SolveInputError):
        one_hot(np.array(labels))


def test_one_hot_targets():
    np.testing.assert_array_equal(one_hot(np.array([1, 0, 1])), [[0, 1], [1, 0], [0, 1]])
    with pytest.raises(SolveInputError, match="class 2"):
        one_hot(np.array([1, 0, 1]), classes=3)
    with pytest.raises(SolveInputError, match="labels from 0 to 2"):
        one_hot(np.array([1, 0, 2]), classes=2)
    with pytest.raises(SolveInputError, match="one class only"):
        one_hot(np.array([0, 0]))
