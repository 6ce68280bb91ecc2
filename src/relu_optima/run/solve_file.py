"""Solve one convex program on a user's CSV file: `relu-optima solve`."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from relu_optima.config.validate import validate_group
from relu_optima.convex.programs import listed
from relu_optima.datasets.loaders import csv
from relu_optima.errors import DataError
from relu_optima.files import write_atomically
from relu_optima.stage import Record, Scalar, Task

# What is printed, of all that the stage says.
SHOWN = (
    "status", "objective", "dual_objective", "gap", "kkt_residual", "violation", "lam", "lam_max",
    "lam_fraction", "n_neurons", "train_mse", "test_mse", "train_accuracy", "test_accuracy",
)  # fmt: skip


def solve_file(
    data: Path,
    out: Path,
    *,
    dataset: Mapping[str, Any],
    convex: Mapping[str, Any],
    seed: int = 0,
) -> dict[str, Scalar]:
    """Read a CSV file, prepare it, solve, write the network and its certificate."""
    from relu_optima.convex import stage
    from relu_optima.datasets.stage import describe

    source = validate_group("dataset", {**dataset, "loader": "csv", "path": str(data)})
    program = validate_group("convex", convex)
    assert isinstance(source, csv.Config)
    assert isinstance(program, listed.Config)
    raw, names = csv.read(source)
    prepared = describe(raw, source)
    record = Record("", "", "dataset", {}, "ok", dict(prepared.row), arrays=dict(prepared.arrays))
    found = stage.run(Task("convex", "", {"convex": program}, seed, {"dataset": record}))
    if found.status == "infeasible_input":
        raise DataError(str(found.row["message"]), where=str(data))
    drawn = f" of {program.gates.count} sampled" if program.gates.source == "sample" else ""
    task = f"{raw.task} ({raw.label_coding})"
    sizes = {k: prepared.row[k] for k in ("n_train", "n_test", "d")}
    row: dict[str, Scalar] = {k: found.row[k] for k in SHOWN if k in found.row}
    row |= {"activation_patterns": f"{found.row['n_gates']} distinct{drawn}", **sizes, "task": task}
    arrays = dict(found.arrays)
    if program.formulation == "gated":
        del arrays["W1"], arrays["w2"]  # a gated model is its blocks and gates
    used, columns = raw.X[prepared.arrays["rows_train"]], prepared.arrays["columns"]
    kept = used[:, columns].astype(float)
    one = np.ones(columns.size)
    arrays |= {
        "columns": np.array(names)[columns],
        "mean": kept.mean(axis=0) if source.standardise else 0 * one,
        "scale": kept.std(axis=0) if source.standardise else one,
        "target_mean": np.array(prepared.row["target_mean"]),
        "target_scale": np.array(prepared.row["target_scale"]),
        "rows_train": prepared.arrays["rows_train"],
        "rows_test": prepared.arrays["rows_test"],
    }
    arrays |= {k: np.array(v) for k, v in row.items() if v is not None}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    try:
        write_atomically(out, buffer.getvalue())
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", where=str(out)) from None
    return row
