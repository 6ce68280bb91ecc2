"""The stage: contract, presets, re-verification, tampering."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from relu_optima.optimal_set import stage
from relu_optima.optimal_set.config import OptimalSetConfig
from tests.optimal_set import records
from tests.optimal_set.programs import FAN_X, FAN_Y, WORKED_X, WORKED_Y, gaussian, solve

PRESETS = sorted((Path(__file__).parents[2] / "conf" / "optimal_set").glob("*.yaml"))


def run(X, y, lam=1.0, formulation="relu", kind="regression", **options):
    upstream = records.upstream(solve(X, y, lam, formulation), X, y, kind)
    config = OptimalSetConfig(samples=12, **options)
    return stage.run(records.task("optimal_set", config, upstream)), upstream


@pytest.mark.parametrize("preset", PRESETS, ids=lambda p: p.stem)
def test_presets_are_valid(preset):
    text = preset.read_text()
    assert text.startswith("# ")
    assert set(yaml.safe_load(text)) == set(OptimalSetConfig.model_fields) - {"time_limit"}
    OptimalSetConfig.model_validate(yaml.safe_load(text))


@pytest.mark.parametrize("formulation", ["relu", "gated"])
@pytest.mark.parametrize("kind", ["regression", "binary"])
@pytest.mark.parametrize("lam", [0.05, 50.0])
def test_a_run_keeps_the_contract_and_verifies(formulation, kind, lam):
    X, y = gaussian(2, 8, 2)
    outcome, upstream = run(X, y, lam, formulation, kind)
    records.assert_contract(outcome)
    assert stage.verify(records.stored("optimal_set", outcome), upstream) == []
    assert ("test_accuracy" in outcome.series) == (kind == "binary")


def test_the_row_of_the_fan():
    outcome, _ = run(FAN_X, FAN_Y)
    row = outcome.row
    expected = {
        "dimension": 1,
        "is_unique": False,
        "n_directions": 3,
        "n_smallest": 1,
        "n_vertices": 2,
        "n_min_norm": 3,
        "vertex_status": "complete",
        "smallest_status": "optimal",
    }
    assert {k: row[k] for k in expected} == expected
    assert row["min_norm_squared"] == pytest.approx(0.75)
    assert row["penalty"] == pytest.approx(1.5)


def test_the_staircase_of_the_fan():
    outcome, upstream = run(FAN_X, FAN_Y, topology=True)
    row = outcome.row
    assert [row[k] for k in ("m_star", "M_star", "connected_from")] == [1, 2, 3]
    assert (row["connected_bound"], row["published_bound"]) == (3, 3)
    assert row["path_drift"] <= 1e-12
    np.testing.assert_array_equal(outcome.series["staircase.components"], [1, 3, 1, 1])
    assert "descent_status" not in row
    record = records.stored("optimal_set", outcome)
    assert stage.verify(record, upstream) == []
    for name, change in (
        ("staircase.components", lambda a: a + 1),
        ("staircase.isolated_points", lambda a: a[::-1]),
    ):
        bad = replace(record, series=record.series | {name: change(record.series[name])})
        assert stage.verify(bad, upstream)
    for name, change in (
        ("path_end", lambda a: a * 1.1),
        ("path_start", lambda a: -a),
        ("path_blocks", lambda a: a[::-1]),
    ):
        bad = replace(record, arrays=record.arrays | {name: change(record.arrays[name])})
        assert stage.verify(bad, upstream), name


def test_a_staircase_over_budget_is_unknown():
    X, y = gaussian(2, 8, 2)
    outcome, upstream = run(X, y, 0.05, vertex_budget=1, topology=True)
    assert outcome.row["topology_status"] == "unknown"
    assert outcome.row["connected_from"] is None
    assert outcome.row["connected_bound"] <= outcome.row["published_bound"] == 9
    assert not outcome.series["staircase.width"].size
    assert stage.verify(records.stored("optimal_set", outcome), upstream) == []


@pytest.mark.parametrize(
    ("width", "biases", "status"),
    [(12, False, "reached"), (1, False, "too_narrow"), (12, True, "other_network")],
)
def test_a_trained_network_is_led_to_an_optimum(width, biases, status):
    X, y = gaussian(2, 8, 2)
    solved = solve(X, y, 0.05)
    upstream = records.upstream(solved, X, y)
    rng = np.random.default_rng(0)
    arrays = {"W0": rng.standard_normal((width, 2)), "W1": rng.standard_normal((1, width))}
    arrays |= {"b0": np.ones(width), "b1": np.zeros(1)} if biases else {}
    training = replace(upstream["convex"], stage="training", arrays=arrays)
    upstream = upstream | {"training": training}
    outcome = stage.run(
        records.task("optimal_set", OptimalSetConfig(samples=0, topology=True), upstream)
    )
    row = outcome.row
    assert row["descent_status"] == status
    if status == "reached":
        assert abs(row["descent_end"]) <= 1e-9
        assert row["descent_slots"] <= 9
    if status != "other_network":
        assert row["descent_rise"] <= 1e-12
        assert row["descent_start"] > 0.1
    records.assert_contract(outcome)
    assert stage.verify(records.stored("optimal_set", outcome), upstream) == []


def test_too_many_vertices_is_data_not_an_error():
    X, y = gaussian(2, 8, 2)
    outcome, upstream = run(X, y, 0.05, vertex_budget=1)
    assert outcome.row["n_vertices"] is None
    assert outcome.row["vertex_status"] == "over_budget"
    assert stage.verify(records.stored("optimal_set", outcome), upstream) == []


@pytest.mark.parametrize(
    ("array", "change"),
    [
        ("fit", lambda a: a * 1.01),
        ("directions", lambda a: a[:, ::-1]),
        ("columns", lambda a: a * 1.1),
        ("min_norm", lambda a: a + 0.01),
        ("start", lambda a: -a),
        ("vertices", lambda a: a + 0.1),
        ("vertices", lambda a: np.vstack([a, a.mean(axis=0)])),
    ],
)
def test_tampering_is_found(array, change):
    outcome, upstream = run(FAN_X, FAN_Y)
    record = records.stored("optimal_set", outcome)
    bad = replace(record, arrays=record.arrays | {array: change(record.arrays[array])})
    assert stage.verify(bad, upstream)


def test_a_set_of_another_program_is_found():
    outcome, _ = run(FAN_X, FAN_Y)
    _, other = run(WORKED_X, WORKED_Y, 0.1)
    _, stronger = run(FAN_X, FAN_Y, 1.1)
    record = records.stored("optimal_set", outcome)
    assert stage.verify(record, stronger)
    assert "not about these 3 samples" in stage.verify(record, other)[0]


def test_the_module_imports_no_heavy_library():
    import subprocess
    import sys

    code = (
        "import sys, relu_optima.optimal_set.config, relu_optima.pruning.config, "
        "relu_optima.pruning.methods.optimal_ls, relu_optima.optimal_set, relu_optima.pruning;"
        "bad = {'torch', 'scipy', 'cvxpy', 'pandas', 'clarabel'} & set(sys.modules);"
        "sys.exit(f'imported {bad}' if bad else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_convex_run_without_a_solution_is_data():
    X, y = gaussian(2, 8, 2)
    upstream = records.upstream(solve(X, y, 0.05), X, y)
    failed = replace(upstream["convex"], arrays={}, status="infeasible_input", row={})
    upstream = upstream | {"convex": failed}
    outcome = stage.run(records.task("optimal_set", OptimalSetConfig(), upstream))
    assert outcome.status == "no_solution"
    assert "infeasible_input" in outcome.row["message"]
    assert stage.verify(records.stored("optimal_set", outcome), upstream) == []


def test_an_empty_test_set_leaves_its_scores_out():
    X, y = gaussian(2, 8, 2)
    upstream = records.upstream(solve(X, y, 0.05), X, y)
    dataset = upstream["dataset"]
    arrays = dataset.arrays | {"X_test": np.zeros((0, 2)), "y_test": np.zeros(0)}
    upstream = upstream | {"dataset": replace(dataset, arrays=arrays)}
    outcome = stage.run(records.task("optimal_set", OptimalSetConfig(), upstream))
    assert outcome.status == "ok"
    assert not [name for name in outcome.series if name.startswith("test_")]
    assert stage.verify(records.stored("optimal_set", outcome), upstream) == []
