"""Which widths attain the optimum: matching, integer program, training at those widths."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from relu_optima.convex import fit_widths, least_widths, solve_sparse
from relu_optima.convex.shallow import ShallowNetwork
from relu_optima.errors import SolveInputError
from tests.convex.sparse.cones import K1_SUPPORTS, K1_X, K1_Y


@pytest.fixture(scope="module")
def example():
    return solve_sparse(K1_X, K1_Y, K1_SUPPORTS, 0.1, tol=1e-11)


def test_the_example_needs_two_and_three_neurons(example):
    found = least_widths(example)
    assert found.status == "optimal"
    assert found.widths == {0: 2, 1: 3}
    assert found.total == 5
    assert found.objective == pytest.approx(example.objective, rel=1e-9)


@pytest.mark.parametrize(
    ("widths", "fits"),
    [((2, 3, 0), True), ((3, 4, 1), True), ((2, 2, 1), False), ((1, 1, 1), False)],
)
def test_widths_of_the_example(example, widths, fits):
    found = least_widths(example, caps=widths)
    assert found.fits is fits
    assert (found.network is not None) == fits
    assert fit_widths(example.network, K1_SUPPORTS, widths) is fits
    if fits:
        assert all(found.widths.get(s, 0) <= m for s, m in enumerate(widths))
        assert fit_widths(found.network, K1_SUPPORTS, widths)


def test_a_neuron_may_use_a_slot_of_a_larger_support():
    U = np.array([[1.0, 0, 0], [0, 2.0, 0], [0, 1.0, 1.0]])
    network = ShallowNetwork(U, np.ones((3, 1)))
    supports = ((0, 1), (1, 2))
    assert fit_widths(network, supports, (2, 1))
    assert fit_widths(network, supports, (1, 2))
    assert not fit_widths(network, supports, (0, 3))
    assert not fit_widths(network, supports, (1, 1))


def test_matching_is_that_of_all_assignments():
    rng = np.random.default_rng(0)
    supports = ((0,), (0, 1), (1, 2), (0, 1, 2))
    for _ in range(60):
        U = rng.integers(0, 2, (rng.integers(1, 5), 3)).astype(float)
        U[~U.any(axis=1), 0] = 1.0
        widths = rng.integers(0, 3, 4)
        slots = [supports[s] for s, m in enumerate(widths) for _ in range(m)]
        inputs = [set(np.flatnonzero(u)) for u in U]
        expected = any(
            all(t <= set(slot) for t, slot in zip(inputs, chosen, strict=True))
            for chosen in itertools.permutations(slots, len(inputs))
        )
        assert fit_widths(ShallowNetwork(U, np.ones((len(U), 1))), supports, widths) == expected


def test_two_ways_to_be_optimal():
    """Antipodal pairs: an optimum with other widths than the solver's own is found."""
    X = np.array([[np.sqrt(3), 1.0], [-np.sqrt(3), 1.0]])
    y = np.array([2.0, 2.0])
    solution = solve_sparse(X, y, [(0, 1), (1,)], 1.0, tol=1e-11)
    assert solution.objective == pytest.approx(1.75, rel=1e-10)
    assert least_widths(solution).total == 1
    two = least_widths(solution, caps={0: 2, 1: 0})
    assert two.fits
    one = least_widths(solution, caps={0: 0})
    assert one.fits
    assert one.widths == {1: 1}
    assert not least_widths(solution, caps=(0, 0)).fits


def test_what_is_no_exact_solution_is_refused(example):
    with pytest.raises(SolveInputError, match="gap"):
        least_widths(replace(example, gap=1e-6))
    with pytest.raises(SolveInputError, match="3 numbers"):
        least_widths(example, caps=(1, 1))
    with pytest.raises(SolveInputError, match="cap"):
        least_widths(example, caps={9: 1})
    with pytest.raises(SolveInputError, match="3 numbers"):
        fit_widths(example.network, K1_SUPPORTS, (1, 1, -1))


def test_the_zero_network_needs_nothing():
    solution = solve_sparse(K1_X, K1_Y, K1_SUPPORTS, 2.0, lam_scale="max", tol=1e-11)
    assert least_widths(solution).total == 0
