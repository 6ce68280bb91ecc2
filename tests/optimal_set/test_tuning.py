"""Tuning over the optimal set, and as the authors coded it."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from relu_optima.errors import SolveInputError
from relu_optima.optimal_set import describe, stage
from relu_optima.optimal_set.config import OptimalSetConfig
from relu_optima.optimal_set.tuning import CRITERIA, tune_as_published, tune_exactly
from tests.optimal_set import records
from tests.optimal_set.programs import FAN_X, FAN_Y, gaussian, solve


def held_out(d, seed=5, rows=20):
    rng = np.random.default_rng(seed)
    parts = {}
    for part in ("valid", "test"):
        parts[f"X_{part}"] = rng.standard_normal((rows, d))
        parts[f"y_{part}"] = rng.choice([-1.0, 1.0], rows)
    return parts


def spacious():
    """A program whose optimal set has two dimensions, both of antipodal pairs."""
    for seed in range(40):
        X, y = gaussian(seed, 8, 2)
        optimal = describe(solve(X, y, 0.05), X, y)
        if optimal.dimension == optimal.antipodal_pairs - 2 >= 2:
            return X, y, optimal
    raise AssertionError("no such instance")


@pytest.mark.parametrize("seed", range(3))
def test_freedom_of_antipodal_pairs_changes_no_prediction_anywhere(seed):
    # (x'u)_+ - (-x'u)_+ = x'u, so mass that moves with sum t_k u_k = 0 cancels at every input
    _, _, optimal = spacious()
    X = np.random.default_rng(seed).standard_normal((30, 2))
    outputs = np.array([optimal.predict(beta, X) for beta in optimal.sample(20, seed)])
    assert np.ptp(outputs, axis=0).max() <= 1e-9 * np.abs(outputs).max()
    data = held_out(2, seed)
    assert optimal.contains(tune_exactly(optimal, data).betas["valid"])


def test_each_criterion_is_at_least_as_good_as_any_sample_by_its_own_measure():
    optimal = describe(solve(FAN_X, FAN_Y, 1.0), FAN_X, FAN_Y)
    data = held_out(2)
    tuned = tune_exactly(optimal, data)
    others = [*optimal.sample(50, 0), *optimal.vertices()]

    def error(part):
        features, y = optimal.features(data[f"X_{part}"]), data[f"y_{part}"]
        return lambda beta: float(np.sum((features @ beta - y) ** 2))

    measures = {"min_l2": np.linalg.norm, "valid": error("valid"), "test": error("test")}
    for name, measure in measures.items():
        best = measure(tuned.betas[name])
        assert all(best <= measure(beta) * (1 + 1e-9) for beta in others)
    for beta in tuned.betas.values():
        assert optimal.contains(beta)
        assert beta.sum() == pytest.approx(optimal.penalty)


def test_validation_choice_matches_an_independent_solver():
    optimal = describe(solve(FAN_X, FAN_Y, 1.0), FAN_X, FAN_Y)
    data = held_out(2)
    beta = cp.Variable(optimal.start.size)
    features = optimal.features(data["X_valid"])
    goal = cp.sum_squares(features @ beta - data["y_valid"])
    keep = [optimal.columns @ beta == optimal.fit, beta >= 0]
    expected = cp.Problem(cp.Minimize(goal), keep).solve(solver=cp.CLARABEL)
    found = features @ tune_exactly(optimal, data).betas["valid"] - data["y_valid"]
    assert float(found @ found) == pytest.approx(expected, rel=1e-6)


def test_the_published_scalings_keep_the_fit_and_not_the_penalty():
    # a loose interior point leaves weight on every block, so far more than the optimal set opens
    X, y = gaussian(3, 14, 3)
    gates = np.random.default_rng(1).standard_normal((3, 20))
    optimal = describe(solve(X, np.sign(y), 0.5, gates=gates), X, np.sign(y))
    data = held_out(3)
    tuned = tune_as_published(optimal, data, 1e-4)
    network = tuned.network
    assert len(network.start) == network.problem.count > 2 * len(optimal.start)
    before = network.columns @ tuned.betas["solver"]
    for name in CRITERIA:
        beta = tuned.betas[name]
        assert beta.min() >= 0
        moved = np.linalg.norm(network.columns @ beta - before)
        assert moved <= 1e-5 * np.linalg.norm(before)
        assert not tuned.statuses[name].startswith("fallback")
    features, target = network.features(data["X_test"]), data["y_test"]
    errors = {k: np.sum((features @ b - target) ** 2) for k, b in tuned.betas.items()}
    assert errors["test"] <= min(errors.values()) * (1 + 1e-6)
    # nothing in the optimal set is that good, and the price is paid in the penalty
    inside = optimal.features(data["X_test"]) @ tune_exactly(optimal, data).betas["test"] - target
    assert errors["test"] < 0.999 * float(inside @ inside)
    assert tuned.betas["test"].sum() > 1.001 * optimal.penalty


@pytest.mark.parametrize("tuning", ["exact", "published"])
@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_a_tuned_run_keeps_the_contract_and_verifies(tuning, kind):
    outcome, upstream = run(tuning, kind)
    records.assert_contract(outcome)
    record = records.stored("optimal_set", outcome)
    assert stage.verify(record, upstream) == []
    row = outcome.row
    assert ("test_test_accuracy_gated" in row) == (kind == "binary")
    assert row["solver_penalty_ratio"] == pytest.approx(1.0, abs=1e-3)
    if tuning == "exact":
        assert all(abs(row[f"{c}_penalty_ratio"] - 1) < 1e-9 for c in CRITERIA)
        assert all(row[f"{c}_fit_error"] < 1e-9 for c in CRITERIA)
    betas = record.arrays["tuned_betas"]
    for change in ({"tuned_betas": betas * 1.01}, {"tuned_signs": -record.arrays["tuned_signs"]}):
        assert stage.verify(replace(record, arrays=record.arrays | change), upstream)


def run(tuning, kind, **parts):
    upstream = records.upstream(solve(FAN_X, FAN_Y, 1.0), FAN_X, FAN_Y, kind)
    dataset = upstream["dataset"]
    rows = {k: v for k, v in held_out(2).items() if "valid" in k} | parts
    upstream["dataset"] = replace(dataset, arrays=dataset.arrays | rows)
    config = OptimalSetConfig(samples=5, tuning=tuning)
    return stage.run(records.task("optimal_set", config, upstream)), upstream


def test_without_validation_rows_the_run_is_refused():
    with pytest.raises(SolveInputError, match="no valid rows"):
        run("exact", "binary", X_valid=np.zeros((0, 2)), y_valid=np.zeros(0))


def test_the_published_tuning_is_about_the_relu_program():
    X, y = gaussian(2, 8, 2)
    optimal = describe(solve(X, y, 0.05, "gated"), X, y)
    with pytest.raises(SolveInputError, match="ReLU program"):
        tune_as_published(optimal, held_out(2), 1e-8)


def test_beyond_lambda_max_every_criterion_keeps_the_zero_network():
    optimal = describe(solve(FAN_X, FAN_Y, 50.0), FAN_X, FAN_Y)
    tuned = tune_exactly(optimal, held_out(2))
    assert all(beta.size == 0 for beta in tuned.betas.values())


def test_a_description_is_kept_for_the_next_question_only_of_the_same_problem():
    upstream = records.upstream(solve(FAN_X, FAN_Y, 1.0), FAN_X, FAN_Y)
    first = stage.describe_record(upstream, 1e-12, 1e-5)
    assert stage.describe_record(upstream, 1e-12, 1e-5) is first
    assert stage.describe_record(upstream, 1e-11, 1e-5) is not first
    other = records.upstream(solve(FAN_X, 2 * FAN_Y, 1.0), FAN_X, 2 * FAN_Y)
    assert stage.describe_record(other, 1e-11, 1e-5).penalty != first.penalty
