"""Networks of one input: costs in closed form against a linear program, certificates, networks."""

import numpy as np
import pytest
from scipy.optimize import linprog

from relu_optima.convex import deep_spline, mirror_dictionary, spline_cost
from relu_optima.errors import SolveInputError

POINTS = {
    "zshape": ((0, 2, 6, 7), (0, 0, 3, 3), (1.5, 0.75, 0.75)),
    "bounce": ((0, 2, 6, 7), (0, 0, 3, 7), (4, 4, 4)),
    "opt": ((0, 4, 5, 7, 10, 11), (0, 0, 0, 2, 3, 3), (2, 1, 1)),
}


def least_path_norm(x, y, depth) -> float:
    """Solve the interpolation problem over the dictionary."""
    A = mirror_dictionary(np.array(x, dtype=float), depth)
    size = A.shape[1]
    one = np.ones((len(A), 1))
    found = linprog(np.r_[np.ones(2 * size), 0, 0], A_eq=np.hstack([A, -A, one, -one]), b_eq=y)
    return float(found.fun)


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("name", POINTS)
def test_published_points(name, depth):
    x, y, costs = POINTS[name]
    assert spline_cost(x, y, depth) == pytest.approx(costs[depth - 2], rel=1e-12)
    assert least_path_norm(x, y, depth) == pytest.approx(costs[depth - 2], rel=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_cost_is_the_least_of_the_dictionary(seed):
    generator = np.random.default_rng(seed)
    x = np.cumsum(generator.exponential(size=6))
    y = generator.standard_normal(6)
    for depth in (2, 3):
        assert spline_cost(x, y, depth) == pytest.approx(least_path_norm(x, y, depth), rel=1e-8)
    # breakpoints anywhere, reflections among them, do not lower it
    clips = np.sort(generator.uniform(x[0] - 1, x[-1] + 1, (400, 2)), axis=1)
    A = np.array([np.clip(x, a, b) - a for a, b in clips]).T
    exact = mirror_dictionary(x, 3)
    whole = np.hstack([exact, A])
    one = np.ones((6, 1))
    cost = np.r_[np.ones(2 * whole.shape[1]), 0, 0]
    found = linprog(cost, A_eq=np.hstack([whole, -whole, one, -one]), b_eq=y).fun
    assert found == pytest.approx(spline_cost(x, y, 3), rel=1e-8)


@pytest.mark.parametrize("seed", range(9))
def test_optimum_certificate_and_network(seed):
    generator = np.random.default_rng(100 + seed)
    n = int(generator.integers(2, 30))
    x = generator.standard_normal(n)
    x = np.round(3 * x) if seed % 3 == 0 else x
    y = np.sin(3 * x) + generator.standard_normal(n)
    lam = float(10 ** generator.uniform(-3, 1))
    values = []
    for depth in (2, 3, 5):
        found = deep_spline(x, y, lam, depth)
        assert found.status == "optimal"
        assert -1e-12 <= found.gap < 1e-8
        network = found.network()
        assert network.depth == depth
        assert network.predict(found.x[:, None])[:, 0] == pytest.approx(found.values, abs=1e-7)
        assert np.abs(found.branches[:, 2]).sum() == pytest.approx(found.path_norm, abs=1e-7)
        decayed = found.weight_decay_network().objective(x[:, None], y, lam)
        assert decayed == pytest.approx(found.weight_decay_objective, rel=1e-9)
        assert decayed <= network.objective(x[:, None], y, lam) * (1 + 1e-12)
        values.append(found.objective)
        # no other function on the points is better
        for _ in range(50):
            f = found.values + generator.standard_normal(len(found.x)) * 10 ** generator.uniform(
                -4, 0
            )
            fit = 0.5 * float(found.weights @ (f - found.y) ** 2) + found.lost
            assert fit + lam * spline_cost(found.x, f, depth) >= found.objective * (1 - 1e-9)
    assert values[1] <= values[0] * (1 + 1e-8)
    assert values[2] == pytest.approx(values[1], rel=1e-8)


def test_one_branch_under_weight_decay():
    x, y, _ = POINTS["zshape"]
    found = deep_spline(x, y, 1e-5, 3)
    assert found.weight_decay_objective / 1e-5 == pytest.approx(1.5 * 0.75 ** (2 / 3), abs=1e-5)


def test_scaling_laws():
    generator = np.random.default_rng(3)
    x, y = generator.standard_normal(12), generator.standard_normal(12)
    for depth in (2, 3):
        plain = deep_spline(x, y, 0.1, depth).objective
        assert deep_spline(3 * x + 1, y, 0.3, depth).objective == pytest.approx(plain, rel=1e-8)
        assert deep_spline(-x, y, 0.1, depth).objective == pytest.approx(plain, rel=1e-8)
        assert deep_spline(x, -2 * y, 0.2, depth).objective == pytest.approx(4 * plain, rel=1e-8)
        order = generator.permutation(12)
        assert deep_spline(x[order], y[order], 0.1, depth).objective == pytest.approx(plain)


@pytest.mark.parametrize(
    "call",
    [
        lambda: deep_spline([0.0, 1.0], [0.0], 0.1, 3),
        lambda: deep_spline([1.0, 1.0], [0.0, 1.0], 0.1, 3),
        lambda: deep_spline([0.0, np.nan], [0.0, 1.0], 0.1, 3),
        lambda: deep_spline([0.0, 1.0], [0.0, 1.0], 0.0, 3),
        lambda: deep_spline([0.0, 1.0], [0.0, 1.0], 0.1, 1),
        lambda: spline_cost([0.0, 0.0, 1.0], [0.0, 1.0, 1.0], 3),
        lambda: mirror_dictionary([0.0, 1.0], 5),
    ],
)
def test_bad_input(call):
    with pytest.raises(SolveInputError):
        call()
