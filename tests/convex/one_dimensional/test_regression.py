"""Spline regression and interpolation against slow references, exact laws and known numbers."""

from __future__ import annotations

import numpy as np
import pytest

from relu_optima.convex import interpolate, spline, spline_beta_max, spline_path
from relu_optima.convex.one_dimensional.certificate import certify_spline
from relu_optima.errors import SolveInputError
from tests.convex.one_dimensional.references import least_width, ramp_lasso

TARGETS = {
    "noise": lambda x: 0 * x,
    "rising": lambda x: 3 * x,
    "falling": lambda x: -3 * x + x**2,
    "bowl": lambda x: 4 * x**2,
}


def sample(seed: int, target: str = "noise", size: int | None = None):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 12)) if size is None else size
    x = np.round(rng.uniform(-1, 1, n), 2)
    y = TARGETS[target](x) + 0.5 * rng.standard_normal(n)
    return x, y, 10 ** rng.uniform(-3, 0.5)


@pytest.mark.parametrize("target", TARGETS)
def test_optimum_is_that_of_the_program_over_all_ramps(target):
    regimes = set()
    for seed in range(8):
        x, y, beta = sample(seed, target)
        weights = np.random.default_rng(seed).uniform(0.2, 2.0, x.size) if seed % 2 else None
        found = spline(x, y, beta, weights=weights)
        value, _ = ramp_lasso(x, y, beta, weights=weights)
        assert found.status == "optimal"
        assert found.objective == pytest.approx(value, rel=1e-9, abs=1e-12)
        assert found.dual_objective <= found.objective * (1 + 1e-15) + 1e-15
        assert found.gap <= 1e-11
        regimes.add(found.regime)
    assert len(regimes) > 1


@pytest.mark.parametrize("target", TARGETS)
def test_networks_reach_the_program_and_the_narrow_one_is_narrowest(target):
    widths = []
    for seed in range(20, 26):
        x, y, beta = sample(seed, target, 6)
        found = spline(x, y, beta) if seed % 3 else interpolate(np.unique(x), y[: len(set(x))])
        for narrow in (False, True):
            network = found.network(narrow=narrow)
            assert found.objective_of(network) == pytest.approx(found.objective, rel=1e-11)
            np.testing.assert_allclose(network.predict(found.x), found.predict(found.x), atol=1e-10)
        assert found.network().w2.size in (found.knots.size, found.knots.size + 1)
        data = np.unique(found.x)
        least = least_width(data, found.predict(data), found.norm)
        assert found.least_width == found.least_width_bound == least
        assert found.network(narrow=True).w2.size == least
        widths.append(least - found.knots.size)
    assert widths


def test_one_neuron_between_two_points_serves_two_knots():
    """|x| sampled beside its kink: knots at both neighbours, one neuron between them."""
    x = np.array([-3.0, -2.0, -0.5, 1.0, 2.0, 4.0])
    found = interpolate(x, np.maximum(x, 0.0))
    assert found.knots.tolist() == [-0.5, 1.0]
    assert found.network().w2.size == 2
    assert found.least_width == found.least_width_bound == 1
    np.testing.assert_allclose(found.network(narrow=True).b1, 0.0, atol=1e-15)


def test_an_undecided_subset_sum_gives_bounds():
    rng = np.random.default_rng(0)
    x = np.arange(200.0)
    found = interpolate(x, rng.standard_normal(200))
    assert found.regime == "bends"
    assert found.least_width - found.least_width_bound in (0, 1)
    network = found.network(narrow=True)
    assert network.w2.size == found.least_width
    assert network.penalty() == pytest.approx(found.norm, rel=1e-12)


