"""Vertices by qhull beside all bases, on polytopes with known and with degenerate corners."""

from __future__ import annotations

import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.errors import BudgetError
from relu_optima.optimal_set.hit_and_run import hit_and_run
from relu_optima.optimal_set.polytope import Polytope, most_vertices, polytope


def _all_bases(body: Polytope) -> np.ndarray:
    """Every non-negative basic solution of Z beta = fit, one row each, by brute force."""
    k, size = body.start.size, np.linalg.matrix_rank(body.columns)
    found = set()
    for chosen in itertools.combinations(range(k), int(size)):
        columns = body.columns[:, chosen]
        if np.linalg.matrix_rank(columns) < size:
            continue
        values = np.linalg.lstsq(columns, body.fit, rcond=None)[0]
        if values.min() >= -1e-9 and np.allclose(columns @ values, body.fit, atol=1e-9):
            beta = np.zeros(k)
            beta[list(chosen)] = np.maximum(values, 0.0)
            found.add(tuple(np.round(beta, 7) + 0.0))
    return np.array(sorted(found))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    k=st.integers(2, 8),
    rows=st.integers(0, 4),
    integer=st.booleans(),
)
def test_vertices_are_those_of_all_bases(seed: int, k: int, rows: int, integer: bool) -> None:
    """Also where corners are degenerate: integer data put many facets through one of them."""
    rng = np.random.default_rng(seed)
    Z = rng.integers(-1, 2, (min(rows, k - 1), k)) if integer else rng.random((min(rows, k - 1), k))
    Z = np.vstack([np.ones(k), Z]).astype(float)
    inside = rng.integers(0, 2, k) if integer else rng.random(k)
    if not inside.any():
        inside[0] = 1
    body = polytope(Z, Z @ inside, 1e-8)
    expected = _all_bases(body)
    vertices = body.vertices()
    assert len(vertices) == len(expected)
    assert np.allclose(np.array(sorted(map(tuple, np.round(vertices, 7) + 0.0))), expected)


def test_the_cube_has_its_corners() -> None:
    q = 8
    Z = np.hstack([np.eye(q), np.eye(q)])  # x + (1 - x) = 1: 2^q corners
    vertices = polytope(Z, np.ones(q), 1e-9).vertices()
    assert len(vertices) == 2**q
    assert set(np.unique(np.round(vertices, 12))) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("size", "dimension", "most"), [(3, 2, 3), (7, 2, 7), (4, 3, 4), (6, 3, 8)]
)
def test_the_upper_bound_theorem_in_low_dimensions(size: int, dimension: int, most: int) -> None:
    assert most_vertices(size, dimension) == most
    assert most_vertices(size, 1) == 2
    assert most_vertices(40, 8) < comb(40, 8) / 1000


def test_a_set_that_could_have_too_many_vertices_is_refused_before_any_work() -> None:
    Z = np.ones((1, 40))
    body = polytope(Z, np.ones(1), 1e-9)
    with pytest.raises(BudgetError, match=r"up to .* \(40 directions, dimension 39\)"):
        body.vertices(budget=30)
    assert len(body.vertices()) == 40


@pytest.mark.parametrize("k", [2, 3, 5])
def test_samples_are_uniform_on_a_simplex(k):
    """There E b_i = 1 / k and E b_i^2 = 2 / (k (k + 1)); four standard errors are allowed."""
    body = Polytope(np.ones((1, k)), np.ones(1), np.full(k, 1 / k))
    beta = hit_and_run(body, 4000, seed=0)
    np.testing.assert_allclose(beta.sum(axis=1), 1.0)
    for power, expected in ((1, 1 / k), (2, 2 / (k * (k + 1)))):
        error = 4 * np.std(beta**power, axis=0) / np.sqrt(len(beta))
        assert np.all(np.abs(np.mean(beta**power, axis=0) - expected) <= error)
