"""Runs over all patterns and over spike-free data: outcomes, re-checks, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relu_optima.convex import columns, solve_all, stage
from relu_optima.convex.programs import all_patterns, spike_free
from relu_optima.stage import Record, Task
from tests.convex.low_rank.data import A1_X, A1_Y


def dataset(X: np.ndarray, y: np.ndarray) -> Record:
    arrays = {"X_train": X, "y_train": y, "X_test": X[:2], "y_test": y[:2]}
    return Record("a", "b", "dataset", {}, "ok", {"task": "regression"}, arrays=arrays)


def run(config, X: np.ndarray, y: np.ndarray):
    upstream = {"dataset": dataset(X, y)}
    outcome = stage.run(Task("convex", "r", {"convex": config}, 0, upstream))
    group = config.model_dump()
    stored = Record(
        "r", "k", "convex", {"groups": {"convex": group}}, outcome.status, outcome.row,
        outcome.series, outcome.arrays,
    )  # fmt: skip
    return outcome, stored, upstream


@pytest.mark.parametrize("method", ["price", "enumerate"])
def test_a_run_over_all_patterns_is_certified_and_verifiable(method):
    config = all_patterns.Config(lam=0.1, lam_scale="absolute", tol=1e-7, method=method)
    outcome, stored, upstream = run(config, A1_X, A1_Y)
    assert outcome.status == "ok"
    assert outcome.row["objective"] == pytest.approx(0.33129375, rel=1e-7)
    assert (outcome.row["exact"], outcome.row["rank"], outcome.row["cells"]) == (True, 2, 6)
    assert stage.verify(stored, upstream) == []
    if method == "price":
        assert outcome.series["upper_bound"][-1] == pytest.approx(outcome.row["objective"])
        assert len(outcome.series["round"]) == outcome.row["n_rounds"]


@pytest.mark.parametrize("key", ["objective", "dual_objective", "gap"])
def test_a_false_row_is_found(key):
    config = all_patterns.Config(lam=0.1, lam_scale="absolute")
    _, stored, upstream = run(config, A1_X, A1_Y)
    change = {"objective": 0.33, "dual_objective": 0.34, "gap": -1e-3}[key]
    assert stage.verify(replace(stored, row=stored.row | {key: change}), upstream)


def test_a_false_network_is_found():
    config = all_patterns.Config(lam=0.1, lam_scale="absolute")
    _, stored, upstream = run(config, A1_X, A1_Y)
    arrays = stored.arrays | {"U": 1.01 * stored.arrays["U"]}
    assert stage.verify(replace(stored, arrays=arrays), upstream)


def test_rank_above_three_beyond_the_budget_is_a_sub_program_or_refused():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 6)), rng.standard_normal(20)
    outcome, stored, upstream = run(all_patterns.Config(budget=10), X, y)
    assert outcome.status == "sub_program"
    assert not outcome.row["exact"]
    assert outcome.row["dual_objective"] < outcome.row["objective"]
    assert stage.verify(stored, upstream) == []
    outcome, _, _ = run(all_patterns.Config(budget=10, method="enumerate"), X, y)
    assert outcome.status == "refused"
    outcome, _, _ = run(all_patterns.Config(method="price"), X, y)
    assert outcome.status == "infeasible_input"
    assert "price" in outcome.row["message"]


@pytest.mark.parametrize("free", [True, False])
def test_a_run_of_two_neurons_says_what_it_proves(free):
    X = np.array([[1.0, 0.0, 0.0], [0.4, 0.8, 0.0], [0.4, 0.2, 0.9]])
    if not free:
        X[1, 0] = -0.2
        X[2, 0] = -0.1
    y = np.array([0.3, -0.5, 0.8])
    config = spike_free.Config(lam=0.05, lam_scale="absolute", tol=1e-8)
    outcome, stored, upstream = run(config, X, y)
    declared = {c.name for c in (*spike_free.COLUMNS, *columns.COLUMNS)}
    assert set(outcome.row) - {"status"} <= declared
    assert outcome.row["spike_free"] is free
    assert outcome.status == ("ok" if free else "upper_bound")
    assert stage.verify(stored, upstream) == []
    best = solve_all(X, y, 0.05, tol=1e-9).objective
    assert outcome.row["objective"] >= best * (1 - 1e-8)
    if free:
        assert outcome.row["objective"] == pytest.approx(best, rel=1e-8)
    flipped = replace(stored, row=stored.row | {"spike_free": not free})
    assert stage.verify(flipped, upstream)


def test_data_without_an_all_active_pattern_are_infeasible_input():
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    outcome, _, _ = run(spike_free.Config(), X, np.ones(3))
    assert outcome.status == "infeasible_input"
