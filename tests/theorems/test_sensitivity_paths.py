"""Theorems about the path: p* concave and non-decreasing with slope R, R non-increasing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.optimal_set.programs import all_gates, gaussian, solve

from relu_optima.sensitivity import Program, grid_path
from relu_optima.sensitivity.grid import slope_violation


def check(seed: int, formulation: str) -> None:
    rng = np.random.default_rng(seed)
    X, y = gaussian(seed, int(rng.integers(3, 7)), 2)
    program = Program(X, y, all_gates(X), formulation)
    lams = program.lam_max * np.sort(rng.uniform(0.01, 1.1, 5))[::-1]
    knots = grid_path(program, lams, derivatives=False)
    values = np.array([k.optimal.objective for k in knots])
    penalties = np.array([k.optimal.penalty for k in knots])
    scale = values.max()
    assert np.all(np.diff(values) <= 1e-10 * scale)
    assert np.all(np.diff(penalties) >= -1e-9 * max(penalties.max(), 1e-300))
    assert slope_violation(lams, values, penalties) < 1e-10
    chords = np.diff(values) / np.diff(lams)
    assert np.all(np.diff(chords) >= -1e-8 * max(np.abs(chords).max(), 1e-300))
    independent = solve(X, y, float(lams[-1]), formulation, gates=program.gates).objective
    assert values[-1] == pytest.approx(independent, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000), formulation=st.sampled_from(["relu", "gated"]))
def test_the_value_is_concave_with_slope_r(seed, formulation):
    check(seed, formulation)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_the_value_is_concave_with_slope_r_on_200_problems(seed):
    check(1_000_000 + seed, "relu" if seed % 2 else "gated")