def test_known_interpolation_norms():
    zshape = [0, 2, 6, 7]
    cases = [
        (range(5), [0, 1, 1, 2, 0], 5.0),
        ([0, 1], [0, 1], 1.0),
        (zshape, [0, 0, 3, 3], 1.5),
        (zshape, [0, 0, 3, 7], 4.0),
        ([0, 4, 5, 7, 10, 11], [0, 0, 0, 2, 3, 3], 2.0),
    ]
    for x, y, norm in cases:
        found = interpolate(np.array(x, float), np.array(y, float))
        assert found.objective == pytest.approx(norm, rel=1e-14)
        assert found.dual_objective == pytest.approx(norm, rel=1e-14)
        assert spline(np.array(x, float), np.array(y, float), 0.0).objective == found.objective


def test_interpolation_norm_is_the_limit_of_small_penalties():
    x, y, _ = sample(3, "bowl", 9)
    x = np.unique(x)
    limit = interpolate(x, y[: x.size]).objective
    beta = 1e-7
    assert spline(x, y[: x.size], beta).objective / beta == pytest.approx(limit, rel=1e-3)


def test_beta_max_is_where_the_first_slope_appears():
    for seed in range(12):
        x, y, _ = sample(seed, "rising" if seed % 2 else "noise", 7)
        top = spline_beta_max(x, y)
        above, below = spline(x, y, top * (1 + 1e-4)), spline(x, y, top * (1 - 1e-3))
        assert np.ptp(above.node_values) == 0.0
        assert above.norm == 0.0
        assert below.norm > 0.0


def test_scaling_laws():
    x, y, beta = sample(1, "falling", 10)
    base = spline(x, y, beta)
    moved = spline(-3.0 * x + 7.0, y, 3.0 * beta)
    assert moved.objective == pytest.approx(base.objective, rel=1e-12)
    scaled = spline(x, -5.0 * y, 5.0 * beta)
    assert scaled.objective == pytest.approx(25.0 * base.objective, rel=1e-12)
    shifted = spline(x, y + 1e3, beta)
    assert shifted.objective == pytest.approx(base.objective, rel=1e-9)


def test_order_repetition_and_weights_mean_the_same():
    x, y, beta = sample(2, "bowl", 10)
    base = spline(x, y, beta)
    order = np.random.default_rng(0).permutation(x.size)
    assert spline(x[order], y[order], beta).objective == pytest.approx(base.objective, rel=1e-13)
    twice = spline(np.tile(x, 2), np.tile(y, 2), 2 * beta)
    weighted = spline(x, y, 2 * beta, weights=np.full(x.size, 2.0))
    assert twice.objective == pytest.approx(weighted.objective, rel=1e-13)
    assert weighted.objective == pytest.approx(2 * base.objective, rel=1e-13)
    dropped = spline(np.append(x, 9.0), np.append(y, -50.0), beta, weights=[1.0] * x.size + [0.0])
    assert dropped.objective == pytest.approx(base.objective, rel=1e-13)
    column = spline(np.asfortranarray(x[:, None]), y[:, None].astype(np.float64), beta)
    assert column.objective == base.objective
    single = spline(np.float32([0, 1, 3]), np.float32([0, 2, 1]), 0.25)
    assert single.objective == spline([0.0, 1.0, 3.0], [0.0, 2.0, 1.0], 0.25).objective


def test_degenerate_sizes():
    one = spline([2.0], [3.0], 0.1)
    assert (one.objective, one.least_width, one.predict([7.0])[0]) == (0.0, 0, 3.0)
    same = spline([1.0, 1.0], [0.0, 2.0], 0.1)
    assert (same.objective, same.dual_objective, same.nodes.size) == (1.0, 1.0, 1)
    two = spline([0.0, 1.0], [0.0, 1.0], 0.1)  # slope s: min (1 - s)^2 / 4 + 0.1 |s|
    assert two.objective == pytest.approx(0.09, rel=1e-14)
    assert two.least_width == 1
    flat = spline([0.0, 1.0, 2.0], [5.0, 5.0, 5.0], 0.1)
    assert (flat.objective, flat.gap, flat.least_width) == (0.0, 0.0, 0)


