"""Other losses than the squared one: conjugates, optima, certificates, refusals."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima import solve as solve_any
from relu_optima.convex import certify, lambda_max, regularization_path, sample_gates, solve, stage
from relu_optima.convex.columns import COLUMNS as SHARED
from relu_optima.convex.loss import LOSSES, make_loss
from relu_optima.convex.programs.listed_loss import COLUMNS, Config
from relu_optima.errors import SolveInputError
from relu_optima.optimal_set import describe
from relu_optima.stage import Record, Task
from tests.convex.test_stage import dataset

OTHERS = [name for name in LOSSES if name != "squared"]
SMOOTH = [name for name in OTHERS if name != "hinge"]
REAL = ("huber", "squared")  # losses of real targets
GRID = [
    (loss, formulation, share)
    for loss in OTHERS
    for formulation in ("relu", "gated")
    for share in (0.5, 0.05, 0.003)
]


def problem(seed, loss):
    """Draw X, targets of the loss's kind and gates."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(5, 30)), int(rng.integers(1, 5))
    X = rng.standard_normal((n, d))
    y = 2 * (rng.standard_normal(n) + X[:, 0])
    gates = sample_gates(X, int(rng.integers(1, 12)), seed)
    return X, y if loss in REAL else np.where(y > 0, 1.0, -1.0), gates


def by_clarabel(X, y, gates, lam, formulation, loss, delta=1.0, *, intercept=False):
    """Write the program down for cvxpy; None where Clarabel gives up."""
    import cvxpy as cp

    D = (X @ gates > 0).astype(float)
    shape = (D.shape[1], X.shape[1])
    v, w = cp.Variable(shape), cp.Variable(shape)
    f = cp.sum(cp.multiply(D, X @ (v - w).T), axis=1) + (cp.Variable() if intercept else 0.0)
    cones = [cp.multiply(2 * D - 1, X @ u.T) >= 0 for u in (v, w)]
    error = {
        "logistic": lambda: cp.sum(cp.logistic(-cp.multiply(y, f))),
        "squared_hinge": lambda: 0.5 * cp.sum_squares(cp.pos(1 - cp.multiply(y, f))),
        "hinge": lambda: cp.sum(cp.pos(1 - cp.multiply(y, f))),
        "squared": lambda: 0.5 * cp.sum_squares(y - f),
        "huber": lambda: 0.5 * cp.sum(cp.huber(y - f, delta)),
    }[loss]()
    penalty = cp.sum(cp.norm(v, 2, axis=1)) + cp.sum(cp.norm(w, 2, axis=1))
    program = cp.Problem(
        cp.Minimize(error + lam * penalty), cones if formulation == "relu" else [w == 0]
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program.solve("CLARABEL", tol_gap_rel=1e-10, tol_gap_abs=1e-10, tol_feas=1e-10)
    except cp.error.SolverError:
        return None
    return None if program.value is None else float(program.value)


def agrees(seed, loss, formulation, share, *, intercept=False):
    X, y, gates = problem(seed, loss)
    if intercept and loss not in REAL and len(np.unique(y)) < 2:
        return False
    options = {"loss": loss, "intercept": intercept}
    lam = share * lambda_max(X, y, gates, formulation, **options)
    if lam == 0:
        return False
    solution = solve(X, y, gates, lam, formulation=formulation, tol=1e-8, **options)
    assert solution.status == "optimal", solution
    assert solution.certify(recompute=True).gap <= 1.05e-8
    expected = by_clarabel(X, y, gates, lam, formulation, loss, intercept=intercept)
    if expected is None:
        return False
    assert solution.objective == pytest.approx(expected, rel=1e-6), solution
    return True


@pytest.mark.parametrize(("loss", "formulation", "share"), GRID)
def test_an_optimum_is_that_of_clarabel(loss, formulation, share):
    assert agrees(0, loss, formulation, share)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("formulation", ["relu", "gated"])
def test_an_optimum_with_an_intercept_is_that_of_clarabel(loss, formulation):
    assert agrees(2, loss, formulation, 0.05, intercept=True)


@pytest.mark.slow
def test_two_hundred_optima_with_an_intercept_are_those_of_clarabel():
    grid = [(loss, *case[1:]) for loss in LOSSES for case in GRID[:6]]
    done = sum(agrees(1000 + k, *grid[k % len(grid)], intercept=True) for k in range(230))
    assert done >= 200


@pytest.mark.slow
def test_two_hundred_optima_are_those_of_clarabel():
    done = sum(agrees(1 + k, *GRID[k % len(GRID)]) for k in range(220))
    assert done >= 200


@given(
    st.sampled_from(OTHERS),
    st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=1, max_size=6),
    st.floats(0.2, 3),
)
@settings(max_examples=200, deadline=None)
def test_the_conjugate_meets_the_loss_at_its_gradient_and_nowhere_exceeds_it(loss, rows, delta):
    f = np.array([value for value, _ in rows])
    y = np.array([1.0 if sign else -1.0 for _, sign in rows])
    made = make_loss(y, loss=loss, delta=delta)
    theta = -made.gradient(f)
    # Fenchel-Young: l(f) + l*(-theta) = -theta f at theta = -l'(f), and >= elsewhere
    assert made.value(f) - made.dual_value(theta) == pytest.approx(-float(theta @ f), abs=1e-9)
    assert np.abs(made.mismatch(f, theta)).max() <= 1e-9
    for scale in (0.0, 0.3, 0.9):
        assert made.value(f) - made.dual_value(scale * theta) >= -float(scale * theta @ f) - 1e-9
    if loss == "hinge":
        return  # it has a kink
    h = 1e-6
    for i in range(f.size):
        step = h * np.eye(f.size)[i]
        slope = (made.value(f + step) - made.value(f - step)) / (2 * h)
        assert made.gradient(f)[i] == pytest.approx(slope, abs=1e-5)


