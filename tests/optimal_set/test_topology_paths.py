"""Paths between two optimal networks: optimal at every point, one block for each slot."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from relu_optima.errors import SolveInputError
from relu_optima.optimal_set import describe, topology
from tests.optimal_set.programs import FAN_X, FAN_Y, gaussian, solve
from tests.optimal_set.test_topology import CASES, FAN, random_polytope


def placements(found, width):
    """Every vertex in every order, as blocks and coefficients."""
    for vertex in found.vertices:
        used = np.flatnonzero(vertex)
        for slots in itertools.permutations(range(width), used.size):
            blocks, c = np.full(width, -1), np.zeros(width)
            blocks[list(slots)], c[list(slots)] = used, vertex[used]
            yield blocks, c


def check(path, Z, fit, first, last):
    """Ends, continuity, feasibility, and a constant objective."""
    for t, (blocks, c) in ((0, first), (len(path), last)):
        at, coefficients = path.at(t)
        np.testing.assert_allclose(coefficients, np.where(blocks >= 0, c, 0), atol=1e-12)
        assert (at[coefficients > 0] == blocks[coefficients > 0]).all()
    assert path.start.min() >= 0
    assert path.end.min() >= 0
    for before, after in itertools.pairwise(range(len(path))):
        held = path.end[before] > 0
        np.testing.assert_allclose(path.end[before], path.start[after], atol=1e-12)
        assert (path.blocks[before][held] == path.blocks[after][held]).all()
    for t in np.linspace(0, len(path), 3 * len(path) + 1):
        assert np.linalg.norm(Z @ path.model(t) - fit) <= 1e-12 * np.linalg.norm(fit)
    assert path.drift(samples=20) <= 1e-12


@pytest.mark.parametrize("name", CASES)
def test_there_is_a_path_exactly_within_a_component(name):
    Z, fit = CASES[name]
    found = topology(Z, fit)
    for width in range(found.m_star, min(found.connected_from, 3) + 1):
        networks = list(placements(found, width))
        kinds: list[tuple] = []
        for network in networks:
            for kind in kinds:
                path = found.path(kind[0], network, width)
                if path:
                    check(path, Z, fit, kind[0], network)
                    kind[1].append(network)
                    break
                assert path.reason
            else:
                kinds.append((network, [network]))
        assert len(kinds) == found.level(width)["components"]


@pytest.mark.parametrize("seed", range(20))
def test_paths_between_models_inside_the_set(seed):
    """Not vertices: random points of the polytope, in random slots, some blocks in two of them."""
    Z, fit = random_polytope(seed)
    found = topology(Z, fit)
    rng = np.random.default_rng(seed)
    ends = []
    width = max(found.connected_from, Z.shape[1]) + 1
    for _ in range(2):
        beta = rng.dirichlet(np.ones(len(found.vertices))) @ found.vertices
        used = np.flatnonzero(beta)
        blocks = np.concatenate([used, used[:1]])
        c = np.concatenate([beta[used], [0.25 * beta[used[0]]]])
        c[0] *= 0.75
        order = rng.permutation(width)
        blocks = np.concatenate([blocks, np.full(width - blocks.size, -1)])[order]
        ends.append((blocks, np.concatenate([c, np.zeros(width - c.size)])[order]))
    path = found.path(*ends, width)
    assert path
    check(path, Z, fit, *ends)


def test_the_two_kinds_of_the_fan():
    found = topology(*FAN)
    one, two = found.vertices
    apart = found.path(one, two, 2)
    assert not apart
    assert "isolated" in apart.reason
    with pytest.raises(SolveInputError, match="isolated"):
        apart.at(0.0)
    for width in (3, 4):
        check(found.path(one, two, width), *FAN, *(_slots(v, width) for v in (one, two)))


def _slots(beta, width):
    used = np.flatnonzero(beta)
    blocks, c = np.full(width, -1), np.zeros(width)
    blocks[: used.size], c[: used.size] = used, beta[used]
    return blocks, c


def test_different_continua_have_no_path_and_say_so():
    found = topology(*CASES["two_sizes"])
    small = [v for v in found.vertices if np.count_nonzero(v) == 2]
    path = found.path(*small, 3)
    assert not path
    assert "different components at width 3" in path.reason


@pytest.mark.parametrize("seed", [2, 5, 7])
def test_the_objective_of_the_networks_is_constant(seed):
    """Weights and real ReLUs, not coefficients: 100 networks on each segment."""
    X, y = gaussian(seed, 8, 2)
    optimal = describe(solve(X, y, 0.05), X, y)
    found = optimal.topology()
    ends = found.vertices[[0, -1]]
    width = max(found.connected_from, 2)
    path = found.path(*ends, width)
    assert path
    values = []
    before = None
    for t in np.linspace(0, len(path), 100 * len(path) + 1):
        W, w = path.neurons(t, optimal.directions, optimal.signs)
        error = np.maximum(X @ W.T, 0) @ w - y
        values.append(0.5 * error @ error + 0.025 * (np.sum(W**2) + np.sum(w**2)))
        if before is not None:
            assert np.abs(W - before).max() < 0.25 * max(1.0, np.abs(W).max())
        before = W
    assert np.ptp(values) <= 1e-12 * optimal.objective
    assert values[0] == pytest.approx(optimal.objective, rel=1e-12)


def test_a_path_beyond_the_budget_is_not_known():
    Z, fit = np.vstack([np.ones(30), np.arange(30.0)]), np.array([1.0, 14.5])
    exact = topology(Z, fit)
    found = topology(Z, fit, vertex_budget=20)
    path = found.path(exact.vertices[0], exact.vertices[-1], 4)
    assert not path
    assert "not enumerated" in path.reason
    assert exact.path(exact.vertices[0], exact.vertices[-1], 4).drift() <= 1e-12


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (np.zeros(2), "shape"),
        (np.array([1.0, 0, 0]), "not optimal"),
        (np.array([0.5, 0.5, 0.5]), "3 neurons"),
        ((np.array([0, 9]), np.array([1.5, 0.5])), "out of range"),
        ((np.array([0.0, 1.0]), np.array([1.5, 0.0])), "integers"),
    ],
)
def test_what_is_no_optimal_network_is_refused(end, words):
    found = topology(*FAN)
    with pytest.raises(SolveInputError, match=words):
        found.path(end, found.vertices[0], 2)


def test_below_the_fewest_neurons_there_is_nothing_to_connect():
    found = topology(*CASES["square"])
    with pytest.raises(SolveInputError, match="fewest neurons"):
        found.path(found.vertices[0], found.vertices[1], 1)


def test_the_fan_from_weights():
    optimal = describe(solve(FAN_X, FAN_Y, 1.0), FAN_X, FAN_Y)
    found = optimal.topology()
    path = found.path(optimal.min_norm(), found.vertices[0], 3)
    W, w = path.neurons(0.0, optimal.directions, optimal.signs)
    assert W.shape == (3, 2)
    np.testing.assert_allclose(np.sum(W**2, axis=1), w**2, atol=1e-12)
