"""All patterns, several outputs: published values, independent certificates, invariances."""

from __future__ import annotations

import numpy as np
import pytest

from relu_optima.convex import price, solve, solve_all, solve_vector, vector_lambda_max, vector_path
from relu_optima.convex.arrangement import enumerate_patterns
from relu_optima.convex.enumeration_certificate import largest_correlation
from relu_optima.convex.low_rank.column_generation import feasible_multiple
from relu_optima.convex.vector.certificate import certify_all_patterns
from relu_optima.convex.vector.exact import _Best, all_patterns
from relu_optima.convex.vector.sliding import Sliding
from relu_optima.errors import SolveInputError
from tests.convex.vector.data import THREE_VALUE, THREE_X, THREE_Y, awkward, spiral


def test_the_worked_example_has_its_value():
    found = solve_vector(THREE_X, THREE_Y, 0.1, tol=1e-10)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(THREE_VALUE, rel=1e-9)


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("lam", [0.3, 0.01])
def test_solutions_are_certified_by_other_code(seed, lam):
    X, Y = awkward(seed)
    found = solve_vector(X, Y, lam, tol=1e-8)
    assert found.status == "optimal"
    assert found.exact
    proof = certify_all_patterns(X, Y, lam, found.network, found.dual)
    assert -1e-12 <= proof.gap <= 1.01e-8
    assert proof.objective == pytest.approx(found.objective, rel=1e-12)
    assert found.network.objective(X, Y, lam) == pytest.approx(found.objective, rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_one_output_agrees_with_the_program_over_enumerated_gates(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((9, 2)), rng.standard_normal(9)
    gates = enumerate_patterns(X)
    scalar = solve(X, y, gates, 0.05, tol=1e-9)
    flat, column = solve_vector(X, y, 0.05, tol=1e-9), solve_vector(X, y[:, None], 0.05, tol=1e-9)
    assert flat.objective == pytest.approx(scalar.objective, rel=1e-8)
    assert flat.objective == column.objective


def test_the_call_for_all_patterns_takes_several_outputs():
    whole = solve_all(THREE_X, THREE_Y, 0.1, tol=1e-10)
    assert whole.objective == solve_vector(THREE_X, THREE_Y, 0.1, tol=1e-10).objective


@pytest.mark.parametrize("lam", [0.1, 0.01, 0.001])
def test_the_spiral_is_solved_to_eight_digits(lam):
    X, Y = spiral()
    found = solve_vector(X, Y, lam, tol=1e-8)
    assert found.status == "optimal"
    assert certify_all_patterns(X, Y, lam, found.network, found.dual).gap <= 1e-8


def test_no_trained_point_is_below_the_bound():
    from scipy.optimize import minimize

    X, Y = spiral(5)
    lam, m = 0.05, 12
    found = solve_vector(X, Y, lam, tol=1e-9)

    def loss(z):
        U, V = z[: 2 * m].reshape(m, 2), z[2 * m :].reshape(m, 3)
        A = X @ U.T
        F = np.maximum(A, 0.0)
        R = F @ V - Y
        dU = ((R @ V.T) * (A > 0)).T @ X + lam * U
        return (
            0.5 * np.sum(R**2) + 0.5 * lam * np.sum(z**2),
            np.concatenate([dU.ravel(), (F.T @ R + lam * V).ravel()]),
        )

    rng = np.random.default_rng(0)
    best = min(
        minimize(loss, rng.standard_normal(5 * m) * 0.5, jac=True, method="L-BFGS-B").fun
        for _ in range(8)
    )
    assert found.dual_objective <= best * (1 + 1e-12)
    assert best <= found.objective * 1.02  # and training does come near


def test_scaling_permutation_and_rotation_do_not_matter():
    X, Y = awkward(5)
    base = solve_vector(X, Y, 0.05, tol=1e-10).objective
    order = np.random.default_rng(0).permutation(len(X))
    Q, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((X.shape[1], X.shape[1])))
    R, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((Y.shape[1], Y.shape[1])))
    assert solve_vector(X[order], Y[order], 0.05, tol=1e-10).objective == pytest.approx(base)
    assert solve_vector(X @ Q, Y @ R, 0.05, tol=1e-10).objective == pytest.approx(base, rel=1e-9)
    scaled = solve_vector(3.0 * X, 1e4 * Y, 0.05 * 3e4, tol=1e-10).objective
    assert scaled == pytest.approx(1e8 * base, rel=1e-9)
    single = solve_vector(X.astype(np.float32), Y, 0.05, tol=1e-8).objective
    assert single == pytest.approx(base, rel=1e-5)
    fortran = solve_vector(np.asfortranarray(X), np.asfortranarray(Y), 0.05, tol=1e-10)
    assert fortran.objective == base


