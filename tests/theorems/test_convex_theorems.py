"""Printed values of worked examples, and the theorems that tie program, dual and network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.convex.programs import (
    FAN_X,
    FAN_Y,
    JUMP_X,
    JUMP_Y,
    WORKED_X,
    WORKED_Y,
    random_problem,
)

from relu_optima.convex import certify, enumerate_patterns, lambda_max, solve
from relu_optima.convex.network import blocks_from_network, network_from_blocks


def test_worked_example_relu():
    gates = enumerate_patterns(WORKED_X)
    assert gates.shape == (2, 5)
    # six digits of a prediction need a gap of their square
    solution = solve(WORKED_X, WORKED_Y, gates, 0.1, tol=1e-11)
    assert solution.status == "optimal"
    assert solution.objective == pytest.approx(0.33129375, abs=5e-9)
    np.testing.assert_allclose(
        solution.predict(WORKED_X), [0.762722, 2.004622, -0.858579], atol=1e-6
    )
    network = solution.network()
    vectors = network.W1 * np.abs(network.w2)[:, None]
    order = np.argsort(network.w2)[::-1]
    expected = [[-0.620950, 1.383672], [1.000351, -1.000351]]
    np.testing.assert_allclose(vectors[order], expected, atol=2e-4)
    assert network.objective(WORKED_X, WORKED_Y, 0.1) == pytest.approx(0.33129375, abs=5e-9)


def test_worked_example_gated():
    gates = enumerate_patterns(WORKED_X)
    solution = solve(WORKED_X, WORKED_Y, gates, 0.1, formulation="gated", tol=1e-9)
    assert solution.objective == pytest.approx(0.18795612, abs=5e-9)


def test_fan_value():
    solution = solve(FAN_X, FAN_Y, enumerate_patterns(FAN_X), 1.0, tol=1e-9)
    assert solution.objective == pytest.approx(1.75, abs=1e-8)
    np.testing.assert_allclose(solution.predict(FAN_X), [1.5, 1.5], atol=1e-4)


def test_value_at_the_discontinuity_of_the_path():
    gates = enumerate_patterns(JUMP_X)
    assert gates.shape == (3, 7)
    solution = solve(JUMP_X, JUMP_Y, gates, 1.0, tol=1e-9)
    assert solution.objective == pytest.approx(2.3, abs=1e-8)
    np.testing.assert_allclose(JUMP_Y - solution.predict(JUMP_X), 1 / np.sqrt(5), atol=1e-4)


@pytest.mark.parametrize(("formulation", "value"), [("relu", 3.1304952), ("gated", 3.6055513)])
def test_lambda_max_brackets_the_zero_network(formulation, value):
    gates = enumerate_patterns(WORKED_X)
    top = lambda_max(WORKED_X, WORKED_Y, gates, formulation)
    assert top == pytest.approx(value, abs=5e-8)
    above = solve(WORKED_X, WORKED_Y, gates, 1.001 * top, formulation=formulation)
    assert above.n_active == 0
    assert above.gap == 0.0
    below = solve(WORKED_X, WORKED_Y, gates, 0.999 * top, formulation=formulation)
    assert below.n_active > 0
    assert below.objective < above.objective


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_weak_duality_at_any_point(seed):
    """Any feasible point is worth at least any dual bound, of whatever vector."""
    X, y, gates = random_problem(seed)
    rng = np.random.default_rng(seed + 1)
    lam = float(rng.uniform(0.01, 1.0))
    for formulation in ("gated", "relu"):
        v = rng.standard_normal(gates.T.shape) * rng.uniform(0, 1)
        w = np.zeros_like(v)
        if formulation == "relu":
            # gates are interior points of their own cones, hence so are their multiples
            v = gates.T * rng.uniform(0, 1, size=(gates.shape[1], 1))
            w = gates.T * rng.uniform(0, 1, size=(gates.shape[1], 1))
        proof = certify(X, y, gates, lam, v, w, formulation, dual=rng.standard_normal(len(y)))
        assert proof.objective >= proof.dual_objective * (1 - 1e-12)
        assert proof.dual_objective >= 0
        assert proof.violation <= 1e-12


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_network_and_blocks_have_one_objective(seed):
    """Both maps keep the fit; to the network the penalty stays, back it does not grow."""
    X, y, gates = random_problem(seed)
    rng = np.random.default_rng(seed)
    v = gates.T * rng.uniform(0, 1, size=(gates.shape[1], 1))
    w = gates.T * rng.uniform(0, 1, size=(gates.shape[1], 1))
    lam = 0.3
    value = certify(X, y, gates, lam, v, w).objective
    network = network_from_blocks(v, w, merge_tol=0.0)
    assert network.objective(X, y, lam) == pytest.approx(value, rel=1e-10)
    back_gates, back_v, back_w = blocks_from_network(network, X)
    back = certify(X, y, back_gates, lam, back_v, back_w)
    assert back.objective == pytest.approx(value, rel=1e-10)
    assert back.violation <= 1e-12
    # random unbalanced neurons of shared patterns: the program's point is never worse
    wide = type(network)(rng.standard_normal((30, X.shape[1])), rng.standard_normal(30))
    merged = certify(X, y, *(lambda g, a, b: (g, lam, a, b))(*blocks_from_network(wide, X)))
    assert merged.objective <= wide.objective(X, y, lam) * (1 + 1e-12)


@pytest.mark.parametrize("formulation", ["relu", "gated"])
def test_tampering_enlarges_the_gap(formulation):
    gates = enumerate_patterns(WORKED_X)
    s = solve(WORKED_X, WORKED_Y, gates, 0.1, formulation=formulation, tol=1e-9)
    args = (WORKED_X, WORKED_Y, s.gates, 0.1)
    honest = certify(*args, s.v, s.w, formulation, dual=s.dual)
    assert honest.gap <= 1e-7
    shrunk = certify(*args, 0.9 * s.v, 0.9 * s.w, formulation)
    assert shrunk.gap > 1e-2
    false_dual = certify(*args, s.v, s.w, formulation, dual=-s.dual)
    assert false_dual.dual_objective <= s.objective
    if formulation == "relu":
        # v in place of w: a point outside its cones, and the certificate says so
        swapped = certify(*args, -s.w, -s.v, formulation)
        assert swapped.violation > 1e-2


def test_shrunk_optimum_has_the_printed_bounds():
    gates = enumerate_patterns(WORKED_X)
    s = solve(WORKED_X, WORKED_Y, gates, 0.1, tol=1e-9)
    proof = certify(WORKED_X, WORKED_Y, s.gates, 0.1, 0.9 * s.v, 0.9 * s.w)
    assert proof.objective == pytest.approx(0.35798, abs=1e-5)
    assert proof.dual_objective == pytest.approx(0.22561, abs=1e-5)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_gated_value_bounds_the_relu_value_from_below(seed):
    X, y, gates = random_problem(seed)
    lam = 0.1 * max(lambda_max(X, y, gates, "gated"), 1e-3)
    gated = solve(X, y, gates, lam, formulation="gated")
    relu = solve(X, y, gates, lam)
    assert gated.dual_objective <= relu.objective * (1 + 1e-9)
