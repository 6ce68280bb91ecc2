"""Records of the upstream stages, built by hand to the contract of the pipeline."""

from __future__ import annotations

import numpy as np

from relu_optima.stage import Record, Task
from tests.optimal_set.programs import Solved


def upstream(solved: Solved, X: np.ndarray, y: np.ndarray, task: str = "regression"):
    rng = np.random.default_rng(9)
    X_test = rng.standard_normal((11, X.shape[1]))
    y_test = rng.choice([-1.0, 1.0], 11)
    dataset = Record(
        run_id="d" * 12,
        code_key="k",
        stage="dataset",
        config={},
        status="ok",
        row={"name": "toy", "task": task, "n_train": len(X), "n_test": 11, "d": X.shape[1]},
        arrays={"X_train": X, "y_train": y, "X_test": X_test, "y_test": y_test},
    )
    convex = Record(
        run_id="c" * 12,
        code_key="k",
        stage="convex",
        config={},
        status="optimal",
        row={
            "formulation": solved.formulation,
            "lam": solved.lam,
            "objective": solved.objective,
            "gap": 1e-8,
        },
        arrays={"gates": solved.gates, "v": solved.v, "w": solved.w},
    )
    return {"dataset": dataset, "convex": convex}


def task(stage: str, config, records, seed: int = 0) -> Task:
    return Task(stage=stage, run_id="r" * 12, groups={stage: config}, seed=seed, upstream=records)


def stored(stage: str, outcome) -> Record:
    return Record(
        run_id="r" * 12,
        code_key="k",
        stage=stage,
        config={},
        status=outcome.status,
        row=outcome.row,
        series=outcome.series,
        arrays=outcome.arrays,
        documents=outcome.documents,
    )


def kind_of(series: str) -> str:
    """What the lines of a series are: the part of its name before the dot."""
    return series.rpartition(".")[0]


def assert_contract(outcome) -> None:
    """Rows hold scalars, series of one kind have one length, documents are JSON."""
    import json
    from itertools import groupby

    assert all(isinstance(v, str | int | float | bool | None) for v in outcome.row.values())
    assert not any(type(v).__module__ == "numpy" for v in outcome.row.values())
    kinds = sorted(outcome.series, key=kind_of)
    for _, names in groupby(kinds, key=kind_of):
        assert len({outcome.series[name].shape for name in names}) == 1
    assert all(v.ndim == 1 for v in outcome.series.values())
    json.dumps(outcome.documents, allow_nan=False)
