"""The stage: conventions of lam, sources of gates, scores, and re-checking of stored runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relu_optima.convex import stage
from relu_optima.convex.programs.listed import Config as ConvexConfig
from relu_optima.convex.programs.listed import GatesConfig
from relu_optima.convex.scaling import canonical_lambda, data_norm
from relu_optima.errors import SolveInputError
from relu_optima.stage import Record, Task


def dataset(binary: bool = True, outputs: int = 1, rows: int = 30) -> Record:
    rng = np.random.default_rng(0)
    X = np.hstack([rng.standard_normal((40, 3)), np.ones((40, 1))])
    y = np.maximum(X @ rng.standard_normal(4), 0) - 0.5
    y = np.sign(y) if binary else y
    if outputs > 1:
        y = np.column_stack([y] * outputs)
    return Record(
        "a",
        "b",
        "dataset",
        {},
        "ok",
        {"task": "binary" if binary else "regression"},
        arrays={"X_train": X[:rows], "y_train": y[:rows], "X_test": X[30:], "y_test": y[30:]},
    )


def run(config: ConvexConfig, *, seed: int = 0, **upstream: Record):
    upstream.setdefault("dataset", dataset())
    return stage.run(Task("convex", "r", {"convex": config}, seed, upstream)), upstream


def stored(outcome) -> Record:
    config = {"groups": {"convex": {"program": "listed"}}}
    return Record("r", "k", "convex", config, outcome.status, outcome.row, arrays=outcome.arrays)


@pytest.mark.parametrize("formulation", ["relu", "gated"])
@pytest.mark.parametrize("binary", [True, False])
def test_a_run_is_certified_scored_and_verifiable(formulation, binary):
    config = ConvexConfig(formulation=formulation)
    outcome, upstream = run(config, dataset=dataset(binary))
    row = outcome.row
    assert outcome.status == "ok"
    assert row["gap"] <= config.tol
    assert row["lam"] == pytest.approx(0.05 * row["lam_max"])
    assert row["lam_fraction"] == pytest.approx(0.05)
    assert row["network_objective"] == pytest.approx(row["objective"], rel=1e-6)
    assert ("test_accuracy" in row) is binary
    assert stage.verify(stored(outcome), upstream) == []
    d, count = outcome.arrays["gates"].shape
    assert outcome.arrays["v"].shape == outcome.arrays["w"].shape == (count, d)
    assert outcome.arrays["dual"].shape == (30,)
    assert outcome.arrays["W1"].shape == (row["n_neurons"], d)
    assert all(isinstance(v, str | int | float | bool | None) for v in row.values())


def test_tampered_records_are_found_out():
    outcome, upstream = run(ConvexConfig())
    record = stored(outcome)
    for name in ("v", "w", "W1", "dual"):
        bad = replace(record, arrays={**record.arrays, name: 0.9 * record.arrays[name]})
        assert stage.verify(bad, upstream), name
    row = {**record.row, "objective": 0.5 * record.row["objective"]}
    assert stage.verify(replace(record, row=row), upstream)


def test_a_record_whose_multipliers_prove_nothing_is_found_out():
    outcome, upstream = run(ConvexConfig(formulation="relu"))
    record = stored(outcome)
    assert stage.verify(record, upstream) == []
    for change in (0.0, 1.5):
        arrays = {**record.arrays, "evidence_rho": change * record.arrays["evidence_rho"]}
        found = stage.verify(replace(record, arrays=arrays), upstream)
        assert any("multipliers" in text for text in found)


def test_conventions_of_lam_agree():
    base, _ = run(ConvexConfig())
    lam = base.row["lam"]
    absolute, _ = run(ConvexConfig(lam=lam, lam_scale="absolute"))
    per_sample, _ = run(ConvexConfig(lam=lam / 30, lam_scale="per_sample"))
    for other in (absolute, per_sample):
        assert other.row["objective"] == pytest.approx(base.row["objective"], rel=1e-6)
    with pytest.raises(SolveInputError):
        canonical_lambda(0.1, "lambda_max", n=3, lam_max=0.0, data_norm=1.0)
    with pytest.raises(SolveInputError):
        canonical_lambda(0.1, "data_norm", n=3, lam_max=1.0, data_norm=0.0)
    with pytest.raises(SolveInputError):
        canonical_lambda(0.1, "relative", n=3, lam_max=1.0, data_norm=1.0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_data_norm_is_one_strength_for_all_programs_and_bounds_lambda_max(seed):
    rows = []
    for formulation in ("gated", "relu"):
        for count in (4, 16):
            gates = GatesConfig(count=count, nested=True)
            config = ConvexConfig(
                formulation=formulation, gates=gates, lam=0.05, lam_scale="data_norm"
            )
            rows.append(run(config, seed=seed)[0].row)
    data = dataset().arrays
    whole = data_norm(data["X_train"], data["y_train"])
    assert {row["lam"] for row in rows} == {0.05 * whole}
    assert len({row["lam_max"] for row in rows}) > 1
    assert max(row["lam_max"] for row in rows) <= whole
    few_gated, many_gated, few_relu, many_relu = rows
    assert many_gated["dual_objective"] <= few_gated["objective"]
    assert many_relu["dual_objective"] <= few_relu["objective"]
    assert few_gated["dual_objective"] <= few_relu["objective"]
    assert many_gated["dual_objective"] <= many_relu["objective"]


def test_the_seed_draws_the_gates():
    gates = [run(ConvexConfig(), seed=s)[0].arrays["gates"] for s in (1, 1, 2)]
    np.testing.assert_array_equal(gates[0], gates[1])
    assert gates[0].shape != gates[2].shape or (gates[0] != gates[2]).any()


def test_symmetrised_and_enumerated_gates_lower_the_value():
    few = GatesConfig(count=6)
    values = [
        run(ConvexConfig(lam=0.5, lam_scale="absolute", gates=g), dataset=dataset(rows=8))[0].row[
            "objective"
        ]
        for g in (
            few,
            few.model_copy(update={"symmetrize": True}),
            GatesConfig(source="enumerate"),
        )
    ]
    assert values[0] >= values[1] * (1 - 1e-6)
    assert values[1] >= values[2] * (1 - 1e-6)


def test_gates_of_a_training_run():
    rng = np.random.default_rng(1)
    W1 = rng.standard_normal((7, 4))
    training = Record("t", "k", "training", {}, "ok", {}, arrays={"W0": W1, "b0": np.ones(7)})
    config = ConvexConfig(gates=GatesConfig(source="training"))
    outcome, _ = run(config, training=training)
    X = dataset().arrays["X_train"]
    patterns = {tuple(p) for p in (X @ W1.T + 1 > 0).T if p.any()}
    assert {tuple(p) for p in (X @ outcome.arrays["gates"] > 0).T} == patterns
    with pytest.raises(SolveInputError, match="on:"):
        run(config)
    wrong = replace(training, arrays={"W0": W1[:, :2]})
    assert run(config, training=wrong)[0].status == "infeasible_input"
    gone = replace(training, arrays={}, status="diverged")
    assert run(config, training=gone)[0].status == "infeasible_input"


def test_data_without_a_program_are_a_status():
    outcome, upstream = run(ConvexConfig(), dataset=dataset(outputs=2))
    assert outcome.status == "infeasible_input"
    assert "y" in str(outcome.row["message"])
    assert stage.verify(stored(outcome), upstream) == []
