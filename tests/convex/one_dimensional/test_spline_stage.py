"""Splines as runs of stage convex: rows on a line, what a record holds, and its re-check."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relu_optima.convex import columns, line_through, spline, stage
from relu_optima.convex.programs.spline import COLUMNS, Config
from relu_optima.errors import SolveInputError
from relu_optima.stage import Record, Task


def dataset(X: np.ndarray, y: np.ndarray, task: str = "regression") -> Record:
    none = X[:0], y[:0]
    arrays = dict(zip(("X_train", "y_train", "X_test", "y_test"), (X, y, *none), strict=True))
    return Record("a", "b", "dataset", {}, "ok", {"task": task}, arrays=arrays)


def points(labels: bool = False):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 25)
    y = np.sin(3 * x) + 0.2 * rng.standard_normal(25)
    return x, np.sign(y) if labels else y


def solved(config: Config, data: Record):
    outcome = stage.run(Task("convex", "r", {"convex": config}, 0, {"dataset": data}))
    stored = {"groups": {"convex": config.model_dump()}}
    record = Record("r", "k", "convex", stored, outcome.status, outcome.row, arrays=outcome.arrays)
    return outcome, record


@pytest.mark.parametrize("loss", ["squared", "hinge", "logistic", "huber", "interpolation"])
def test_a_run_is_certified_described_and_verifiable(loss):
    labelled = loss in ("hinge", "logistic")
    x, y = points(labelled)
    scale = "absolute" if loss in ("hinge", "interpolation") else "lambda_max"
    config = Config(program="spline", loss=loss, lam=0.1, lam_scale=scale, delta=0.3)
    data = dataset(x[:, None], y, "binary" if labelled else "regression")
    outcome, record = solved(config, data)
    row = outcome.row
    assert outcome.status == "ok"
    assert row["gap"] <= config.tol
    assert row["network_objective"] == pytest.approx(row["objective"], rel=1e-9)
    assert ("train_accuracy" in row) is labelled
    declared = {c.name for c in COLUMNS}
    common = {c.name for c in columns.COLUMNS}
    assert set(row) - {"status"} <= declared | common
    assert set(outcome.series) <= declared
    assert stage.verify(record, {"dataset": data}) == []
    for name in ("node_values", "W1", "dual"):
        forged = replace(record, arrays={**record.arrays, name: 0.9 * record.arrays[name]})
        assert stage.verify(forged, {"dataset": data}), name
    better = {**row, "objective": 0.5 * row["objective"], "dual_objective": 1.1 * row["objective"]}
    assert len(stage.verify(replace(record, row=better), {"dataset": data})) >= 2


def test_rows_on_a_line_are_one_dimensional_data():
    x, y = points()
    direction, origin = np.array([3.0, 0.0, -4.0]), np.array([1.0, 2.0, 0.5])
    X = origin + x[:, None] * direction
    line = line_through(X)
    found = spline(line.coordinate, y, 0.3)
    assert found.objective == pytest.approx(spline(5.0 * x, y, 0.3).objective, rel=1e-10)
    lifted = line.lift(found.network())
    np.testing.assert_allclose(lifted.predict(X), found.predict(found.x), atol=1e-10)
    assert lifted.penalty() == pytest.approx(found.norm, rel=1e-10)
    with_ones = np.column_stack([x, np.ones(x.size)])
    assert np.array_equal(line_through(with_ones).coordinate, x)
    outcome, record = solved(Config(program="spline", lam_scale="absolute"), dataset(X, y))
    assert outcome.arrays["W1"].shape[1] == 3
    assert stage.verify(record, {"dataset": dataset(X, y)}) == []


def test_other_data_are_refused():
    x, y = points()
    plane = np.column_stack([x, x**2])
    with pytest.raises(SolveInputError, match="away from the line"):
        line_through(plane)
    with pytest.raises(SolveInputError):
        line_through(np.array([[np.nan]]))
    outcome, _ = solved(Config(program="spline"), dataset(plane, y))
    assert outcome.status == "infeasible_input"
    assert "away from the line" in outcome.row["message"]
    two = dataset(x[:, None], np.column_stack([y, y]))
    assert solved(Config(program="spline"), two)[0].status == "infeasible_input"
    hinge = Config(program="spline", loss="hinge")
    assert "closed form" in solved(hinge, dataset(x[:, None], np.sign(y)))[0].row["message"]
