"""Stage ``dataset``: load, prepare and record one data set."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from relu_optima.config.plugins import load_plugin
from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.preparation import prepare
from relu_optima.datasets.raw import RawData, array_digest
from relu_optima.stage import Outcome, Record, Task


def run(task: Task) -> Outcome:
    """Load and prepare the data set that the group ``dataset`` names."""
    config = task.groups["dataset"]
    assert isinstance(config, DatasetConfig)
    return describe(load_plugin("dataset", config.loader).load(config), config)


def describe(raw: RawData, config: DatasetConfig) -> Outcome:
    """Prepare loaded data and describe them."""
    data = prepare(raw, config)
    labels = data.y_train
    return Outcome(
        row={
            "name": raw.name,
            "task": raw.task,
            "n_train": data.X_train.shape[0],
            "n_valid": data.X_valid.shape[0],
            "n_test": data.X_test.shape[0],
            "d": data.X_train.shape[1],
            "outputs": 1 if labels.ndim == 1 else labels.shape[1],
            "positive_fraction": float((labels > 0).mean()) if raw.task == "binary" else None,
            "label_coding": raw.label_coding,
            "standardised": config.standardise and config.whiten == "none",
            "whitened": config.whiten != "none",
            "target_mean": data.target_mean,
            "target_scale": data.target_scale,
            "constant_columns_dropped": raw.X.shape[1] - data.columns.size,
            "digest_raw": raw.digest(),
            "digest_train": array_digest(data.X_train, labels),
            "digest_valid": array_digest(data.X_valid, data.y_valid),
            "digest_test": array_digest(data.X_test, data.y_test),
        },
        arrays={
            "X_train": data.X_train,
            "y_train": labels,
            "X_valid": data.X_valid,
            "y_valid": data.y_valid,
            "X_test": data.X_test,
            "y_test": data.y_test,
            "rows_train": data.rows_train,
            "rows_valid": data.rows_valid,
            "rows_test": data.rows_test,
            "columns": data.columns,
            **raw.extra,
        },
    )


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored data set."""
    arrays = record.arrays
    wrong = []
    for part in ("train", "valid", "test"):
        found = array_digest(arrays[f"X_{part}"], arrays[f"y_{part}"])
        if found != record.row[f"digest_{part}"]:
            wrong.append(f"digest_{part} does not match the arrays")
        if not np.isfinite(arrays[f"X_{part}"]).all():
            wrong.append(f"X_{part} has NaN or infinite entries")
    rows = np.concatenate([arrays[f"rows_{part}"] for part in ("train", "valid", "test")])
    if np.unique(rows).size != rows.size:
        wrong.append("training, validation and test rows overlap")
    if record.row["standardised"] and arrays["X_train"].shape[0] > 1:
        bias = record.config["groups"]["dataset"]["bias"]
        X = arrays["X_train"][:, :-1] if bias else arrays["X_train"]
        if not np.allclose(X.mean(axis=0), 0, atol=1e-8) or not np.allclose(X.std(axis=0), 1):
            wrong.append("the training features are not standardised")
    if record.row.get("whitened"):
        bias = record.config["groups"]["dataset"]["bias"]
        X = arrays["X_train"][:, :-1] if bias else arrays["X_train"]
        if np.abs(X @ X.T - np.eye(len(X))).max() > 1e-8:
            wrong.append("the training rows are not orthonormal")
    return wrong
