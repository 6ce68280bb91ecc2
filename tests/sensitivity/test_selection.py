"""Choosing lam: scores equal their definition, the shortcut is close to real retraining."""

from dataclasses import replace

import numpy as np
import pytest

from relu_optima.errors import DegenerateError, SolveInputError
from relu_optima.sensitivity import (
    Program,
    by_kfold,
    by_leave_one_out,
    by_validation,
    grid_path,
)
from tests.optimal_set.programs import FAN_X, FAN_Y, all_gates


@pytest.fixture(scope="module")
def smooth():
    """Noisy samples of a hinge with few gates: the optimum is unique along the path."""
    rng = np.random.default_rng(3)
    X = np.column_stack([rng.uniform(-1, 1, 24), np.ones(24)])
    y = 2 * np.maximum(X[:, 0] - 0.2, 0) - 0.5 + 0.3 * rng.standard_normal(24)
    gates = np.array([[1.0, -0.2], [0.0, 1.0], [-1.0, 0.1]]).T
    return Program(X, y, gates, "gated")


def grid(program, count=8):
    return program.lam_max * np.geomspace(0.8, 0.005, count)


def test_kfold_with_n_folds_is_leave_one_out_by_retraining(smooth):
    lams = grid(smooth)
    retrained = by_kfold(smooth, lams * 24 / 23, 24, seed=0)  # undoes the rescaling of lam
    assert retrained.solves == 24 * 8
    shortcut = by_leave_one_out(grid_path(smooth, lams))
    assert shortcut.solves == 8
    np.testing.assert_allclose(shortcut.scores, retrained.scores, rtol=0.08)
    assert shortcut.lam == pytest.approx(retrained.lam * 23 / 24)


def test_validation_scores_are_errors_on_the_set(smooth):
    knots = grid_path(smooth, grid(smooth), derivatives=False)
    X, y = smooth.X[:7], smooth.y[:7]
    found = by_validation(knots, X, y)
    for knot, score in zip(knots, found.scores, strict=True):
        error = knot.optimal.predict(knot.optimal.start, X) - y
        assert score == pytest.approx(np.mean(error**2), rel=1e-6)
    assert found.lam == found.lams[np.argmin(found.scores)]


def test_folds_partition_the_samples(smooth):
    one = by_kfold(smooth, grid(smooth, 3), 4, seed=1)
    assert one.scores.tobytes() == by_kfold(smooth, grid(smooth, 3), 4, seed=1).scores.tobytes()
    assert not np.array_equal(one.scores, by_kfold(smooth, grid(smooth, 3), 4, seed=2).scores)


def test_a_fold_is_solved_at_its_share_of_the_strength(smooth):
    """With two folds at half of it: the folds are trained here one by one."""
    X, y = np.repeat(smooth.X, 2, axis=0), np.repeat(smooth.y, 2)
    lams = grid(smooth, 3)
    halves = np.random.default_rng(5).permutation(48).reshape(2, 24)
    expected = np.zeros((3, 48))
    for held, kept in (halves, halves[::-1]):
        part = replace(smooth, X=X[kept], y=y[kept])
        for row, lam in zip(expected, lams, strict=True):
            optimal = part.solve(float(lam))
            row[held] = (optimal.predict(optimal.min_norm(), X[held]) - y[held]) ** 2
    found = by_kfold(replace(smooth, X=X, y=y), 2 * lams, 2, seed=5)
    np.testing.assert_allclose(found.scores, expected.mean(axis=1), rtol=1e-6)


@pytest.mark.parametrize("folds", [0, 1, 25])
def test_bad_numbers_of_folds_are_refused(smooth, folds):
    with pytest.raises(SolveInputError, match=r"sensitivity\.folds"):
        by_kfold(smooth, grid(smooth), folds, seed=0)


def test_leave_one_out_on_a_degenerate_path_is_refused():
    program = Program(FAN_X, FAN_Y, all_gates(FAN_X), "relu")
    with pytest.raises(DegenerateError, match="every knot is degenerate"):
        by_leave_one_out(grid_path(program, np.array([2.0, 1.0])))


def test_the_prediction_error_is_of_second_order(smooth):
    """Halving the step in lam divides the error of the first-order prediction by four."""
    knot = grid_path(smooth, np.array([0.3 * smooth.lam_max]))[0]
    errors = []
    for step in (1e-2, 5e-3):
        lam = knot.lam * (1 - step)
        v, _ = knot.sensitivity.predict_weights(lam)
        true, _ = smooth.solve(lam).weights(smooth.solve(lam).start)
        errors.append(np.linalg.norm(v - true))
    assert errors[1] < 0.3 * errors[0]