def test_derivatives_of_the_conjugate_away_from_kinks():
    y, f, h = np.array([1.0, -1.0, 1.0]), np.array([0.3, 0.4, -2.0]), 1e-6
    for loss in SMOOTH:
        made = make_loss(y, loss=loss, delta=0.9)
        theta = -made.gradient(f)
        slope = (made.dual_slope(theta + h) - made.dual_slope(theta - h)) / (2 * h)
        assert made.dual_bend(theta) == pytest.approx(slope, abs=1e-6)
        inside = made.into_domain(theta) == theta
        assert inside.all()
        # the derivative of the conjugate undoes that of the loss, where this is not flat
        bent = np.abs(made.gradient(f + h) - made.gradient(f)) > 0
        assert made.dual_slope(theta)[bent] == pytest.approx(-f[bent], abs=1e-9)


@pytest.mark.parametrize("loss", OTHERS)
@pytest.mark.parametrize("formulation", ["relu", "gated"])
def test_the_zero_network_is_optimal_from_lambda_max_on(loss, formulation):
    X, y, gates = problem(3, loss)
    largest = lambda_max(X, y, gates, formulation, loss=loss)
    options = {"formulation": formulation, "loss": loss}
    for lam in (largest, 2 * largest):
        solution = solve(X, y, gates, lam, **options)
        assert (solution.n_active, solution.status) == (0, "optimal")
        assert solution.gap <= 1e-12
    assert solve(X, y, gates, 0.999 * largest, **options).n_active > 0


@pytest.mark.parametrize("loss", OTHERS)
def test_certificates_hold_without_the_solver_s_multipliers_and_for_any_dual_vector(loss):
    X, y, gates = problem(0, loss)
    lam = 0.05 * lambda_max(X, y, gates, loss=loss)
    s = solve(X, y, gates, lam, loss=loss, tol=1e-8)
    checked, anew = s.certify(), s.certify(recompute=True)
    assert checked.objective == anew.objective == pytest.approx(s.objective, rel=1e-13)
    assert anew.dual_objective == pytest.approx(checked.dual_objective, rel=1e-7)
    rng = np.random.default_rng(0)
    for _ in range(20):  # a dual vector that is made up bounds less
        forged = s.dual * rng.uniform(0.5, 2.0, size=y.size)
        proof = certify(X, y, s.gates, lam, s.v, s.w, dual=forged, loss=s.loss)
        assert proof.dual_objective <= s.objective * (1 + 1e-9)
        held = replace(s.evidence, rho=rng.uniform(0, 2) * s.evidence.rho)
        proof = certify(X, y, s.gates, lam, s.v, s.w, dual=s.dual, evidence=held, loss=s.loss)
        assert proof.dual_objective <= s.objective * (1 + 1e-9)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("formulation", ["relu", "gated"])
@pytest.mark.parametrize("intercept", [False, True])
def test_a_path_has_the_values_of_single_solves(loss, formulation, intercept):
    X, y, gates = problem(2, loss)
    options = {"formulation": formulation, "loss": loss, "intercept": intercept}
    lams = lambda_max(X, y, gates, **options) * np.array([0.1, 1.5, 0.03, 0.01])
    for one, lam in zip(regularization_path(X, y, gates, lams, **options), lams, strict=True):
        alone = solve(X, y, gates, lam, **options)
        assert (one.lam, one.status) == (lam, "optimal")
        assert one.certify(recompute=True).gap <= 1.05e-6
        assert one.objective == pytest.approx(alone.objective, rel=2e-6, abs=1e-12)


@pytest.mark.parametrize("loss", OTHERS)
def test_a_warm_start_may_come_from_another_loss_over_other_gates(loss):
    X, y, gates = problem(2, loss)
    other = solve(X, np.sign(y), gates[:, ::2], 0.3, loss="logistic", intercept=True)
    lam = 0.05 * lambda_max(X, y, gates, loss=loss)
    warm = solve(X, y, gates, lam, loss=loss, warm_start=other)
    assert warm.status == "optimal"
    assert warm.objective == pytest.approx(solve(X, y, gates, lam, loss=loss).objective, rel=2e-6)


