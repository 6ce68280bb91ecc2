"""Listed gates: the nuclear norm, separate outputs, and how they relate."""

from __future__ import annotations

import numpy as np
import pytest

from relu_optima.convex import (
    one_vs_all_lambda_max,
    sample_gates,
    solve,
    solve_one_vs_all,
    solve_vector_gated,
    vector_gated_lambda_max,
    vector_gated_path,
)
from relu_optima.convex.vector import lifted
from relu_optima.convex.vector import problem as blocks
from relu_optima.convex.vector.certificate import certify_gated, certify_separate
from relu_optima.convex.vector.lifted import Lifted, Ridge
from relu_optima.errors import BudgetError, SolveInputError


def problem(seed: int = 0, n: int = 40, d: int = 5, K: int = 3, P: int = 8):
    rng = np.random.default_rng(seed)
    X = np.hstack([rng.standard_normal((n, d - 1)), np.ones((n, 1))])
    Y = np.eye(K)[np.argmax(X @ rng.standard_normal((d, K)), axis=1)]
    return X, Y, sample_gates(X, P, seed)


def by_clarabel(X, Y, gates, lam):
    import cvxpy as cp

    blocks = [cp.Variable((X.shape[1], Y.shape[1])) for _ in gates.T]
    fit = sum(
        np.diag((X @ g > 0).astype(float)) @ X @ V for g, V in zip(gates.T, blocks, strict=True)
    )
    penalty = sum(cp.normNuc(V) for V in blocks)
    program = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(fit - Y) + lam * penalty))
    program.solve(solver=cp.CLARABEL)
    return program.value


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
@pytest.mark.parametrize("shape", [(40, 5, 3), (12, 6, 4), (200, 3, 2)])
def test_certified_and_reproducible(share, shape):
    X, Y, gates = problem(1, *shape)
    lam = share * vector_gated_lambda_max(X, Y, gates)
    found = solve_vector_gated(X, Y, gates, lam, tol=1e-9)
    assert found.status == "optimal"
    proof = certify_gated(X, Y, gates, lam, found.network, found.dual)
    assert -1e-12 <= proof.gap <= 1e-9
    again = solve_vector_gated(X, Y, gates, lam, tol=1e-9)
    np.testing.assert_array_equal(found.network.U, again.network.U)


def test_interior_point_method_agrees():
    X, Y, gates = problem(2, 20, 4, 3, 4)
    lam = 0.1 * vector_gated_lambda_max(X, Y, gates)
    ours = solve_vector_gated(X, Y, gates, lam, tol=1e-9).objective
    assert ours == pytest.approx(by_clarabel(X, Y, gates, lam), rel=1e-6)


def test_the_three_ways_to_solve_a_ridge_system_agree():
    X, _, gates = problem(3, 60, 6, 4, 7)
    design = Lifted(X, X @ gates > 0)
    R = np.random.default_rng(0).standard_normal((design.shape[1], 6, 4))
    answers, ways = [], []
    for dense in (1000, 30):
        ridge = Ridge(design, dense=dense)
        ridge.refactor(0.7)
        answers.append(ridge.solve(R, 1e-10)[0])
        ways.append(ridge.way)
    short = Lifted(X[:20], X[:20] @ gates > 0)
    ridge = Ridge(short, dense=1000)
    ridge.refactor(0.7)
    answers.append(ridge.solve(R, 1e-10)[0])
    back = short.correlate(short.fit(answers[2])) + 0.7 * answers[2]
    assert {*ways, ridge.way} == {"gram", "kernel", "sampled"}
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(back, R, rtol=1e-9, atol=1e-9)
    for way in answers[:2]:
        np.testing.assert_allclose(
            design.correlate(design.fit(way)) + 0.7 * way, R, rtol=1e-8, atol=1e-9
        )


