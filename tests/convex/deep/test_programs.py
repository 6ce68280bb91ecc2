"""Deep programs as runs of the stage: rows, verification, and records that were tampered with."""

from dataclasses import replace

import numpy as np
import pytest

from relu_optima.config.validate import validate_group
from relu_optima.convex import deep_value, stage
from relu_optima.convex.deep import counterexample
from relu_optima.stage import Outcome, Record, Task

from ...training.cases import dataset

CLASSES = {"loader": "whitened_classes", "class_sizes": [5, 3, 1]}
LINEAR = {"loader": "whitened", "n": 4, "d": 5}
ZSHAPE = {"loader": "one_dimensional", "x": [0.0, 2, 6, 7], "y": [0.0, 0, 3, 3], "bias": False}
RANK_ONE = {"loader": "inline", "rows": [[1.0, 2], [2, 4], [0.5, 1]], "targets": [1.0, -2, 3]}


def solve(data: dict, seed: int = 0, **values) -> tuple[Outcome, Record, dict[str, Record]]:
    """Run a program; return its outcome, the record of it, and what it was built on."""
    group = validate_group("convex", values)
    upstream = {"dataset": dataset(**data)}
    outcome = stage.run(Task("convex", "r", {"convex": group}, seed, upstream))
    record = Record(
        "r", "c", "convex", {"groups": {"convex": group.scientific()}}, outcome.status,
        outcome.row, outcome.series, outcome.arrays,
    )  # fmt: skip
    return outcome, record, upstream


CASES = [
    (CLASSES, {"program": "deep", "depth": 2}, "whitened", "optimal"),
    (CLASSES, {"program": "deep", "depth": 4}, "whitened", "upper_bound"),
    (CLASSES, {"program": "deep", "depth": 3, "batch_norm": True}, "batch_norm", "optimal"),
    (CLASSES, {"program": "deep", "depth": 3, "neurons": "linear"}, "linear", "optimal"),
    (LINEAR, {"program": "deep", "depth": 3, "neurons": "linear"}, "linear", "optimal"),
    (RANK_ONE, {"program": "deep", "depth": 5}, "rank_one", "optimal"),
]


@pytest.mark.parametrize(("data", "values", "theorem", "bound"), CASES)
def test_closed_forms_are_recorded_and_verified(data, values, theorem, bound):
    outcome, record, upstream = solve(data, **values)
    assert (outcome.status, outcome.row["theorem"], outcome.row["bound"]) == ("ok", theorem, bound)
    assert stage.verify(record, upstream) == []
    assert (outcome.row["gap"] < 1e-10) == (bound == "optimal")
    last = f"W{values['depth'] - 1}"  # behind a normalisation, below which scale has no effect
    other = {**record.arrays, last: record.arrays[last] * 1.01}
    assert stage.verify(replace(record, arrays=other), upstream)
    for column, value in (
        ("objective", 0.9 * outcome.row["objective"]),
        ("dual_objective", 1.1 * outcome.row["dual_objective"]),
    ):
        assert stage.verify(replace(record, row={**record.row, column: value}), upstream)
    if bound == "upper_bound":
        assert stage.verify(replace(record, row={**record.row, "bound": "optimal"}), upstream)


def test_predicted_collapse_is_in_the_row():
    outcome, _, _ = solve(CLASSES, program="deep", depth=3, lam=0.1)
    seen = deep_value(3, 0.1, class_sizes=[5, 3, 1]).collapse()
    assert outcome.row["predicted_nc3"] == pytest.approx(seen.nc3, rel=1e-12)
    norms = outcome.series["class.predicted_norm"]
    assert norms == pytest.approx([0.746980, 0.805320, 0.929601], abs=5e-7)


@pytest.mark.parametrize("values", [v for _, v, _, _ in CASES[:4]])
def test_at_lambda_max_nothing_is_left(values):
    for share, rank in ((1.001, 0), (0.999, 1)):
        outcome, _, _ = solve(CLASSES, **values, lam=share, lam_scale="lambda_max")
        assert outcome.row["rank"] == rank


def test_search_is_recorded_and_verified(monkeypatch):
    for name, iterations in (("LOOK", 50), ("POLISH", 50), ("FINISH", 300)):
        monkeypatch.setattr(counterexample, name, iterations)
    data = {"loader": "deep_identity", "classes": 3}
    outcome, record, upstream = solve(data, program="deep_search", depth=5, lam=0.01, starts=4)
    assert outcome.row["objective"] <= outcome.row["aligned_objective"]
    assert stage.verify(record, upstream) == []
    for column, value in (
        ("objective", 0.99 * outcome.row["objective"]),
        ("aligned_objective", 1.1 * outcome.row["aligned_objective"]),
        ("beaten", not outcome.row["beaten"]),
        ("dual_objective", 1.1 * outcome.row["dual_objective"]),
    ):
        assert stage.verify(replace(record, row={**record.row, column: value}), upstream), column
    for k in range(5):  # another network than the one that has the value
        forged = {**record.arrays, f"W{k}": 1.001 * record.arrays[f"W{k}"]}
        assert stage.verify(replace(record, arrays=forged), upstream), k


@pytest.mark.parametrize("depth", [2, 3])
def test_splines_are_recorded_and_verified(depth):
    outcome, record, upstream = solve(ZSHAPE, program="deep_spline", depth=depth, lam=0.01)
    assert outcome.row["interpolation_cost"] == pytest.approx(1.5 if depth == 2 else 0.75)
    assert stage.verify(record, upstream) == []
    changes = [
        {"arrays": {**record.arrays, "dual": 1.1 * record.arrays["dual"]}},
        {"arrays": {**record.arrays, "W0": 1.1 * record.arrays["W0"]}},
        {"arrays": {**record.arrays, "decay_W0": 1.1 * record.arrays["decay_W0"]}},
        {"row": {**record.row, "objective": 0.9 * outcome.row["objective"]}},
        {"row": {**record.row, "dual_objective": 1.1 * outcome.row["dual_objective"]}},
    ]
    for change in changes:
        assert stage.verify(replace(record, **change), upstream), change.keys()


@pytest.mark.parametrize(
    ("data", "values", "words"),
    [
        (CLASSES, {"program": "deep_search"}, "deep_identity"),
        (CLASSES, {"program": "deep_spline"}, "bias"),
        ({"loader": "planted_relu", "n": 30}, {"program": "deep"}, "n <= d"),
    ],
)
def test_data_of_no_theorem_are_a_status(data, values, words):
    outcome, record, upstream = solve(data, **values)
    assert outcome.status == "infeasible_input"
    assert words in outcome.row["message"]
    assert stage.verify(record, upstream) == []


def test_runs_are_bit_identical():
    first, second = (solve(CLASSES, program="deep", depth=4)[0] for _ in range(2))
    assert first.row == second.row
    for name, array in first.arrays.items():
        assert np.array_equal(array, second.arrays[name])
