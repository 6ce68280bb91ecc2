"""The hinge loss against the program over all ramps, and its certificate."""

from __future__ import annotations

import numpy as np
import pytest

from relu_optima.convex import spline
from relu_optima.convex.one_dimensional.certificate import certify_spline
from tests.convex.one_dimensional.references import ramp_lasso


def labels(seed: int, size: int | None = None):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 14)) if size is None else size
    x = np.round(rng.uniform(-2, 2, n), 1)
    y = np.where(rng.uniform(size=n) < 0.5, 1.0, -1.0)
    y[:2] = 1.0, -1.0
    return x, y, 10 ** rng.uniform(-2, 0.5)


def test_optimum_is_that_of_the_program_over_all_ramps():
    for seed in range(20):
        x, y, beta = labels(seed)
        weights = np.random.default_rng(seed).uniform(0.2, 2.0, x.size) if seed % 2 else None
        found = spline(x, y, beta, loss="hinge", weights=weights)
        value, _ = ramp_lasso(x, y, beta, "hinge", weights)
        assert found.status == "optimal", seed
        assert found.objective == pytest.approx(value, rel=1e-9)
        for narrow in (False, True):
            network = found.network(narrow=narrow)
            assert found.objective_of(network) == pytest.approx(found.objective, rel=1e-9)


def test_dual_vector_is_feasible_and_proves_the_bound():
    x, y, beta = labels(3, 40)
    found = spline(x, y, beta, loss="hinge")
    alpha = found.y * found.dual
    assert alpha.min() >= 0.0
    assert alpha.max() <= 1.0
    assert found.dual.sum() == pytest.approx(0.0, abs=1e-12)
    ramps = np.maximum(x[:, None] - x[None, :], 0.0)
    for matrix in (ramps, ramps.T):
        assert np.abs(found.dual @ matrix).max() <= beta * (1 + 1e-12)
    assert alpha.sum() == pytest.approx(found.dual_objective, rel=1e-12)


def test_one_class_and_equal_inputs_cost_nothing_or_the_lesser_class():
    assert spline([0.0, 1.0, 2.0], [1.0] * 3, 0.1, loss="hinge").objective == 0.0
    assert spline([0.0, 1.0, 2.0], [-1.0] * 3, 0.1, loss="hinge").predict([9.0]) == [-1.0]
    same = spline([1.0] * 4, [1.0, 1.0, -1.0, 1.0], 0.1, loss="hinge")
    assert (same.objective, same.dual_objective, same.status) == (2.0, 2.0, "optimal")


def test_scaling_law_and_order():
    x, y, beta = labels(5, 30)
    base = spline(x, y, beta, loss="hinge")
    moved = spline(4.0 * x - 1.0, y, 4.0 * beta, loss="hinge")
    assert moved.objective == pytest.approx(base.objective, rel=1e-9)
    flipped = spline(-x[::-1], -y[::-1], beta, loss="hinge")
    assert flipped.objective == pytest.approx(base.objective, rel=1e-9)


def test_size_and_many_knots():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, 3000)
    y = np.where(rng.uniform(size=x.size) < 0.5 + 0.4 * np.sin(7 * x), 1.0, -1.0)
    few = spline(x, y, 1.0, loss="hinge")
    many = spline(x, y, 1e-5, loss="hinge")
    assert few.gap <= 1e-9
    assert many.gap <= 1e-9
    assert few.knots.size < 20 < 500 < many.knots.size


def test_a_wrong_spline_and_a_wrong_dual_are_found_out():
    x, y, beta = labels(7, 30)
    found = spline(x, y, beta, loss="hinge")
    data = (found.x, found.y, found.weights, beta, "hinge", found.nodes)
    moved = certify_spline(*data, found.node_values + 0.01, dual=found.dual)
    assert moved.gap > 1e-4
    wild = certify_spline(*data, found.node_values, dual=3.0 * found.dual + 1.0)
    assert wild.dual_objective <= found.objective * (1 + 1e-12)
    assert wild.gap > 1e-4