@pytest.mark.parametrize("loss", ["logistic", "squared_hinge"])
def test_balanced_classes_count_like_repeated_rows(loss):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((15, 3))
    y = np.repeat([1.0, -1.0], [10, 5])
    gates = sample_gates(X, 8, 0)
    balanced = solve(X, y, gates, 0.3, loss=loss, class_weight="balanced", tol=1e-9)
    twice = np.r_[np.arange(15), np.arange(10, 15)]
    repeated = solve(X[twice], y[twice], gates, 0.3 / 0.75, loss=loss, tol=1e-9)
    assert balanced.objective == pytest.approx(0.75 * repeated.objective, rel=1e-8)


def test_a_time_limit_ends_a_solve_with_a_valid_bound():
    X, y, gates = problem(0, "logistic")
    lam = 0.003 * lambda_max(X, y, gates, loss="logistic")
    best = solve(X, y, gates, lam, loss="logistic", tol=1e-8)
    early = solve(X, y, gates, lam, loss="logistic", tol=1e-8, time_limit=1e-9)
    assert early.status == "time_limit"
    assert early.dual_objective <= best.objective <= early.objective


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"loss": "absolute"}, "allowed: squared, logistic"),
        ({"loss": "logistic", "y": [0.0, 1.0]}, r"labels -1 and \+1"),
        ({"loss": "logistic", "y": [1.0, 1.0], "class_weight": "balanced"}, "both classes"),
        ({"loss": "huber", "class_weight": "balanced"}, "losses of labels"),
        ({"loss": "huber", "delta": 0.0}, "a finite number > 0"),
        ({"loss": "logistic", "class_weight": "none"}, "'balanced'"),
        ({"loss": "logistic", "backend": "clarabel"}, "auto, newton"),
        ({"loss": "squared", "intercept": 1.0}, "True, False"),
        ({"loss": "hinge", "y": [1.0, 1.0], "intercept": True}, "both classes"),
    ],
)
def test_bad_input_is_one_typed_error(change, said):
    X = np.array([[1.0, 2.0], [3.0, -1.0]])
    options = {"y": [1.0, -1.0], **change}
    with pytest.raises(SolveInputError, match=said):
        solve(X, np.array(options.pop("y")), np.ones((2, 1)), 0.1, **options)


def test_questions_for_the_squared_loss_refuse_another_one_by_name():
    X, y, gates = problem(0, "logistic")
    s = solve(X, y, gates, 0.1, loss="logistic")
    with pytest.raises(SolveInputError, match="logistic"):
        describe(s, X, y)
    with pytest.raises(SolveInputError, match="squared loss"):
        solve_any(X, y, 0.1, gates="all", loss="logistic")
    with pytest.raises(SolveInputError, match="an intercept"):
        solve_any(X, y, 0.1, gates="all", intercept=True)
    with pytest.raises(SolveInputError, match="squared and an intercept"):
        solve_any(X, y, 0.1, gates=gates, intercept=True).optima()
    with pytest.raises(SolveInputError, match="logistic"):
        solve_any(X, y, 0.1, gates=gates, loss="logistic").to_json()
    with pytest.raises(SolveInputError, match="has no intercept"):
        certify(X, y, s.gates, s.lam, s.v, s.w, loss=s.loss, intercept=0.5)
    assert "logistic" in repr(solve_any(X, y, 0.1, gates=gates, loss="logistic").found)


@pytest.mark.parametrize("loss", OTHERS)
@pytest.mark.parametrize("intercept", [False, True])
def test_a_run_is_certified_and_a_changed_record_is_found_out(loss, intercept):
    config = Config(loss=loss, intercept=intercept)
    upstream = {"dataset": dataset(binary=loss != "huber")}
    outcome = stage.run(Task("convex", "r", {"convex": config}, 0, upstream))
    assert (outcome.status, outcome.row["loss_function"]) == ("ok", loss)
    assert outcome.row["network_objective"] == pytest.approx(outcome.row["objective"], rel=1e-6)
    assert set(outcome.row) - {"status"} <= {column.name for column in (*SHARED, *COLUMNS)}
    held = {"groups": {"convex": config.model_dump()}}
    record = Record("r", "k", "convex", held, "ok", outcome.row, arrays=outcome.arrays)
    assert stage.verify(record, upstream) == []
    for name in ("v", "w", "W1", "dual", "b2"):
        if not np.any(record.arrays.get(name, 0.0)):
            continue
        # a multiple of a dual vector of the hinge loss would prove as much
        wrong = record.arrays[name] * np.resize([0.9, 0.8], np.shape(record.arrays[name]))
        bad = replace(record, arrays={**record.arrays, name: wrong})
        assert stage.verify(bad, upstream), name