def test_many_knots_and_three_regimes_at_size():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, 20_000)
    noise = 0.3 * rng.standard_normal(x.size)
    seen = set()
    for y, beta in (
        (np.sin(6 * x) + noise, 1.0),
        (3 * x + noise, 0.2),
        (np.exp(2 * x) + 0.01 * noise, 1.0),
        (noise, 1e-7),
    ):
        found = spline(x, y, beta)
        assert found.gap <= 1e-9
        assert found.status == "optimal"
        seen.add(found.regime)
    assert found.knots.size > 15_000
    assert seen == {"bends", "border", "ends"}


def test_a_wrong_spline_is_not_certified():
    x, y, beta = sample(4, "bowl", 10)
    found = spline(x, y, beta)
    values = found.node_values.copy()
    values[1] += 1e-3
    proof = certify_spline(found.x, found.y, found.weights, beta, "squared", found.nodes, values)
    assert proof.gap > 1e-7
    assert proof.dual_objective < found.objective < proof.objective


def test_results_are_bit_identical():
    x, y, beta = sample(5, "noise", 11)
    a, b = spline(x, y, beta), spline(x, y, beta)
    assert a.node_values.tobytes() == b.node_values.tobytes()
    assert a.dual.tobytes() == b.dual.tobytes()


@pytest.mark.parametrize("target", TARGETS)
def test_path_agrees_with_solves_from_scratch(target):
    x, y, _ = sample(6, target, 25)
    top = spline_beta_max(x, y)
    path = spline_path(x, y, 1e-3 * top)
    assert path.complete
    assert np.all(np.diff(path.breakpoints) <= 0)
    for share in np.geomspace(1.01e-3, 1.3, 15):
        read, solved = path.at(share * top), spline(x, y, share * top)
        assert read.objective == pytest.approx(solved.objective, rel=1e-9)
        assert read.gap <= 1e-9
        assert read.tau == pytest.approx(solved.tau, abs=1e-6)
    with pytest.raises(SolveInputError, match="where the path ends"):
        path.at(1e-4 * top)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": [0.0, np.nan]}, "NaN or infinite"),
        ({"y": [1.0, np.inf]}, "NaN or infinite"),
        ({"y": [1.0]}, "as x"),
        ({"x": [], "y": []}, "at least one"),
        ({"x": ["a", "b"]}, "does not hold numbers"),
        ({"beta": -1.0}, "beta"),
        ({"beta": np.nan}, "beta"),
        ({"beta": "much"}, "beta"),
        ({"loss": "absolute"}, "squared, hinge"),
        ({"loss": "hinge"}, "-1 and 1"),
        ({"loss": "hinge", "y": [1.0, -1.0], "beta": 0.0}, "beta > 0"),
        ({"weights": [-1.0, 1.0]}, "weights"),
        ({"weights": [0.0, 0.0]}, "weights"),
        ({"tol": 0.0}, "tol"),
        ({"time_limit": 0.0}, "time_limit"),
        ({"x": [0.0, 1e-200]}, "closer than"),
        ({"x": [1.0, 1.0], "beta": 0.0}, "different targets"),
    ],
)
def test_bad_input_is_one_error(change, message):
    arguments = {"x": [0.0, 1.0], "y": [0.0, 1.0], "beta": 1.0} | change
    with pytest.raises(SolveInputError, match=message):
        spline(arguments.pop("x"), arguments.pop("y"), arguments.pop("beta"), **arguments)


def test_bad_input_of_the_path():
    for arguments in (([0.0, 1.0], [0.0, 1.0], 0.0), ([0.0, 1.0], [1.0, 1.0], 0.1)):
        with pytest.raises(SolveInputError):
            spline_path(*arguments)
    with pytest.raises(SolveInputError):
        spline_path([0.0, 1.0], [0.0, 1.0], 0.1, max_pieces=0)
