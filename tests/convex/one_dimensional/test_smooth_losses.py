"""The logistic and the Huber loss against the program over all ramps, and their certificates."""

from __future__ import annotations

import numpy as np
import pytest

from relu_optima.convex import spline, spline_beta_max
from relu_optima.convex.one_dimensional.certificate import certify_spline
from relu_optima.errors import SolveInputError
from tests.convex.one_dimensional.references import ramp_lasso

LOSSES = ("logistic", "huber")
DELTA = 0.4


def data(loss: str, seed: int, size: int | None = None):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 14)) if size is None else size
    x = np.round(rng.uniform(-2, 2, n), 1)
    y = np.where(rng.uniform(size=n) < 0.5, 1.0, -1.0)
    if loss == "huber":
        y = np.sin(3 * x) + rng.standard_t(1.5, n)
    y[:2] = 1.0, -1.0
    return x, y, 10 ** rng.uniform(-2.5, 0.5)


@pytest.mark.parametrize("loss", LOSSES)
def test_optimum_is_that_of_the_program_over_all_ramps(loss):
    regimes = set()
    for seed in range(12):
        x, y, beta = data(loss, seed)
        weights = np.random.default_rng(seed).uniform(0.2, 2.0, x.size) if seed % 2 else None
        found = spline(x, y, beta, loss=loss, weights=weights, delta=DELTA)
        value, _ = ramp_lasso(x, y, beta, loss, weights, DELTA)
        assert found.status == "optimal", seed
        assert found.objective == pytest.approx(value, rel=1e-8)
        assert found.dual_objective <= found.objective
        network = found.network(narrow=True)
        assert found.objective_of(network) == pytest.approx(found.objective, rel=1e-9)
        regimes.add(found.regime)
    assert len(regimes) >= 2


@pytest.mark.parametrize("loss", LOSSES)
def test_dual_vector_is_feasible_and_proves_the_bound(loss):
    x, y, beta = data(loss, 3, 40)
    found = spline(x, y, beta, loss=loss, delta=DELTA)
    nu = found.dual
    assert nu.sum() == pytest.approx(0.0, abs=1e-12)
    ramps = np.maximum(x[:, None] - x[None, :], 0.0)
    for matrix in (ramps, ramps.T):
        assert np.abs(nu @ matrix).max() <= beta * (1 + 1e-12)
    if loss == "huber":
        assert np.abs(nu).max() <= DELTA * (1 + 1e-15)
        value = np.sum(nu * y - 0.5 * nu**2)
    else:
        a = nu * y
        assert 0.0 < a.min() < a.max() < 1.0
        value = -np.sum(a * np.log(a) + (1 - a) * np.log(1 - a))
    assert value == pytest.approx(found.dual_objective, rel=1e-12)
    assert found.certify().gap <= 1e-9


@pytest.mark.parametrize("loss", LOSSES)
def test_a_constant_is_optimal_from_the_stated_strength_on(loss):
    x, y, _ = data(loss, 5, 30)
    top = spline_beta_max(x, y, loss=loss, delta=DELTA)
    assert spline(x, y, 1.0001 * top, loss=loss, delta=DELTA).norm < 1e-8
    assert spline(x, y, 0.999 * top, loss=loss, delta=DELTA).norm > 1e-5


@pytest.mark.parametrize("loss", LOSSES)
def test_a_wrong_spline_is_found_out(loss):
    x, y, beta = data(loss, 7, 30)
    found = spline(x, y, beta, loss=loss, delta=DELTA)
    moved = certify_spline(
        found.x, found.y, found.weights, beta, loss, found.nodes,
        found.node_values + 0.01 * np.arange(found.nodes.size), delta=DELTA,
    )  # fmt: skip
    assert moved.gap > 1e-5
    assert moved.dual_objective <= found.objective * (1 + 1e-12)


def test_a_huge_delta_is_the_squared_loss_and_outliers_move_a_small_one_little():
    x, y, beta = data("huber", 9, 50)
    squared = spline(x, y, beta)
    assert spline(x, y, beta, loss="huber", delta=1e3).objective == pytest.approx(
        squared.objective, rel=1e-9
    )
    far = np.where(np.arange(50) == 17, y + 1e6, y)
    base, moved = (spline(x, t, 0.1, loss="huber", delta=0.1).predict(x) for t in (y, far))
    assert np.abs(moved - base).max() < 1.0 < np.abs(spline(x, far, 0.1).predict(x) - base).max()


def test_equal_inputs_and_bad_input():
    same = spline([1.0] * 4, [1.0, 1.0, -1.0, 1.0], 0.1, loss="logistic")
    assert same.values.size == 0
    assert same.node_values == pytest.approx([np.log(3.0)])
    assert same.gap <= 1e-12
    middle = spline([2.0] * 3, [0.0, 1.0, 9.0], 0.1, loss="huber", delta=0.1)
    assert middle.node_values == pytest.approx([1.0])
    with pytest.raises(SolveInputError, match="no optimum"):
        spline([0.0, 1.0], [1.0, 1.0], 0.1, loss="logistic")
    with pytest.raises(SolveInputError, match="labels"):
        spline([0.0, 1.0], [1.0, 0.0], 0.1, loss="logistic")
    with pytest.raises(SolveInputError, match="delta"):
        spline([0.0, 1.0], [1.0, 0.0], 0.1, loss="huber", delta=0.0)
    for loss in LOSSES:
        with pytest.raises(SolveInputError, match="without a penalty"):
            spline([0.0, 1.0], [1.0, -1.0], 0.0, loss=loss)
    with pytest.raises(SolveInputError, match="closed form"):
        spline_beta_max([0.0, 1.0], [1.0, -1.0], loss="hinge")
