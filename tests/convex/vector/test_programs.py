"""Programs with several outputs as runs: rows, scores, re-checking, refusal downstream."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relu_optima.config.plugins import load_plugin
from relu_optima.convex import stage
from relu_optima.stage import Record, Task
from tests.convex.vector.data import spiral


def dataset(kind: str) -> Record:
    rng = np.random.default_rng(0)
    if kind == "signals":
        X, Y, task = rng.standard_normal((8, 5)), rng.standard_normal((8, 2)), "regression"
    elif kind == "orthonormal":
        X = np.linalg.qr(rng.standard_normal((7, 5)))[0].T
        Y, task = np.eye(2)[[0, 1, 0, 1, 1]], "classes"
    else:
        X, Y = spiral(6)
        task = "classes"
    none = X[:0], Y[:0]
    arrays = {"X_train": X, "y_train": Y, "X_test": none[0], "y_test": none[1]}
    if kind == "classes":
        arrays |= {"X_test": X + 0.01, "y_test": Y}
    return Record("a", "b", "dataset", {}, "ok", {"task": task}, arrays=arrays)


CASES = {
    "vector_relu": ({"lam": 0.05}, "classes"),
    "vector_relu on patches": ({"lam": 0.05, "filter_size": 2}, "signals"),
    "vector_gated": ({"lam": 0.1}, "classes"),
    "vector_one_vs_all": ({"lam": 0.1, "formulation": "relu"}, "classes"),
    "vector_one_vs_all gated": ({"lam": 0.1, "formulation": "gated"}, "classes"),
    "frank_wolfe": ({"lam": 0.05, "steps": 60}, "classes"),
    "copositive": ({"lam": 0.05}, "classes"),
    "soft_threshold": ({"lam": 0.2}, "orthonormal"),
}


def run(case: str, **change):
    program = case.split()[0]
    values, kind = CASES[case]
    scale = "lambda_max" if "gated" in case or "all" in case else "absolute"
    config = load_plugin("convex", program).Config(
        **({"program": program, "lam_scale": scale} | values | change)
    )
    upstream = {"dataset": dataset(kind)}
    outcome = stage.run(Task("convex", "r", {"convex": config}, 0, upstream))
    record = Record(
        "r", "k", "convex", {"groups": {"convex": config.model_dump()}}, outcome.status,
        outcome.row, series=outcome.series, arrays=outcome.arrays,
    )  # fmt: skip
    return record, upstream


@pytest.mark.parametrize("case", CASES)
def test_a_run_is_certified_scored_and_verifiable(case):
    record, upstream = run(case)
    assert record.status == "ok"
    assert stage.verify(record, upstream) == []
    row = record.row
    if case != "copositive":
        assert row["n_outputs"] == upstream["dataset"].arrays["y_train"].shape[1]
        assert row["objective"] >= row["dual_objective"] * (1 - 1e-12)
        assert row["train_mse"] >= 0
        assert ("train_accuracy" in row) == (upstream["dataset"].row["task"] == "classes")
    assert all(isinstance(v, str | int | float | bool | None) for v in row.values())
    declared = {c.name for c in load_plugin("convex", case.split()[0]).COLUMNS}
    shared = {
        c.name for c in __import__("relu_optima.convex.columns", fromlist=["COLUMNS"]).COLUMNS
    }
    assert set(row) - {"status"} <= declared | shared
    assert {f"course.{n}" for n in ("step",)} <= set(record.series) or case != "frank_wolfe"


@pytest.mark.parametrize("case", CASES)
def test_changed_records_are_found_out(case):
    record, upstream = run(case)
    for name in record.arrays.keys() & {"U", "V", "dual"}:
        arrays = {**record.arrays, name: 1.05 * record.arrays[name]}
        assert stage.verify(replace(record, arrays=arrays), upstream), name
    for name in ("objective", "dual_objective"):
        if name in record.row:
            row = {**record.row, name: 1.01 * record.row[name]}
            assert stage.verify(replace(record, row=row), upstream), name


def test_data_without_a_program_are_a_status():
    upstream = {"dataset": dataset("signals")}
    for program in ("vector_relu", "frank_wolfe", "copositive", "soft_threshold"):
        config = load_plugin("convex", program).Config(program=program, lam_scale="absolute")
        outcome = stage.run(Task("convex", "r", {"convex": config}, 0, upstream))
        assert outcome.status == "infeasible_input"
        assert "X" in str(outcome.row["message"])


@pytest.mark.parametrize("name", ["optimal_set", "pruning", "sensitivity"])
def test_analyses_of_scalar_programs_refuse_other_programs_by_name(name):
    from importlib import import_module

    package = import_module(f"relu_optima.{name}.config")
    config = next(
        v
        for k, v in vars(package).items()
        if k.endswith("Config") and k.lower().startswith(name[:4])
    )
    values = {"method": "magnitude"} if name == "pruning" else {}
    record, upstream = run("vector_relu")
    group = config(**values)
    outcome = import_module(f"relu_optima.{name}.stage").run(
        Task(name, "r", {name: group}, 0, {**upstream, "convex": record})
    )
    assert outcome.status == "refused"
    assert "vector_relu" in str(outcome.row["message"])
