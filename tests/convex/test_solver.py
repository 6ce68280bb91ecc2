"""The solver against Clarabel, its certificate against `certify`, and awkward inputs."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.convex import (
    TwoLayerNetwork,
    certify,
    enumerate_patterns,
    gates_from_network,
    lambda_max,
    regularization_path,
    sample_gates,
    solve,
    symmetrize,
)
from relu_optima.convex.incumbent import Answer
from relu_optima.convex.problem import make_problem
from relu_optima.convex.reference import solve_reference
from relu_optima.convex.session import Session
from relu_optima.errors import SolveInputError
from tests.convex.programs import WORKED_X, WORKED_Y, random_problem


def check(solution, X, y, tol=1e-6):
    """A solution is what it says: its certificate is reproduced by code it does not share."""
    proof = certify(
        X,
        y,
        solution.gates,
        solution.lam,
        solution.v,
        solution.w,
        solution.formulation,
        dual=solution.dual,
    )
    assert solution.status == "optimal"
    assert solution.gap <= tol
    # certify may find the better of two dual vectors
    assert proof.gap <= solution.gap + 1e-9
    assert proof.objective == pytest.approx(solution.objective, rel=1e-12)
    assert proof.violation <= 1e-12
    assert solution.violation <= 1e-12
    return proof


def against_clarabel(seed, formulation, fraction):
    X, y, gates = random_problem(seed)
    top = lambda_max(X, y, gates, formulation) if gates.size else 0.0
    if top == 0.0:
        return
    lam = fraction * top
    solution = solve(X, y, gates, lam, formulation=formulation, tol=1e-8, backend="newton")
    check(solution, X, y, 1e-8)
    problem = make_problem(X, y, gates, formulation)
    reference = solve_reference(problem, lam, tol=1e-9)
    assert reference is not None
    assert solution.objective == pytest.approx(reference.value, rel=1e-7)


@pytest.mark.parametrize("formulation", ["relu", "gated"])
@pytest.mark.parametrize("seed", range(12))
def test_small_problems_agree_with_clarabel(seed, formulation):
    against_clarabel(seed, formulation, (0.3, 0.03)[seed % 2])


@pytest.mark.slow
@pytest.mark.parametrize("fraction", [0.5, 0.1, 0.01])
@pytest.mark.parametrize("formulation", ["relu", "gated"])
@pytest.mark.parametrize("seed", range(100, 200))
def test_many_small_problems_agree_with_clarabel(seed, formulation, fraction):
    against_clarabel(seed, formulation, fraction)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1_000_000),
    exponent=st.floats(-6, 0.1),
    formulation=st.sampled_from(["relu", "gated"]),
)
def test_every_gap_is_reproduced_by_the_certificate(seed, exponent, formulation):
    X, y, gates = random_problem(seed)
    if not gates.size:
        return
    lam = 10**exponent * max(lambda_max(X, y, gates, formulation), 1e-3)
    check(solve(X, y, gates, lam, formulation=formulation), X, y)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 100_000), power=st.integers(-60, 60))
def test_scaling_the_data_scales_the_answer(seed, power):
    X, y, gates = random_problem(seed)
    if not gates.size:
        return
    lam = 0.2 * max(lambda_max(X, y, gates), 1e-3)
    base = solve(X, y, gates, lam, tol=1e-8)
    big = 10.0**power
    moved = solve(X * big, y / big, gates, lam, tol=1e-8)
    assert moved.objective * big**2 == pytest.approx(base.objective, rel=1e-7)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_rotating_features_and_permuting_rows_change_nothing(seed):
    X, y, gates = random_problem(seed)
    if not gates.size:
        return
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.standard_normal((X.shape[1], X.shape[1])))
    order = rng.permutation(len(y))
    # gates deep inside their cells, so that rotating them cannot flip a sign
    values = np.abs(X @ gates)
    gates = gates[:, ((values > 1e-9) | (values == 0)).all(axis=0)]
    if not gates.size:
        return
    lam = 0.1 * max(lambda_max(X, y, gates), 1e-3)
    base = solve(X, y, gates, lam, tol=1e-8)
    turned = solve((X @ Q)[order], y[order], Q.T @ gates, lam, tol=1e-8)
    assert turned.objective == pytest.approx(base.objective, rel=1e-7)


def awkward_problems():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 5))
    y = rng.standard_normal(30)
    yield "zero column", np.hstack([X, np.zeros((30, 2))]), y
    yield "duplicate rows", np.vstack([X, X]), np.concatenate([y, y + 0.1])
    yield "constant feature", np.hstack([X, np.ones((30, 1))]), y
    yield "zero rows", np.vstack([X, np.zeros((3, 5))]), np.append(y, [1.0, 2.0, 3.0])
    yield "wide", rng.standard_normal((6, 40)), rng.standard_normal(6)
    yield "tall", rng.standard_normal((3000, 3)), rng.standard_normal(3000)
    yield "rank one", np.outer(rng.standard_normal(30), rng.standard_normal(5)), y
    yield "labels", X, np.sign(y)
    yield "huge", 1e60 * X, 1e60 * y
    yield "tiny", 1e-60 * X, 1e-60 * y
    yield "mixed columns", X * 10.0 ** np.array([-4, -2, 0, 2, 4]), y
    yield "one row", X[:1], y[:1]
    yield "one column", X[:, :1], y
    yield "integers", rng.integers(-1, 2, size=(30, 4)), np.sign(y).astype(int)


@pytest.mark.parametrize("formulation", ["relu", "gated"])
@pytest.mark.parametrize(
    ("X", "y"), [p[1:] for p in awkward_problems()], ids=[p[0] for p in awkward_problems()]
)
def test_awkward_data_are_solved(X, y, formulation):
    for gates in (sample_gates(X, 20, 0), symmetrize(sample_gates(X, 8, 1))):
        top = lambda_max(X, y, gates, formulation)
        for fraction in (0.5, 0.01):
            solution = solve(X, y, gates, fraction * top, formulation=formulation)
            check(solution, np.asarray(X, dtype=float), np.asarray(y, dtype=float))


def test_zero_targets_no_live_gate_and_strong_regularisation_give_the_zero_network():
    X, y = WORKED_X, WORKED_Y
    gates = enumerate_patterns(X)
    for solution in (
        solve(X, 0 * y, gates, 0.1),
        solve(X, y, np.zeros((2, 3)), 0.1),
        solve(X, y, gates, 1e6),
        solve(X, y, gates, 1e6, backend="clarabel"),
    ):
        assert solution.status == "optimal"
        assert solution.gap == 0.0
        assert solution.n_active == 0
        assert not solution.predict(X).any()
        assert solution.network().w2.size == 0


def test_vanishing_regularisation_reaches_interpolation():
    X, y = WORKED_X, WORKED_Y
    gates = enumerate_patterns(X)
    solution = solve(X, y, gates, 1e-9)
    check(solution, X, y)
    np.testing.assert_allclose(solution.predict(X), y, atol=1e-6)


@pytest.mark.parametrize(
    ("n", "d", "count", "seed"), [(86, 5, 14, 8), (89, 12, 7, 17), (117, 8, 14, 39)]
)
def test_many_rows_few_gates_and_a_tiny_strength_are_solved(n, d, count, seed):
    # inner problems that end unsolved must not feed their multipliers into the next
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    gates = sample_gates(X, count, seed)
    for fraction in (1e-3, 1e-4, 1e-5):
        lam = fraction * lambda_max(X, y, gates)
        s = solve(X, y, gates, lam, backend="newton")
        assert s.status == "optimal"
        assert s.gap <= 1e-6


@pytest.mark.parametrize("fraction", [1e-5, 1e-6])
@pytest.mark.parametrize("formulation", ["relu", "gated"])
@pytest.mark.parametrize("seed", [11, 16, 20, 26])
def test_repeated_rows_with_other_labels_are_solved(seed, formulation, fraction):
    """What no network can fit makes up nearly all of both values, so that poor points look good."""
    rng = np.random.default_rng(seed)
    half = rng.standard_normal((seed // 2, 5))
    X, y = np.vstack([half, half]), rng.standard_normal(2 * (seed // 2))
    gates = sample_gates(X, 50, seed)
    lam = fraction * lambda_max(X, y, gates, formulation)
    check(solve(X, y, gates, lam, formulation=formulation, backend="newton"), X, y)


def test_blocks_that_nearly_cancel_are_solved():
    """Few gates fit many rows only by large weights in neighbouring cones."""
    rng = np.random.default_rng(71)
    n, d, count = (int(rng.integers(*limits)) for limits in ((2, 120), (1, 15), (1, 60)))
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    gates = sample_gates(X, count, 71)
    lams = lambda_max(X, y, gates, "relu") * np.geomspace(0.5, 1e-5, 14)
    cold = solve(X, y, gates, lams[-1], backend="newton")
    check(cold, X, y)
    path = regularization_path(X, y, gates, lams, backend="newton")
    assert path[-1].objective == pytest.approx(cold.objective, rel=2e-6)


@pytest.mark.parametrize("tol", [1e-3, 1e-6, 1e-10])
def test_the_asked_gap_is_reached(tol):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 6))
    y = rng.standard_normal(80)
    gates = sample_gates(X, 30, 0)
    solution = solve(X, y, gates, 0.05 * lambda_max(X, y, gates), tol=tol)
    check(solution, X, y, tol)


def test_same_input_same_bits():
    X, y, gates = random_problem(11)
    lam = 0.05 * lambda_max(X, y, gates)
    one, two = (solve(X, y, gates, lam) for _ in range(2))
    for name in ("v", "w", "dual"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


@pytest.mark.parametrize("formulation", ["relu", "gated"])
def test_path_points_are_certified_and_monotone(formulation):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((60, 5))
    y = rng.standard_normal(60)
    gates = sample_gates(X, 25, 0)
    top = lambda_max(X, y, gates, formulation)
    lams = top * np.geomspace(1.1, 0.01, 8)
    path = regularization_path(X, y, gates, rng.permutation(lams), formulation=formulation)
    path.sort(key=lambda s: s.lam)
    for solution in path:
        check(solution, X, y)
    # the value is concave and increasing in lam, its slope is the penalty (Danskin)
    values = np.array([s.objective for s in path])
    strengths = np.array([s.lam for s in path])
    penalty = np.array([np.linalg.norm(np.vstack([s.v, s.w]), axis=1).sum() for s in path])
    slopes = np.diff(values) / np.diff(strengths)
    slack = 1e-5 * values.max() / strengths.min()
    assert (slopes <= penalty[:-1] + slack).all()
    assert (slopes >= penalty[1:] - slack).all()
    assert path[-1].n_active == 0


def test_a_warm_start_saves_work_and_changes_nothing():
    rng = np.random.default_rng(4)
    X = rng.standard_normal((100, 6))
    y = rng.standard_normal(100)
    gates = sample_gates(X, 40, 0)
    lam = 0.02 * lambda_max(X, y, gates)
    cold = solve(X, y, gates, lam)
    again = solve(X, y, gates, lam, warm_start=cold)
    check(again, X, y)
    assert again.counts["newton"] < cold.counts["newton"]
    # of other gates only the shared patterns can be used
    other = solve(X, y, sample_gates(X, 60, 1), lam, warm_start=cold)
    check(other, X, y)
    with pytest.raises(SolveInputError, match="warm_start"):
        solve(X, y, gates, lam, formulation="gated", warm_start=cold)


def test_callback_sees_every_iteration_and_can_stop():
    X, y, gates = random_problem(8)
    lam = 0.01 * lambda_max(X, y, gates)
    seen: list[dict[str, float]] = []
    full = solve(X, y, gates, lam, callback=lambda numbers: seen.append(numbers))
    assert len(seen) == full.counts["outer"] > 1
    assert seen[-1]["gap"] <= 1e-6
    assert seen[-1]["objective"] == pytest.approx(full.objective)
    stopped = solve(X, y, gates, lam, callback=lambda numbers: True)
    assert stopped.counts["outer"] == 1
    assert stopped.status == "inaccurate"


def test_a_time_limit_is_a_status_with_a_valid_point():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 20))
    y = rng.standard_normal(400)
    gates = sample_gates(X, 300, 0)
    solution = solve(X, y, gates, 0.001, time_limit=1e-9)
    assert solution.status == "time_limit"
    proof = certify(X, y, solution.gates, 0.001, solution.v, solution.w, dual=solution.dual)
    assert proof.objective >= proof.dual_objective
    assert proof.violation <= 1e-12


def test_gates_of_a_network_make_it_feasible():
    """The value over a network's own patterns is at most the network's objective."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((30, 4))
    network = TwoLayerNetwork(rng.standard_normal((12, 4)), 0.3 * rng.standard_normal(12))
    y = network.predict(X) + 0.1 * rng.standard_normal(30)
    solution = solve(X, y, gates_from_network(network.W1), 0.05)
    assert solution.objective <= network.objective(X, y, 0.05)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"lam": 0.0}, "convex.lam"),
        ({"lam": -1.0}, "convex.lam"),
        ({"lam": np.nan}, "convex.lam"),
        ({"lam": "x"}, "convex.lam"),
        ({"tol": 0.0}, "convex.tol"),
        ({"tol": np.nan}, "convex.tol"),
        ({"formulation": "tanh"}, "convex.formulation"),
        ({"backend": "mosek"}, "convex.backend"),
        ({"time_limit": 0.0}, "convex.time_limit"),
        ({"X": np.zeros((0, 2))}, "X"),
        ({"X": np.zeros(3)}, "X"),
        ({"X": np.full((3, 2), np.inf)}, "X"),
        ({"X": [["a", "b"]] * 3}, "X"),
        ({"X": 1e200 * WORKED_X}, "X"),
        ({"y": np.array([1.0, np.nan, 0.0])}, "y"),
        ({"y": np.zeros(4)}, "y"),
        ({"y": np.zeros((3, 2))}, "y"),
        ({"gates": np.zeros((3, 2))}, "gates"),
        ({"gates": np.full((2, 2), np.nan)}, "gates"),
    ],
)
def test_bad_input_is_one_typed_error_naming_it(change, where):
    arguments = {"X": WORKED_X, "y": WORKED_Y, "gates": np.eye(2), "lam": 0.1} | change
    with pytest.raises(SolveInputError) as caught:
        solve(**arguments)
    assert caught.value.where == where


