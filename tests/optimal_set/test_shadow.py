"""The outline of the optimal set on two coefficients, against linear programs."""

import numpy as np
import pytest

from relu_optima.optimal_set import describe
from relu_optima.optimal_set.shadow import shadow_series
from tests.optimal_set.programs import FAN_X, FAN_Y, gaussian, solve


def polygon():
    for seed in range(40):
        X, y = gaussian(seed, 8, 2)
        optimal = describe(solve(X, y, 0.05), X, y)
        if optimal.dimension == 2:
            return optimal
    raise AssertionError("no such instance")


def test_the_outline_is_closed_convex_and_as_wide_as_the_linear_programs_say():
    optimal = polygon()
    samples = optimal.sample(400, 0)
    series = shadow_series(optimal, samples, optimal.vertices())
    edge = np.column_stack([series["edge_1"], series["edge_2"]])
    inside = np.column_stack([series["coefficient_1"], series["coefficient_2"]])
    assert np.allclose(edge[0], edge[-1])
    columns = [
        next(j for j in range(samples.shape[1]) if np.array_equal(samples[:, j], inside[:, i]))
        for i in (0, 1)
    ]
    for angle in np.linspace(0, 2 * np.pi, 17):
        toward = np.array([np.cos(angle), np.sin(angle)])
        cost = np.zeros(samples.shape[1])
        cost[columns] = -toward
        furthest = float(optimal.optimize(cost)[columns] @ toward)
        size = np.ptp(edge, axis=0).max()
        assert float((edge @ toward).max()) == pytest.approx(furthest, abs=0.02 * size)
        assert float((inside @ toward).max()) <= furthest + 1e-9 * size


def test_a_smaller_set_has_no_outline():
    optimal = describe(solve(FAN_X, FAN_Y, 1.0), FAN_X, FAN_Y)
    assert optimal.dimension == 1
    assert shadow_series(optimal, optimal.sample(10, 0), optimal.vertices()) == {}
    wide = polygon()
    assert shadow_series(wide, wide.sample(10, 0), None) == {}
