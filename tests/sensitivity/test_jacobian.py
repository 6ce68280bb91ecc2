"""Derivatives against printed numbers, finite differences of independent solves, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from relu_optima.errors import DegenerateError, SolveInputError
from relu_optima.optimal_set import describe
from relu_optima.sensitivity import jacobian
from relu_optima.sensitivity.faces import faces_of
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


def weights_at(X, y, lam, formulation="relu", gates=None):
    """Active weights of an independent solve."""
    optimal = describe(solve(X, y, lam, formulation, gates=gates, tol=1e-9), X, y)
    return optimal.start[:, None] * optimal.directions


def test_worked_example():
    found = jacobian(solve(WORKED_X, WORKED_Y, 0.1), WORKED_X, WORKED_Y)
    order = np.argsort(-found.signs)
    expected = [[-1.16350, -1.14263], [-4.88384, 4.88384]]
    np.testing.assert_allclose(found.d_lam[order], expected, atol=6e-6)
    assert found.degrees_of_freedom == pytest.approx(2.96808, abs=6e-6)
    assert found.min_multiplier > 0.1  # one binding row


def test_jump_example_at_one_half():
    found = jacobian(solve(JUMP_X, JUMP_Y, 0.5), JUMP_X, JUMP_Y)
    assert found.degrees_of_freedom == pytest.approx(2.63984, abs=6e-6)
    expected = [-0.25396, 0.06042, -0.34662, -0.18317, -0.07768, 0]
    order = np.argsort(found.d_lam[:, 0])
    np.testing.assert_allclose(found.d_lam[order].ravel(), expected, atol=2e-5)


def differences(X, y, lam, formulation, h, gates):
    one = weights_at(X, y, lam + h, formulation, gates)
    two = weights_at(X, y, lam - h, formulation, gates)
    return (one - two) / (2 * h)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(3, 7),
    lam=st.floats(0.05, 0.6),
    formulation=st.sampled_from(["relu", "gated"]),
)
def test_derivatives_equal_central_differences(seed, n, lam, formulation):
    X, y = gaussian(seed, n, 2)
    gates = all_gates(X)
    try:
        found = jacobian(solve(X, y, lam, formulation, gates=gates), X, y)
    except DegenerateError:
        assume(False)
    h = 1e-5
    assume(len(found.signs) > 0)
    assume(min(found.min_slack, found.min_multiplier, found.min_coefficient) > 1e-3)
    assume(found.lam_low < lam - 100 * h < lam + 100 * h < found.lam_high)
    scale = np.abs(found.d_lam).max()
    measured = differences(X, y, lam, formulation, h, gates)
    assert measured.shape == found.d_lam.shape
    np.testing.assert_allclose(measured, found.d_lam, atol=1e-4 * scale)
    j = seed % n
    e = h * np.eye(n)[j]
    measured = weights_at(X, y + e, lam, formulation, gates)
    measured = (measured - weights_at(X, y - e, lam, formulation, gates)) / (2 * h)
    np.testing.assert_allclose(measured, found.d_y[:, :, j], atol=1e-4 * np.abs(found.d_y).max())


def test_sample_weights_equal_central_differences():
    """A sample of weight omega is the row sqrt(omega) (x, y)."""
    X, y = WORKED_X, WORKED_Y
    gates, h = all_gates(X), 1e-5
    found = jacobian(solve(X, y, 0.1, gates=gates), X, y)
    for j in range(3):
        measured = []
        for sign in (1, -1):
            root = np.ones(3)
            root[j] = np.sqrt(1 + sign * h)
            measured.append(weights_at(root[:, None] * X, root * y, 0.1, gates=gates))
        slope = (measured[0] - measured[1]) / (2 * h)
        np.testing.assert_allclose(slope, found.d_weight[:, :, j], atol=1e-5)


@pytest.mark.parametrize("formulation", ["relu", "gated"])
def test_fit_and_prediction_follow_the_weights(formulation):
    X, y = WORKED_X, WORKED_Y
    solved = solve(X, y, 0.1, formulation)
    found = jacobian(solved, X, y)
    d_lam, d_y, d_weight = found.d_prediction(X)
    np.testing.assert_allclose(found.hat, found.hat.T, atol=1e-12)
    assert np.linalg.eigvalsh(found.hat).min() > -1e-12
    assert np.linalg.eigvalsh(found.hat).max() < 1 + 1e-12
    assert found.degrees_of_freedom == pytest.approx(np.trace(found.hat))
    inner = ~np.isclose(X @ found.weights.T, 0, atol=1e-9).any(axis=1)
    np.testing.assert_allclose(d_lam[inner], found.d_fit_lam[inner], atol=1e-10)
    np.testing.assert_allclose(d_y[inner], found.hat[inner], atol=1e-10)
    residual = y - found.optimal.fit
    np.testing.assert_allclose(d_weight[inner], (found.hat * residual)[inner], atol=1e-10)


def test_leave_one_out_predicts_retraining():
    """Twenty samples of a smooth target: the shortcut is close to twenty real retrainings."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.uniform(-1, 1, 20), np.ones(20)])
    y = 1.5 * np.maximum(X[:, 0], 0) + 0.5 + 0.05 * rng.standard_normal(20)
    gates = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]).T
    found = jacobian(solve(X, y, 0.05, "gated", gates=gates), X, y)
    real = []
    for j in range(20):
        keep = np.arange(20) != j
        without = describe(solve(X[keep], y[keep], 0.05, "gated", gates=gates), X[keep], y[keep])
        real.append(without.predict(without.start, X[j : j + 1])[0])
    shift = np.abs(np.array(real) - found.optimal.fit)
    error = np.abs(found.leave_one_out - real)
    assert np.median(error) < 0.1 * np.median(shift)