def test_column_targets_and_lists_are_accepted():
    gates = enumerate_patterns(WORKED_X)
    one = solve(WORKED_X, WORKED_Y, gates, 0.1)
    two = solve(WORKED_X.tolist(), WORKED_Y[:, None], gates.tolist(), 0.1)
    np.testing.assert_array_equal(one.v, two.v)


def test_the_solver_works_without_compilation():
    """The kernels as plain Python give the same answer."""
    code = (
        "import numpy as np\n"
        "from relu_optima.convex import *\n"
        "from tests.convex.programs import random_problem\n"
        "X, y, gates = random_problem(8)\n"
        "print(repr(solve(X, y, gates, 0.05 * lambda_max(X, y, gates)).objective))\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "RELU_OPTIMA_NO_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    X, y, gates = random_problem(8)
    here = solve(X, y, gates, 0.05 * lambda_max(X, y, gates)).objective
    assert float(out.stdout) == pytest.approx(here, rel=1e-6)


def test_a_point_outside_its_cone_says_by_how_much():
    """As the certificate measures it, which shares no code with the solver."""
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
    session = Session(make_problem(X, y, sample_gates(X, 5, 0), "relu"))
    problem, scale = session.problem, session.scale_x / session.scale_y
    U = rng.standard_normal((2 * problem.patterns.shape[1], 3))
    answer = Answer(U * scale, y / session.scale_y, 1.0, 1.0, "inaccurate")
    found = session.solution_of(answer, 0.1, 1e-6, started=0.0, counts={})
    proof = certify(X, y, problem.gates, 0.1, found.v, found.w)
    assert found.violation > 0.1
    assert found.violation == pytest.approx(proof.violation, rel=1e-12)