def test_lambda_max_is_where_the_network_becomes_zero():
    X, Y = spiral()
    top = vector_lambda_max(X, Y)
    assert top == pytest.approx(price(X, Y).value, rel=1e-9)
    at, below = vector_path(X, Y, np.array([top, 0.999 * top]), tol=1e-9)
    assert at.network.n_neurons == 0
    assert at.objective == 0.5 * np.sum(Y**2)
    assert below.network.n_neurons > 0


def test_a_path_gives_the_same_values_as_single_solves():
    X, Y = spiral(8)
    lams = np.geomspace(1.0, 0.003, 6)
    along = vector_path(X, Y, lams, tol=1e-9)
    for lam, found in zip(lams, along, strict=True):
        alone = solve_vector(X, Y, float(lam), tol=1e-9)
        assert found.objective == pytest.approx(alone.objective, rel=3e-9)
    weights = [s.network.weights().sum() for s in along]
    assert (np.diff(weights) > 0).all()


def test_reruns_are_bit_identical():
    X, Y = spiral()
    one, two = (solve_vector(X, Y, 0.003, tol=1e-8) for _ in range(2))
    np.testing.assert_array_equal(one.network.U, two.network.U)
    assert one.dual_objective == two.dual_objective


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"X": np.full((3, 2), np.nan)}, "X"),
        ({"Y": THREE_Y[:2]}, "Y"),
        ({"Y": np.array([["a"]] * 3)}, "Y"),
        ({"lam": 0.0}, "lam"),
        ({"lam": -1.0}, "lam"),
        ({"tol": 0.0}, "tol"),
        ({"X": np.random.default_rng(0).standard_normal((6, 4)), "Y": np.ones((6, 2))}, "X"),
        ({"samples": np.array([0, 2, 1])}, "samples"),
    ],
)
def test_input_without_a_meaning_is_refused_by_name(change, where):
    given = {"X": THREE_X, "Y": THREE_Y, "lam": 0.1} | change
    with pytest.raises(SolveInputError) as error:
        solve_vector(given.pop("X"), given.pop("Y"), given.pop("lam"), **given)
    assert where in error.value.where


def test_targets_of_lower_rank_and_of_zero_are_solved():
    X, Y = spiral(6)
    doubled = np.hstack([Y, Y[:, :1]])
    assert solve_vector(X, doubled, 0.01, tol=1e-8).status == "optimal"
    zero = solve_vector(X, np.zeros((18, 2)), 0.01)
    assert (zero.objective, zero.gap, zero.status) == (0.0, 0.0, "optimal")


@pytest.mark.parametrize("seed", [81, 97])
def test_atoms_that_exchange_what_they_fit_do_not_stall(seed):
    # a teacher of a hundred neurons without noise: atoms that almost agree, beside hyperplanes
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((25, 2))
    Y = np.maximum(X @ rng.standard_normal((2, 100)), 0.0) @ rng.standard_normal((100, 5))
    found = solve_vector(X, Y, 0.1, tol=1e-8)
    assert found.status == "optimal"
    assert certify_all_patterns(X, Y, 0.1, found.network, found.dual).gap <= 1.01e-8


def test_a_levelled_residual_proves_a_better_bound():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((25, 2)), rng.standard_normal((25, 5))
    optimum = solve_vector(X, Y, 0.05, tol=1e-10).objective
    engine = all_patterns(X, Y, None)
    engine.solve(0.05, 1e-8, None)
    s_x, s_y = engine._scale
    beta, targets = 0.05 / (s_x * s_y), Y / s_y
    master = Sliding(engine._pricer.X, targets, beta)
    lengths = 1.0 + 1e-5 * rng.standard_normal((len(engine._W), 1))  # prices miss beta a little
    master.start_from(lengths * engine._W)
    N = master.residual
    value, dual = feasible_multiple(N, targets, beta, engine._pricer.price(N).bound)
    better = engine._lowered(master, N, beta, _Best(value, dual))
    before, after = (1.0 - v * s_y**2 / optimum for v in (value, better.value))
    assert before > 1e-7
    assert -1e-9 < after < 0.2 * before
    assert largest_correlation(X, better.dual * s_y) <= 0.05 * (1 + 1e-12)
