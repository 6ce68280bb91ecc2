"""Paths from arbitrary networks to optimal ones along which the objective never rises."""

from __future__ import annotations

import numpy as np
import pytest

from relu_optima.errors import SolveInputError
from relu_optima.optimal_set import descend, describe
from tests.optimal_set.programs import FAN_X, FAN_Y, gaussian, solve


def network(seed, m, d, scale=1.0):
    rng = np.random.default_rng(seed)
    return scale * rng.standard_normal((m, d)), scale * rng.standard_normal(m)


def check(found, X, y, lam, optimum):
    """Never rising, continuous, ending at the optimum, beginning at the given network."""
    values = found.objectives(X, y, lam)
    assert np.diff(values).max() <= 1e-13 * values[0]
    assert values[-1] <= optimum * (1 + 1e-10)
    W, w = found.neurons(0.0)
    np.testing.assert_allclose(np.maximum(X @ W.T, 0) @ w, np.maximum(X @ found.W.T, 0) @ found.w)
    before = None
    for t in np.linspace(0, len(found), 200 * len(found) + 1):
        W, w = found.neurons(float(t))
        if before is not None:
            assert np.abs(W - before).max() < 0.2 * max(1.0, np.abs(found.W).max())
        before = W


@pytest.mark.parametrize("seed", range(8))
def test_n_plus_one_neurons_always_suffice(seed):
    """Also where neurons are dead, start unbalanced, or have no output."""
    X, y = gaussian(seed, 8, 2)
    lam = 0.05
    optimal = describe(solve(X, y, lam), X, y)
    W, w = network(seed, 9, 2, 2.0)
    w[0], W[1] = 0.0, 0.0
    W[2] *= 10.0
    found = descend(optimal, W, w)
    assert found.found
    assert found.slots <= 9
    check(found, X, y, lam, optimal.objective)


@pytest.mark.parametrize("seed", range(4))
def test_many_neurons_on_real_sizes(seed):
    X, y = gaussian(40 + seed, 20, 2)
    lam = 0.05
    optimal = describe(solve(X, y, lam), X, y)
    found = descend(optimal, *network(seed, 60, 2))
    assert found.found
    assert found.slots <= 21
    check(found, X, y, lam, optimal.objective)


def test_an_optimal_network_stays_optimal():
    optimal = describe(solve(FAN_X, FAN_Y, 1.0), FAN_X, FAN_Y)
    found = descend(optimal, *optimal.neurons(optimal.min_norm()))
    values = found.objectives(FAN_X, FAN_Y, 1.0)
    np.testing.assert_allclose(values, 1.75, rtol=1e-12)


def test_one_neuron_too_few_says_so_and_still_descends():
    """Two points of opposite sign need two neurons; the one given can only improve itself."""
    X, y = np.eye(2), np.array([2.0, -2.0])
    optimal = describe(solve(X, y, 0.5), X, y)
    assert optimal.smallest().size == 2
    W, w = np.array([[1.0, 0.2]]), np.array([1.0])
    found = descend(optimal, W, w)
    assert not found.found
    assert "more than 1 neurons" in found.path.reason
    values = found.objectives(X, y, 0.5)
    assert np.diff(values).max() <= 1e-14
    assert values[-1] > optimal.objective
    assert descend(optimal, np.vstack([W, W]), np.array([1.0, 0.0])).slots <= 2


@pytest.mark.parametrize(
    ("W", "w", "words"),
    [
        (np.zeros((2, 3)), np.zeros(2), "shapes"),
        (np.zeros((2, 2)), np.zeros(3), "shapes"),
        (np.full((2, 2), np.inf), np.zeros(2), "infinite"),
    ],
)
def test_what_is_no_network_is_refused(W, w, words):
    optimal = describe(solve(FAN_X, FAN_Y, 1.0), FAN_X, FAN_Y)
    with pytest.raises(SolveInputError, match=words):
        descend(optimal, W, w)


def test_gated_programs_have_no_such_networks():
    X, y = gaussian(0, 8, 2)
    optimal = describe(solve(X, y, 0.05, "gated"), X, y)
    with pytest.raises(SolveInputError, match="gated"):
        descend(optimal, *network(0, 9, 2))