def test_above_lambda_max_nothing_moves():
    found = jacobian(solve(FAN_X, FAN_Y, 9.0), FAN_X, FAN_Y)
    assert found.degrees_of_freedom == 0
    assert found.d_lam.shape == (0, 2)
    np.testing.assert_array_equal(found.d_fit_lam, 0)
    np.testing.assert_array_equal(found.leave_one_out, 0)


@pytest.mark.parametrize(
    ("X", "y", "lam", "reason"),
    [
        (FAN_X, FAN_Y, 1.0, "dimension 1"),
        (JUMP_X, JUMP_Y, 1.0, "dimension 1"),
        (np.array([[2.0, 0.0]]), np.array([3.0]), 6.0, "enters or leaves"),
        (np.eye(2), np.array([1.0, 0.0]), 0.2, "data hyperplane"),
    ],
)
def test_degenerate_points_are_refused_with_the_reason(X, y, lam, reason):
    with pytest.raises(DegenerateError, match=reason):
        jacobian(solve(X, y, lam, tol=1e-10), X, y)


def test_bad_input_is_refused():
    solved = solve(FAN_X, FAN_Y, 1.0)
    with pytest.raises(SolveInputError, match=r"convex\.lam"):
        jacobian(replace(solved, lam=-1.0), FAN_X, FAN_Y)


def test_the_valid_interval_ends_at_a_breakpoint():
    """To first order the structure changes at the ends: check it does not change well inside."""
    X, y = WORKED_X, WORKED_Y
    found = jacobian(solve(X, y, 0.1), X, y)
    assert found.lam_low < 0.1 < found.lam_high
    for share in (0.2, 0.5):
        lam = 0.1 + share * (found.lam_high - 0.1)
        assert weights_at(X, y, lam).shape == found.weights.shape


def test_a_hyperplane_that_is_touched_but_does_not_push_has_one_sided_derivatives():
    """In the worked example one row holds a neuron; without its multiplier it only touches."""
    optimal = describe(solve(WORKED_X, WORKED_Y, 0.1), WORKED_X, WORKED_Y)
    assert [face.rows.size for face in faces_of(optimal)].count(1) == 1
    found = optimal.equicorrelation
    idle = tuple(replace(p, multipliers=0.0 * p.multipliers) for p in found.projections)
    with pytest.raises(DegenerateError, match="does not hold it"):
        faces_of(replace(optimal, equicorrelation=replace(found, projections=idle)))
