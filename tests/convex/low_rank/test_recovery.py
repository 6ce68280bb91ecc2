"""Recovery of what was planted, and the price of the cones, as runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relu_optima.convex import ShallowNetwork, stage
from relu_optima.convex.low_rank.recovery import recovered_teacher
from relu_optima.convex.programs import all_patterns, neural_isometry, relaxation_quality
from relu_optima.datasets.loaders import gaussian_rows
from relu_optima.stage import Record, Task


def gaussian(n: int, d: int, seed: int, target: str = "noise") -> Record:
    raw = gaussian_rows.load(
        gaussian_rows.Config(loader="gaussian_rows", n=n, d=d, seed=seed, target=target)
    )
    arrays = {"X_train": raw.X, "y_train": raw.y, "X_test": raw.X[:0], "y_test": raw.y[:0]}
    return Record("a", "b", "dataset", {}, "ok", {"task": "regression"}, arrays=arrays)


def run(config, dataset: Record, seed: int = 0):
    upstream = {"dataset": dataset}
    outcome = stage.run(Task("convex", "r", {"convex": config}, seed, upstream))
    stored = Record(
        "r", "k", "convex", {"groups": {"convex": config.model_dump()}}, outcome.status,
        outcome.row, outcome.series, outcome.arrays,
    )  # fmt: skip
    return outcome, stored, upstream


@pytest.mark.parametrize(("rows", "answer"), [(10, "no"), (40, "yes")])
def test_a_planted_linear_function_is_recovered_from_enough_rows(rows, answer):
    config = neural_isometry.Config(lam=1e-4)
    outcome, stored, upstream = run(config, gaussian(rows, 10, 1, "linear"))
    assert outcome.status == "ok"
    assert outcome.row["recovered"] == answer
    assert stage.verify(stored, upstream) == []
    for key, value in (("objective", 0.0), ("dual_objective", 1e9), ("skip_share", 0.5)):
        assert stage.verify(replace(stored, row=stored.row | {key: value}), upstream)


def test_the_cones_cost_no_less_than_nothing_and_less_than_the_law():
    outcome, stored, upstream = run(relaxation_quality.Config(count=60), gaussian(60, 6, 2))
    assert outcome.status == "ok"
    assert 1.0 <= outcome.row["ratio"] < outcome.row["law"]
    assert stage.verify(stored, upstream) == []
    for key in ("objective", "gated_objective", "ratio"):
        wrong = stored.row | {key: 1.1 * stored.row[key]}
        assert stage.verify(replace(stored, row=wrong), upstream)


def test_a_planted_neuron_is_recovered_from_enough_rows_of_rank_two():
    rng = np.random.default_rng(5)
    teacher = np.array([[0.6, 0.8]])
    found = []
    for n in (3, 24):
        X = rng.standard_normal((n, 2))
        y = np.maximum(X @ teacher[0], 0.0)
        arrays = {"X_train": X, "y_train": y, "X_test": X[:0], "y_test": y[:0]}
        arrays |= {"teacher_W1": teacher, "teacher_w2": np.ones(1)}
        data = Record("a", "b", "dataset", {}, "ok", {"task": "regression"}, arrays=arrays)
        found.append(run(all_patterns.Config(lam=1e-4), data)[0].row["recovered"])
    assert found[1] == "yes"
    none = replace(data, arrays={k: v for k, v in arrays.items() if "teacher" not in k})
    assert "recovered" not in run(all_patterns.Config(lam=1e-4), none)[0].row


def test_a_network_with_more_than_the_planted_neuron_is_not_it():
    data = Record(
        "a", "b", "dataset", {}, "ok", {},
        arrays={"teacher_W1": np.array([[1.0, 0.0]]), "teacher_w2": np.array([2.0])},
    )  # fmt: skip
    right = ShallowNetwork(np.array([[1.0, 0.0], [1.0, 1e-4]]), np.array([[1.5], [0.5]]))
    assert recovered_teacher(right, data)
    more = ShallowNetwork(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[2.0], [0.1]]))
    assert not recovered_teacher(more, data)
    assert not recovered_teacher(ShallowNetwork(right.U, -right.V), data)
