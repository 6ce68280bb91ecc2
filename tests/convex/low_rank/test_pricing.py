"""Exact pricing in rank one to three against faces, another listing, and plain evaluation."""

from __future__ import annotations

import numpy as np
import pytest

from relu_optima.convex import Pricer, enumerate_patterns, price
from relu_optima.convex.enumeration_certificate import largest_correlation
from relu_optima.convex.low_rank import pricing
from relu_optima.errors import SolveInputError
from tests.convex.low_rank.data import A1_X, awkward, correlations, largest_by_faces


@pytest.mark.parametrize("seed", range(40))
def test_the_sweep_is_the_maximum_over_all_faces(seed):
    X, N = awkward(seed, 5)
    best = largest_by_faces(X, N)
    found = price(X, N)
    assert found.exact
    assert found.value == pytest.approx(best, rel=1e-13)
    assert best <= found.bound <= found.value * (1 + 1e-10) + 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40, 200))
def test_the_sweep_is_the_maximum_over_all_faces_of_more_data(seed):
    X, N = awkward(seed, 6)
    assert price(X, N).value == pytest.approx(largest_by_faces(X, N), rel=1e-13)


@pytest.mark.parametrize("seed", range(200))
def test_the_sweep_agrees_with_another_listing_of_the_cells(seed):
    X, N = awkward(seed, 25)
    assert price(X, N).value == pytest.approx(largest_correlation(X, N), rel=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_maxima_above_a_level_are_local_maxima_and_all_there_are(seed):
    X, N = awkward(seed, 9)
    rng = np.random.default_rng(seed)
    rank, d = np.linalg.matrix_rank(X), X.shape[1]
    basis = np.linalg.svd(X)[2][:rank]
    starts = rng.standard_normal((400, rank)) @ basis
    level = 0.3 * price(X, N).value
    found = price(X, N, above=level)
    assert (np.diff(found.values[1:]) <= 0).all()
    assert found.values[0] >= found.values[1:].max(initial=0.0)
    for u, value in zip(found.directions, found.values, strict=True):
        near = u + 1e-6 * rng.standard_normal((200, d)) @ basis.T @ basis
        assert correlations(X, N, near).max() <= value * (1 + 1e-11)
        assert correlations(X, N, u[None])[0] == pytest.approx(value, rel=1e-13)
    # ascent by ever smaller random steps ends no higher than the nearest of those listed
    at, size = starts / np.linalg.norm(starts, axis=1)[:, None], 0.2
    value = correlations(X, N, at)
    while size > 1e-4:
        for _ in range(60):
            trial = at + size * rng.standard_normal((len(at), rank)) @ basis
            new = correlations(X, N, trial)
            better = new > value
            at[better] = trial[better] / np.linalg.norm(trial[better], axis=1)[:, None]
            value = np.maximum(value, new)
        size *= 0.5
    for u, top in zip(at[value > 1.01 * level], value[value > 1.01 * level], strict=True):
        assert np.abs(found.values - top).min() < 2e-2 * top, u


def test_the_arc_across_the_end_of_the_circle_is_looked_at():
    N = np.array([[1.0], [2.0], [-1.0]])
    rows = np.linspace(0.0, 2.0 * np.pi, 400, endpoint=False)
    for turn in rows:
        Q = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        assert price(A1_X @ Q, N).value == pytest.approx(price(A1_X, N).value, rel=1e-13)


@pytest.mark.parametrize("seed", range(6))
def test_gates_lie_in_the_cells_whose_closure_holds_a_direction(seed):
    X, N = awkward(seed, 12)
    pricer = Pricer(X)
    found = pricer.price(N, above=0.5 * price(X, N).value)
    gates = pricer.gates(found.directions)
    patterns = {p.tobytes() for p in (X @ enumerate_patterns(X) > 0).T}
    for gate in gates.T:
        pattern = X @ gate > 0
        assert not pattern.any() or pattern.tobytes() in patterns
    for u in found.directions:
        values = X @ u
        closed = [
            gate for gate in gates.T if (np.where(X @ gate > 0, values, -values) >= -1e-12).all()
        ]
        assert closed


def test_one_direction_and_data_in_many_dimensions():
    c, a = np.array([1.0, -2.0, 0.5]), np.array([0.6, 0.0, 0.8, 0.0])
    N = np.array([1.0, 1.0, -1.0])
    found = price(np.outer(c, a), N)
    assert found.value == pytest.approx(2.0)
    assert found.directions[0] == pytest.approx(-a)
    rng = np.random.default_rng(0)
    flat, wide = rng.standard_normal((30, 3)), np.linalg.qr(rng.standard_normal((40, 3)))[0].T
    N = rng.standard_normal((30, 2))
    assert price(flat @ wide, N).value == pytest.approx(price(flat, N).value, rel=1e-12)


def test_nothing_to_price_is_zero():
    assert price(np.zeros((3, 2)), np.ones(3)).value == 0.0
    assert price(np.ones((3, 2)), np.zeros((3, 2))).bound == 0.0


def test_the_bound_covers_what_the_rank_tolerance_drops():
    X = np.column_stack([np.eye(3), np.zeros(3)])
    X[2, 3] = 1e-11
    X = np.vstack([X, [0.0, 0.0, 0.0, 1e-11 / 3]])[:, [0, 1, 3]]
    found = price(X, np.ones(4))
    assert found.bound >= correlations(X, np.ones((4, 1)), np.eye(3)).max()


def test_chunks_of_circles_and_kept_orders_change_no_bit(monkeypatch):
    rng = np.random.default_rng(1)
    X, N = rng.standard_normal((40, 3)), rng.standard_normal((40, 2))
    whole = price(X, N, above=1.0)
    monkeypatch.setattr(pricing, "CHUNK", 100)
    monkeypatch.setattr(pricing, "KEPT", 0)
    parts = price(X, N, above=1.0)
    assert np.array_equal(whole.directions, parts.directions)
    assert whole.bound == parts.bound


def test_layout_and_precision_of_the_input_do_not_matter():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((20, 3)).astype(np.float32)
    N = rng.standard_normal(20)
    one = price(X, N)
    assert one.value == price(np.asfortranarray(X.astype(np.float64)), N[:, None]).value


@pytest.mark.parametrize(
    ("X", "N", "word"),
    [
        (np.eye(4), np.ones(4), "rank is 4"),
        (np.eye(3), np.ones(4), "shape"),
        (np.eye(3), np.array([1.0, np.nan, 0.0]), "NaN"),
        (np.full((2, 2), np.inf), np.ones(2), "NaN or inf"),
        (np.eye(3), np.ones((3, 1, 1)), "shape"),
    ],
)
def test_what_cannot_be_priced_is_refused(X, N, word):
    with pytest.raises(SolveInputError, match=word):
        price(X, N)
