"""The corrector of gated paths: certificates by other code, equal values, refusals, its cost."""

from __future__ import annotations

import statistics
import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer

from relu_optima.convex import (
    certify,
    follow,
    lambda_max,
    path,
    regularization_path,
    sample_gates,
    solve,
    symmetrize,
)
from relu_optima.convex.follow import PathFollower
from relu_optima.convex.gates import activation_patterns
from relu_optima.convex.newton_system import NewtonSystem
from relu_optima.convex.problem import make_problem
from relu_optima.convex.session import Session


def certified(solution, X, y, tol):
    proof = certify(
        X, y, solution.gates, solution.lam, solution.v, solution.w, "gated", dual=solution.dual
    )
    assert solution.status == "optimal"
    assert solution.gap <= tol
    assert proof.gap <= tol + 1e-9
    assert proof.objective == pytest.approx(solution.objective, rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(3, 60),
    d=st.integers(1, 8),
    mirrored=st.booleans(),
    low=st.sampled_from([1e-1, 1e-2, 1e-4]),
)
def test_every_point_of_a_gated_path_is_certified(seed, n, d, mirrored, low):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    gates = sample_gates(X, 20, seed)
    gates = symmetrize(gates) if mirrored else gates
    lams = lambda_max(X, y, gates, "gated") * np.geomspace(1.1, low, 8)
    found = regularization_path(X, y, gates, lams, formulation="gated")
    for solution in found:
        certified(solution, X, y, 1e-6)
    cold = solve(X, y, gates, lams[-1], formulation="gated", tol=1e-8)
    assert found[-1].objective == pytest.approx(cold.objective, rel=2e-6)


def test_a_tight_tolerance_is_reached_in_spite_of_single_precision():
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((60, 5)), rng.standard_normal(60)
    gates = sample_gates(X, 25, 0)
    lams = lambda_max(X, y, gates, "gated") * np.geomspace(1, 1e-3, 8)
    found = regularization_path(X, y, gates, lams, formulation="gated", tol=1e-10)
    assert {s.backend for s in found} == {"follow"}
    for solution in found:
        certified(solution, X, y, 1e-10)


def test_what_the_corrector_misses_is_solved_in_full(monkeypatch):
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((40, 4)), rng.standard_normal(40)
    gates = sample_gates(X, 20, 0)
    lams = lambda_max(X, y, gates, "gated") * np.geomspace(0.9, 1e-2, 6)
    step, calls = PathFollower.step, []

    def missing(self, lam, tol, deadline=None):
        calls.append(lam)
        return None if len(calls) == 2 else step(self, lam, tol, deadline)

    monkeypatch.setattr(PathFollower, "step", missing)
    found = regularization_path(X, y, gates, lams, formulation="gated")
    assert [s.backend for s in found] == ["follow", "newton", *["follow"] * 4]
    for solution in found:
        certified(solution, X, y, 1e-6)
    monkeypatch.setattr(PathFollower, "step", lambda *_: calls.append(0))
    calls.clear()
    found = regularization_path(X, y, gates, lams, formulation="gated")
    assert len(calls) == path.MISSES  # then it is not asked again
    for solution in found:
        certified(solution, X, y, 1e-6)


def test_many_rows_and_few_active_columns_need_no_product_of_all_rows(monkeypatch):
    rng = np.random.default_rng(5)
    X = rng.standard_normal((3000, 6))
    y = np.maximum(X @ rng.standard_normal(6), 0) + 0.1 * rng.standard_normal(3000)
    gates = sample_gates(X, 40, 0)
    lams = lambda_max(X, y, gates, "gated") * np.geomspace(0.9, 0.05, 6)

    def refused(*_):
        raise AssertionError("an n x n matrix")

    monkeypatch.setattr(NewtonSystem, "gram", refused)
    found = regularization_path(X, y, gates, lams, formulation="gated")
    assert {s.backend for s in found} == {"follow"}
    for solution in found:
        certified(solution, X, y, 1e-6)


def test_a_deadline_stops_the_corrector():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((40, 4)), rng.standard_normal(40)
    patterns = activation_patterns(X, sample_gates(X, 20, 0)).T
    follower = PathFollower(X, y, patterns)
    assert follower.step(0.1, 1e-6, deadline=time.perf_counter()) is None
    assert follower.counts["newton"] == 0


def test_a_step_from_an_optimum_costs_one_factorisation():
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((80, 6)), rng.standard_normal(80)
    gates = sample_gates(X, 30, 0)
    session = Session(make_problem(X, y, gates, "gated"))
    lam = 0.1 * session.lambda_max()
    scaled = session.problem.scaled()
    follower = PathFollower(scaled.X, scaled.y, scaled.patterns.T)
    known = solve(X, y, gates, lam, formulation="gated", tol=1e-10)
    start = session.scaled_strength(lam)
    follower.start_from(start, *session.scaled_point(known))
    before = dict(follower.counts)
    assert follower.step(0.99 * start, 1e-6) is not None
    assert follower.counts["factorisations"] - before["factorisations"] == 1
    assert follower.counts["newton"] - before["newton"] <= 3


