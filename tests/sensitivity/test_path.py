"""The grid path: certificates, agreement with independent solves, finite differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.errors import SolveInputError
from relu_optima.sensitivity import Program, finite_difference_dof, grid_path
from tests.optimal_set.programs import (
    FAN_X,
    FAN_Y,
    WORKED_X,
    WORKED_Y,
    all_gates,
    gaussian,
    hinges,
    solve,
)


def program(X, y, formulation="relu"):
    return Program(X, y, all_gates(X), formulation)


def test_lambda_max_of_the_worked_example():
    assert program(WORKED_X, WORKED_Y).lam_max == pytest.approx(3.1304952, abs=5e-8)
    assert program(WORKED_X, WORKED_Y, "gated").lam_max == pytest.approx(3.6055513, abs=5e-8)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), formulation=st.sampled_from(["relu", "gated"]))
def test_every_knot_agrees_with_an_independent_solve(seed, formulation):
    X, y = gaussian(seed, 6, 2)
    family = program(X, y, formulation)
    lams = family.lam_max * np.geomspace(1, 1e-2, 9)
    for knot in grid_path(family, lams):
        value = solve(X, y, knot.lam, formulation, gates=family.gates, tol=1e-10).objective
        assert knot.optimal.objective == pytest.approx(value, rel=1e-7)
        assert abs(knot.optimal.gap) < 1e-10


@pytest.mark.parametrize("data", [gaussian(4, 6, 3), hinges(5, 9), (FAN_X, FAN_Y)])
def test_finite_differences_agree_with_the_jacobian(data):
    X, y = data
    family = program(X, y)
    for knot in grid_path(family, family.lam_max * np.geomspace(0.9, 0.02, 6)):
        if knot.sensitivity is not None and knot.sensitivity.min_coefficient > 1e-3:
            slow = finite_difference_dof(family, knot.optimal, 1e-6)
            assert slow == pytest.approx(knot.sensitivity.degrees_of_freedom, abs=1e-4)


def test_a_big_step_is_divided():
    X, y = gaussian(1, 14, 3)
    family = program(X, y)
    direct = family.solve(1e-3 * family.lam_max)
    value = solve(X, y, direct.problem.lam, gates=family.gates, tol=1e-9).objective
    assert direct.objective == pytest.approx(value, rel=1e-6)


def test_degenerate_stretches_are_flagged():
    family = program(FAN_X, FAN_Y)
    knots = grid_path(family, np.array([3.9, 2.0, 0.5]))
    assert [k.optimal.dimension for k in knots] == [1, 1, 1]
    assert all("dimension 1" in k.degenerate for k in knots)
    assert all(k.sensitivity is None for k in knots)


@pytest.mark.parametrize("lams", [[], [1.0, 1.0], [1.0, 2.0], [1.0, 0.0], [[1.0]]])
def test_bad_grids_are_refused(lams):
    with pytest.raises(SolveInputError):
        grid_path(program(FAN_X, FAN_Y), np.array(lams))


def test_a_non_positive_lam_is_refused():
    with pytest.raises(SolveInputError):
        program(FAN_X, FAN_Y).solve(0.0)
