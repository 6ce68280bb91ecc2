"""Gates, patterns, and the exact enumeration of an arrangement."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.convex import enumerate_patterns, gates_from_network, sample_gates, symmetrize
from relu_optima.errors import BudgetError, SolveInputError


def cover_count(n: int, rank: int) -> int:
    """Cells of n hyperplanes in general position through the origin (Cover 1965)."""
    return 2 * sum(comb(n - 1, k) for k in range(rank))


def count_with_zero_cell(X: np.ndarray) -> int:
    """Cells found, plus the all-zero cell, which exists iff its opposite, all ones, does."""
    patterns = X @ enumerate_patterns(X) > 0
    assert patterns.any(axis=0).all()
    return patterns.shape[1] + int(patterns.all(axis=0).any())


@pytest.mark.parametrize(
    ("n", "d", "cells"), [(4, 2, 8), (5, 2, 10), (6, 3, 32), (8, 3, 58), (7, 4, 84)]
)
def test_general_position_has_covers_count_of_cells(n, d, cells):
    X = np.random.default_rng(n * d).standard_normal((n, d))
    assert cells == cover_count(n, d)
    assert count_with_zero_cell(X) == cells


def test_rank_two_data_in_five_dimensions_have_fourteen_cells():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((7, 2)) @ rng.standard_normal((2, 5))
    assert count_with_zero_cell(X) == 14


def test_one_feature_has_two_cells_and_zero_data_none():
    assert enumerate_patterns(np.array([[1.0], [-2.0], [3.0]])).shape == (1, 2)
    assert enumerate_patterns(np.ones((3, 1))).shape == (1, 1)
    assert enumerate_patterns(np.zeros((3, 2))).shape == (2, 0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), d=st.integers(2, 4), n=st.integers(2, 7))
def test_sampling_never_finds_a_cell_that_enumeration_missed(seed, d, n):
    rng = np.random.default_rng(seed)
    X = rng.integers(-2, 3, size=(n, d)).astype(float)  # far from general position
    found = enumerate_patterns(X)
    patterns = {tuple(p) for p in (X @ found > 0).T}
    assert len(patterns) == found.shape[1]
    sampled = X @ rng.standard_normal((d, 4000))
    inside = np.abs(sampled[np.any(X, axis=1)]).min(axis=0, initial=1.0) > 1e-9
    drawn = {tuple(p) for p in (sampled > 0).T[inside] if p.any()}
    assert drawn <= patterns


def test_enumeration_is_refused_above_its_budget():
    X = np.random.default_rng(0).standard_normal((12, 3))
    with pytest.raises(BudgetError, match=r"convex\.gates\.source"):
        enumerate_patterns(X, budget=20)
    with pytest.raises(BudgetError):
        enumerate_patterns(X[:, :2], budget=20)


def test_sampled_gates_are_the_published_draw_without_repeats():
    X = np.random.default_rng(3).standard_normal((9, 3))
    gates = sample_gates(X, 40, seed=5)
    draw = np.random.default_rng(5).standard_normal((3, 40))
    patterns = (X @ draw > 0).astype(float)
    distinct, first = np.unique(patterns, axis=1, return_index=True)
    expected = draw[:, first[distinct.any(axis=0)]]
    np.testing.assert_array_equal(gates, expected)


def test_symmetrised_gates_have_complementary_patterns():
    X = np.random.default_rng(0).standard_normal((9, 3))
    gates = sample_gates(X, 4, 0)
    both = symmetrize(gates)
    k = gates.shape[1]
    np.testing.assert_array_equal(X @ both[:, :k] > 0, ~(X @ both[:, k:] > 0))


def test_gates_of_a_network_are_its_live_neurons():
    W1 = np.array([[1.0, 2], [0, 0], [-1, 0]])
    np.testing.assert_array_equal(gates_from_network(W1), W1[[0, 2]].T)
    with pytest.raises(SolveInputError):
        gates_from_network(np.array([[np.nan, 1.0]]))


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (3, -1)])
def test_impossible_draws_are_refused(count, seed):
    with pytest.raises(SolveInputError):
        sample_gates(np.ones((2, 2)), count, seed)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), few=st.integers(1, 20), more=st.integers(0, 40))
def test_nested_gates_of_one_seed_are_the_first_of_more(seed, few, more):
    X = np.random.default_rng(seed).integers(-2, 3, size=(6, 3)).astype(float)
    small, large = (sample_gates(X, count, seed, nested=True) for count in (few, few + more))
    assert {tuple(g) for g in small.T} <= {tuple(g) for g in large.T}


def test_gates_of_different_counts_have_nothing_in_common_unless_nested():
    X = np.random.default_rng(0).standard_normal((60, 5))
    small, large = ({tuple(g) for g in sample_gates(X, count, 0).T} for count in (10, 20))
    assert not small & large