def wisconsin():
    """Standardised features, a column of ones, the first 456 rows, 500 gates."""
    X, labels = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return X[:456], 2.0 * labels[:456] - 1.0


def test_fifty_points_take_few_factorisations():
    """Work, not time: three corrections, one pricing, a fifth of a factorisation for each point."""
    X, y = wisconsin()
    gates = sample_gates(X, 500, 0)
    lams = lambda_max(X, y, gates, "gated") * np.geomspace(1, 0.01, 50)
    found = regularization_path(X, y, gates, lams, formulation="gated")
    assert max(s.gap for s in found) <= 1e-6
    assert {s.backend for s in found} == {"follow"}
    assert sum(s.counts["newton"] for s in found) <= 165
    assert sum(s.counts["factorisations"] for s in found) <= 10
    assert sum(s.counts["pricings"] for s in found) <= 55


@given(st.floats(-5.0, 0.95), st.integers(0, 100))
def test_an_accelerated_step_ends_what_converges_along_one_direction(rate, seed):
    """Corrections that leave the error times a rate are ended by their second, even if it grows."""
    share = abs(rate / (rate - 1.0))
    assume(abs(share - follow.FARTHEST) > 1e-6)  # there rounding decides: rate = 0.75
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((9, 2)), rng.standard_normal(9)
    follower = PathFollower(X, y, activation_patterns(X, sample_gates(X, 5, seed)).T)
    theta, c = rng.standard_normal(9), 200.0 + rng.random(len(follower.c))
    error, change = rng.standard_normal(9), rng.standard_normal(c.size)
    move = None
    for k in range(2):
        before = theta + rate**k * error
        follower.theta, follower.c = theta + rate ** (k + 1) * error, c + rate ** (k + 1) * change
        move = follower._accelerate(before, move)
    if share < follow.FARTHEST:
        assert follower.theta == pytest.approx(theta, abs=1e-9)
        assert follower.c == pytest.approx(c, abs=1e-9)
    else:
        assert follower.theta == pytest.approx(theta + rate**2 * error, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("share", [1e-2, 1e-3])
def test_fifty_points_cost_less_than_five_cold_solves(share):
    X, y = wisconsin()
    gates = sample_gates(X, 500, 0)
    lams = lambda_max(X, y, gates, "gated") * np.geomspace(1, share, 50)
    solve(X, y, gates, lams[-1], formulation="gated")
    cold, paths = [], []
    for _ in range(5):
        start = time.process_time()
        solve(X, y, gates, lams[-1], formulation="gated")
        middle = time.process_time()
        regularization_path(X, y, gates, lams, formulation="gated")
        cold.append(middle - start)
        paths.append(time.process_time() - middle)
    assert statistics.median(paths) <= 5 * statistics.median(cold)


def test_a_cold_solve_ends_with_the_corrector_and_does_without_it(monkeypatch):
    rng = np.random.default_rng(8)
    X = rng.standard_normal((60, 5)) @ np.diag([1.0, 1.0, 1.0, 1.0, 0.0])  # rank 4: rotated inside
    y = rng.standard_normal(60)
    gates = sample_gates(X, 30, 0)
    lam = 0.05 * lambda_max(X, y, gates, "gated")
    seen: list[dict[str, float]] = []
    ended = solve(X, y, gates, lam, formulation="gated", callback=seen.append)
    assert ended.counts["corrections"] > 0
    assert len(seen) == ended.counts["outer"]
    assert seen[-1]["objective"] == pytest.approx(ended.objective, rel=1e-9)
    monkeypatch.setattr(PathFollower, "converge", lambda *_: None)
    whole = solve(X, y, gates, lam, formulation="gated")
    assert whole.counts["outer"] > ended.counts["outer"]
    for solution in (ended, whole):
        certified(solution, X, y, 1e-6)
    assert whole.objective == pytest.approx(ended.objective, rel=2e-6)


def test_data_far_from_the_origin_end_in_an_answer_not_in_an_overflow():
    """Rows that nearly agree: the first corrections leap, or leave no block at all."""
    rng = np.random.default_rng(0)
    for seed in range(12):
        X = 100 + rng.standard_normal((20, 3))
        y = np.sign(rng.standard_normal(20))
        gates = sample_gates(X, 5, seed)
        most = lambda_max(X, y, gates, "gated")
        lams = list(most * np.geomspace(1, 1e-2, 3))
        for found in regularization_path(X, y, gates, lams, formulation="gated"):
            assert found.certify().gap <= 1e-6