def test_products_do_not_depend_on_slabs(monkeypatch):
    X, Y, gates = problem(4)
    design = Lifted(X, X @ gates > 0)
    whole = design.correlate(Y), design.fit(design.correlate(Y)), design.gram()
    monkeypatch.setattr(lifted, "SLAB", 100)
    slabs = design.correlate(Y), design.fit(design.correlate(Y)), design.gram()
    for one, other in zip(whole, slabs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_conjugate_gradients_solve_what_is_too_large_to_factor(monkeypatch):
    X, Y, gates = problem(5, 90, 4, 3, 6)
    lam = 0.1 * vector_gated_lambda_max(X, Y, gates)
    direct = solve_vector_gated(X, Y, gates, lam, tol=1e-8)
    monkeypatch.setattr(Ridge.__init__, "__kwdefaults__", {"dense": 20})
    sampled = solve_vector_gated(X, Y, gates, lam, tol=1e-8)
    assert sampled.counts["cg"] > 0
    assert sampled.status == "optimal"
    assert sampled.objective == pytest.approx(direct.objective, rel=2e-8)


def test_one_output_is_the_scalar_program_bit_for_bit():
    X, Y, gates = problem(6)
    y = Y[:, 0]
    scalar = solve(X, y, gates, 0.5, formulation="gated", tol=1e-8)
    vector = solve_vector_gated(X, y, gates, 0.5, tol=1e-8)
    assert vector.objective == scalar.objective
    assert vector.dual_objective == scalar.dual_objective
    np.testing.assert_array_equal(vector.dual[:, 0], scalar.dual)


def test_separate_outputs_cost_at_least_the_nuclear_norm():
    X, Y, gates = problem(7)
    lam = 0.1 * one_vs_all_lambda_max(X, Y, gates)
    shared = solve_vector_gated(X, Y, gates, lam, tol=1e-8)
    for formulation in ("gated", "relu"):
        apart = solve_one_vs_all(X, Y, gates, lam, formulation=formulation, tol=1e-8)
        assert apart.status == "optimal"
        assert apart.objective >= shared.dual_objective
        proof = certify_separate(X, Y, gates, lam, apart.network, apart.dual, formulation)
        assert -1e-12 <= proof.gap <= 1e-6
        assert proof.violation == 0.0
        parts = [solve(X, y, gates, lam, formulation=formulation, tol=1e-8).objective for y in Y.T]
        assert apart.objective == pytest.approx(sum(parts), rel=1e-7)


def test_a_path_meets_single_solves_and_lambda_max():
    X, Y, gates = problem(8)
    top = vector_gated_lambda_max(X, Y, gates)
    lams = top * np.array([1.0, 0.5, 0.1, 0.02])
    along = vector_gated_path(X, Y, gates, lams, tol=1e-9)
    assert along[0].network.n_neurons == 0
    for lam, found in zip(lams, along, strict=True):
        alone = solve_vector_gated(X, Y, gates, float(lam), tol=1e-9)
        assert found.objective == pytest.approx(alone.objective, rel=3e-9)


def test_more_outputs_than_inputs_and_time_limits():
    X, Y, gates = problem(9, 30, 3, 6)
    lam = 0.05 * vector_gated_lambda_max(X, Y, gates)
    assert solve_vector_gated(X, Y, gates, lam, tol=1e-8).status == "optimal"
    late = solve_vector_gated(X, Y, gates, lam, tol=1e-12, time_limit=1e-9)
    assert late.status == "time_limit"
    assert late.objective >= late.dual_objective


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"gates": np.ones((2, 3))}, "gates"),
        ({"gates": np.zeros((5, 1))}, "gates"),
        ({"Y": np.ones((3, 3))}, "Y"),
        ({"lam": np.nan}, "lam"),
    ],
)
def test_input_without_a_meaning_is_refused_by_name(change, where):
    X, Y, gates = problem()
    given = {"X": X, "Y": Y, "gates": gates, "lam": 0.1} | change
    with pytest.raises(SolveInputError) as error:
        solve_vector_gated(*given.values())
    assert where in error.value.where


@pytest.mark.parametrize("solver", [solve_vector_gated, solve_one_vs_all])
def test_more_blocks_than_fit_are_refused_before_anything_is_solved(solver, monkeypatch):
    X, Y, gates = problem()
    monkeypatch.setattr(blocks, "NUMBERS", gates.shape[1] * X.shape[1] * Y.shape[1] - 1)
    with pytest.raises(BudgetError, match="8 patterns x 5 inputs x 3 outputs are 120 numbers"):
        solver(X, Y, gates, 0.1)
    solver(X, Y, gates[:, :-1], 0.1)


def test_targets_of_lower_rank_are_solved():
    X, Y, gates = problem()
    doubled = np.hstack([Y, Y[:, :1] - Y[:, 1:2], np.zeros((len(Y), 1))])
    found = solve_vector_gated(X, doubled, gates, 0.1, tol=1e-8)
    assert found.status == "optimal"
    assert certify_gated(X, doubled, gates, 0.1, found.network, found.dual).gap <= 1e-8
    np.testing.assert_array_equal(found.network.V[:, 4], 0.0)
