"""The stage: contract, presets, re-verification, tampering."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from relu_optima.optimal_set import describe
from relu_optima.sensitivity import stage
from relu_optima.sensitivity.config import SensitivityConfig
from tests.optimal_set import records
from tests.optimal_set.programs import FAN_X, FAN_Y, WORKED_X, WORKED_Y, gaussian, solve

PRESETS = sorted((Path(__file__).parents[2] / "conf" / "sensitivity").glob("*.yaml"))


def run(X, y, lam=0.1, formulation="relu", kind="regression", **options):
    upstream = records.upstream(solve(X, y, lam, formulation), X, y, kind)
    config = SensitivityConfig(n_lams=6, **options)
    return stage.run(records.task("sensitivity", config, upstream)), upstream


@pytest.mark.parametrize("preset", PRESETS, ids=lambda p: p.stem)
def test_presets_are_valid(preset):
    text = preset.read_text()
    assert text.startswith("# ")
    assert set(yaml.safe_load(text)) == set(SensitivityConfig.model_fields)
    SensitivityConfig.model_validate(yaml.safe_load(text))


@pytest.mark.parametrize("formulation", ["relu", "gated"])
@pytest.mark.parametrize("kind", ["regression", "binary"])
@pytest.mark.parametrize("lam", [0.05, 50.0])
def test_a_run_keeps_the_contract_and_verifies(formulation, kind, lam):
    X, y = gaussian(2, 8, 2)
    outcome, upstream = run(X, y, lam, formulation, kind)
    records.assert_contract(outcome)
    assert outcome.row["n_knots"] == 6
    assert stage.verify(records.stored("sensitivity", outcome), upstream) == []


def test_degrees_of_freedom_in_both_ways():
    fast, _ = run(WORKED_X, WORKED_Y)
    slow, _ = run(WORKED_X, WORKED_Y, degrees_of_freedom="finite_difference")
    none, _ = run(WORKED_X, WORKED_Y, degrees_of_freedom="none")
    assert fast.row["degrees_of_freedom"] == pytest.approx(2.96808, abs=6e-6)
    one, two = fast.series["degrees_of_freedom"], slow.series["degrees_of_freedom"]
    known = np.isfinite(one)
    assert known.sum() >= 4
    np.testing.assert_allclose(one[known], two[known], atol=1e-5)
    assert np.isnan(none.series["degrees_of_freedom"]).all()


def test_a_traced_path_counts_events():
    outcome, upstream = run(WORKED_X, WORKED_Y, path="trace")
    assert outcome.row["n_breakpoints"] == 4
    assert outcome.row["n_jumps"] == 0
    assert outcome.series["n_enters"].sum() == 2
    assert outcome.series["n_binds"].sum() == 1
    assert [len(b["events"]) for b in outcome.documents["breakpoints"]] == [1, 1, 1, 1]
    assert outcome.series["breakpoints.enters"].tolist() == [1, 1, 0, 0]
    assert outcome.series["breakpoints.lam_fraction"][0] == pytest.approx(1, rel=1e-6)
    assert outcome.row["jumps"] == "none"
    records.assert_contract(outcome)
    assert stage.verify(records.stored("sensitivity", outcome), upstream) == []
    from tests.optimal_set.programs import JUMP_X, JUMP_Y

    jumping, _ = run(JUMP_X, JUMP_Y, 1.0, path="trace")
    assert jumping.row["n_jumps"] == 1
    assert jumping.row["jumps"] == "found"
    assert jumping.series["breakpoints.jump"].max() == jumping.row["max_jump"]
    assert jumping.row["max_jump"] == pytest.approx(2 / 3, abs=1e-3)


def test_criteria_choose_a_lam_from_the_grid():
    X, y = gaussian(2, 12, 2)
    outcome, upstream = run(X, y, 0.3, "gated", folds=3)
    row, series = outcome.row, outcome.series
    for name in ("leave_one_out", "kfold", "test"):
        assert row[f"lam_{name}"] in series["lam"]
    assert row["test_mse_test"] == series["test_mse"].min()
    records.assert_contract(outcome)
    assert stage.verify(records.stored("sensitivity", outcome), upstream) == []


def test_influence_is_the_slope_of_the_test_error():
    X, y = WORKED_X, WORKED_Y
    outcome, upstream = run(X, y, 0.1, "gated")
    data = upstream["dataset"].arrays
    h, gates = 1e-5, upstream["convex"].arrays["gates"]
    for j in range(3):
        errors = []
        for sign in (1, -1):
            root = np.ones(3)
            root[j] = np.sqrt(1 + sign * h)
            solved = solve(root[:, None] * X, root * y, 0.1, "gated", gates=gates, tol=1e-10)
            optimal = describe(solved, root[:, None] * X, root * y)
            found = optimal.predict(optimal.start, data["X_test"])
            errors.append(np.mean((found - data["y_test"]) ** 2))
        slope = (errors[0] - errors[1]) / (2 * h)
        assert outcome.series["samples.influence"][j] == pytest.approx(slope, rel=1e-4, abs=1e-7)


def test_samples_say_what_leaving_them_out_does():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.uniform(-1, 1, 20), np.ones(20)])
    y = 1.5 * np.maximum(X[:, 0], 0) + 0.05 * rng.standard_normal(20)
    gates = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]).T
    upstream = records.upstream(solve(X, y, 0.05, "gated", gates=gates), X, y)
    outcome = stage.run(records.task("sensitivity", SensitivityConfig(n_lams=3), upstream))
    series = outcome.series
    held_out, leverage = series["samples.held_out"], series["samples.leverage"]
    np.testing.assert_allclose(held_out, series["samples.residual"] / (1 - leverage), rtol=1e-9)
    assert leverage.sum() == pytest.approx(outcome.row["degrees_of_freedom"])
    assert np.mean(held_out**2) == pytest.approx(outcome.row["leave_one_out_mse"])


@pytest.mark.parametrize("formulation", ["relu", "gated"])
def test_secants_of_the_value_lie_between_the_penalties(formulation):
    X, y = gaussian(3, 10, 2)
    outcome, _ = run(X, y, 0.3, formulation)
    secant, penalty = outcome.series["secant"], outcome.series["penalty"]
    assert np.isnan(secant[0])
    slack = 1e-9 * penalty.max()
    assert (secant[1:] >= penalty[:-1] - slack).all()
    assert (secant[1:] <= penalty[1:] + slack).all()


def test_the_error_of_the_prediction_is_quadratic_inside_the_interval():
    outcome, upstream = run(WORKED_X, WORKED_Y, 0.1, prediction_steps=8)
    series = outcome.series
    inside = series["steps.inside"] > 0
    assert inside.sum() >= 3
    step, error, change = (series[f"steps.{k}"][inside] for k in ("step", "error", "change"))
    assert np.polyfit(np.log(step), np.log(error), 1)[0] == pytest.approx(2, abs=0.1)
    assert np.polyfit(np.log(step), np.log(change), 1)[0] == pytest.approx(1, abs=0.1)
    records.assert_contract(outcome)
    assert stage.verify(records.stored("sensitivity", outcome), upstream) == []
    degenerate, _ = run(FAN_X, FAN_Y, 1.0, prediction_steps=8)
    assert degenerate.series["steps.step"].size == 0


def test_a_validation_set_chooses_too_and_every_choice_has_its_cost():
    X, y = gaussian(2, 12, 2)
    upstream = records.upstream(solve(X, y, 0.3, "gated"), X, y)
    dataset = upstream["dataset"]
    rng = np.random.default_rng(0)
    arrays = dataset.arrays | {"X_valid": rng.standard_normal((5, 2)), "y_valid": np.ones(5)}
    upstream = upstream | {"dataset": replace(dataset, arrays=arrays)}
    config = SensitivityConfig(n_lams=6, folds=3)
    row = stage.run(records.task("sensitivity", config, upstream))
    scores = row.series["valid_mse"]
    assert row.row["lam_valid"] == row.series["lam"][np.argmin(scores)]
    solves = {name: row.row[f"solves_{name}"] for name in ("valid", "kfold", "leave_one_out")}
    assert solves == {"valid": 6, "kfold": 18, "leave_one_out": 6}
    assert row.row["cpu_kfold"] > 0
    assert row.row["cpu_leave_one_out"] >= row.row["cpu_valid"] > 0


def test_degenerate_points_are_data():
    outcome, _ = run(FAN_X, FAN_Y, 1.0)
    assert outcome.status == "ok"
    assert outcome.row["differentiable"] is False
    assert "dimension 1" in outcome.row["degenerate_reason"]
    assert outcome.row["degrees_of_freedom"] is None
    assert outcome.row["n_non_unique"] == 5  # all knots but lam_max itself


def test_zero_targets_give_an_empty_path():
    outcome, upstream = run(FAN_X, 0 * FAN_Y, 1.0)
    assert outcome.row["n_knots"] == 0
    assert outcome.row["lam_max"] == 0
    records.assert_contract(outcome)
    assert stage.verify(records.stored("sensitivity", outcome), upstream) == []


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("series", "objective", lambda a: a * 1.001),
        ("series", "lam", lambda a: a * 1.01),
        ("arrays", "knot_coefficients", lambda a: a * 1.01),
        ("arrays", "knot_directions", lambda a: 2 * a),
        ("arrays", "knot_signs", lambda a: -a),
    ],
)
def test_tampering_is_found(kind, name, change):
    outcome, upstream = run(WORKED_X, WORKED_Y)
    record = records.stored("sensitivity", outcome)
    values = getattr(record, kind)
    bad = replace(record, **{kind: values | {name: change(values[name])}})
    assert stage.verify(bad, upstream)


def test_a_convex_run_without_a_solution_is_data():
    X, y = gaussian(2, 8, 2)
    upstream = records.upstream(solve(X, y, 0.05), X, y)
    failed = replace(upstream["convex"], arrays={}, status="infeasible_input", row={})
    upstream = upstream | {"convex": failed}
    outcome = stage.run(records.task("sensitivity", SensitivityConfig(), upstream))
    assert outcome.status == "no_solution"
    assert "infeasible_input" in outcome.row["message"]
    assert stage.verify(records.stored("sensitivity", outcome), upstream) == []


def test_an_empty_test_set_leaves_its_scores_out():
    X, y = gaussian(2, 8, 2)
    upstream = records.upstream(solve(X, y, 0.05), X, y)
    dataset = upstream["dataset"]
    arrays = dataset.arrays | {"X_test": np.zeros((0, 2)), "y_test": np.zeros(0)}
    upstream = upstream | {"dataset": replace(dataset, arrays=arrays)}
    outcome = stage.run(records.task("sensitivity", SensitivityConfig(), upstream))
    assert outcome.status == "ok"
    assert not [name for name in outcome.series if name.startswith("test_")]
    assert stage.verify(records.stored("sensitivity", outcome), upstream) == []
