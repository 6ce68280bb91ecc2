"""The stage: contract, presets, re-verification, tampering."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from relu_optima.config.plugins import load_plugin, plugin_names
from relu_optima.pruning import stage
from tests.optimal_set import records
from tests.optimal_set.programs import FAN_X, FAN_Y, gaussian, solve

PRESETS = sorted((Path(__file__).parents[2] / "conf" / "pruning").glob("*.yaml"))


def run(X, y, method, lam=0.05, formulation="relu", kind="binary"):
    upstream = records.upstream(solve(X, y, lam, formulation), X, y, kind)
    config = load_plugin("pruning", method).Config(method=method)
    return stage.run(records.task("pruning", config, upstream)), upstream


@pytest.mark.parametrize("preset", PRESETS, ids=lambda p: p.stem)
def test_presets_are_valid(preset):
    text = preset.read_text()
    assert text.startswith("# ")
    values = yaml.safe_load(text)
    config = load_plugin("pruning", values["method"]).Config.model_validate(values)
    assert preset.stem == config.method


def test_every_method_has_a_preset():
    assert {p.stem for p in PRESETS} == set(plugin_names("pruning"))


@pytest.mark.parametrize("method", plugin_names("pruning"))
@pytest.mark.parametrize(("formulation", "lam"), [("relu", 0.05), ("gated", 0.05), ("relu", 60.0)])
def test_every_method_keeps_the_contract_and_verifies(method, formulation, lam):
    X, y = gaussian(2, 8, 2)
    outcome, upstream = run(X, np.sign(y), method, lam, formulation)
    records.assert_contract(outcome)
    assert outcome.row["method"] == method
    assert outcome.status == "ok"
    series = outcome.series
    assert {"n_neurons", "objective", "train_accuracy", "test_accuracy", "test_mse"} <= set(series)
    assert stage.verify(records.stored("pruning", outcome), upstream) == []


def test_the_rows_of_the_fan():
    sizes = {}
    for method in ("optimal", "global_minimum"):
        outcome, _ = run(FAN_X, FAN_Y, method, lam=1.0, kind="regression")
        assert "train_accuracy" not in outcome.series
        assert outcome.row["objective_change"] <= 1e-8
        sizes[method] = (outcome.row["n_start"], outcome.row["n_exact"], outcome.row["n_final"])
    assert sizes == {"optimal": (3, 2, 2), "global_minimum": (3, 1, 1)}


def test_the_area_is_the_mean_over_neuron_budgets():
    X, y = gaussian(2, 8, 2)
    outcome, _ = run(X, np.sign(y), "magnitude")
    sizes, values = outcome.series["n_neurons"], outcome.series["test_accuracy"]
    assert sizes.tolist() == list(range(int(sizes[0]), 0, -1))
    assert outcome.row["test_accuracy_area"] == pytest.approx(values.mean())
    exact, _ = run(X, np.sign(y), "optimal")
    assert exact.row["test_accuracy_area"] is None


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("series", "objective", lambda a: a * (1 + 1e-5)),
        ("series", "n_neurons", lambda a: a - 1),
        ("series", "test_accuracy", lambda a: a + 0.1),
        ("arrays", "betas", lambda a: -a),
        ("arrays", "betas", lambda a: a * 1.001),
        ("arrays", "columns", lambda a: a + 0.1),
        ("arrays", "test_features", lambda a: a + 0.1),
    ],
)
def test_tampering_is_found(kind, name, change):
    X, y = gaussian(2, 8, 2)
    outcome, upstream = run(X, np.sign(y), "optimal")
    record = records.stored("pruning", outcome)
    values = getattr(record, kind)
    bad = replace(record, **{kind: values | {name: change(values[name])}})
    assert stage.verify(bad, upstream)


def test_a_convex_run_without_a_solution_is_data():
    X, y = gaussian(2, 8, 2)
    upstream = records.upstream(solve(X, y, 0.05), X, y)
    failed = replace(upstream["convex"], arrays={}, status="infeasible_input", row={})
    upstream = upstream | {"convex": failed}
    outcome = stage.run(
        records.task(
            "pruning", load_plugin("pruning", "optimal").Config(method="optimal"), upstream
        )
    )
    assert outcome.status == "no_solution"
    assert "infeasible_input" in outcome.row["message"]
    assert stage.verify(records.stored("pruning", outcome), upstream) == []


def test_an_empty_test_set_leaves_its_scores_out():
    X, y = gaussian(2, 8, 2)
    upstream = records.upstream(solve(X, y, 0.05), X, y)
    dataset = upstream["dataset"]
    arrays = dataset.arrays | {"X_test": np.zeros((0, 2)), "y_test": np.zeros(0)}
    upstream = upstream | {"dataset": replace(dataset, arrays=arrays)}
    outcome = stage.run(
        records.task(
            "pruning", load_plugin("pruning", "optimal").Config(method="optimal"), upstream
        )
    )
    assert outcome.status == "ok"
    assert not [name for name in outcome.series if name.startswith("test_")]
    assert stage.verify(records.stored("pruning", outcome), upstream) == []
