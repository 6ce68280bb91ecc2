"""Subsample, split, standardise and check: the same steps for every data set, all recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData
from relu_optima.errors import DataError


@dataclass(frozen=True)
class Prepared:
    """Data as all later stages receive them.

    Attributes
    ----------
    X_train, X_valid, X_test : array, shape (n, d)
        Features; validation rows are none unless asked for.
    y_train, y_valid, y_test : array, shape (n,) or (n, c)
        Targets.
    rows_train, rows_valid, rows_test : array of int
        Rows of the raw data; no test rows where an official test split was used.
    columns : array of int
        Raw feature columns that are left; constant ones are dropped when standardising.
    target_mean, target_scale : float
        What was subtracted from a scalar target, and then divided by.
    """

    X_train: np.ndarray
    y_train: np.ndarray
    X_valid: np.ndarray
    y_valid: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    rows_train: np.ndarray
    rows_valid: np.ndarray
    rows_test: np.ndarray
    columns: np.ndarray
    target_mean: float = 0.0
    target_scale: float = 1.0


def check(raw: RawData, config: DatasetConfig) -> None:
    """Refuse data that no later stage could use."""
    where = f"dataset.loader={config.loader}"
    if raw.X.ndim != 2 or raw.X.shape[0] < 1 or raw.X.shape[1] < 1:
        raise DataError(
            f"features have shape {raw.X.shape}", where=where, allowed="(n, d), n, d > 0"
        )
    if raw.y.shape[:1] != raw.X.shape[:1] or raw.y.ndim > 2:
        raise DataError(
            f"{raw.X.shape[0]} rows of features, targets of shape {raw.y.shape}", where=where
        )
    for name, array in (("features", raw.X), ("targets", raw.y)):
        bad = ~np.isfinite(array)
        if bad.any():
            row = int(np.argwhere(bad)[0][0])
            raise DataError(
                f"{int(bad.sum())} {name} are NaN or infinite, first in row {row}",
                where=where,
                fix="impute or remove these rows",
            )
    if raw.task == "binary" and len(np.unique(raw.y)) != 2:
        raise DataError(
            f"a binary problem needs two classes, found {np.unique(raw.y).tolist()}", where=where
        )
    if raw.task == "classes":
        _check_indicators(raw.y, where)
    if config.sha256 is not None and raw.digest() != config.sha256:
        raise DataError(
            f"the data have digest {raw.digest()}, not {config.sha256}",
            where="dataset.sha256",
            fix="the source changed: use the pinned library versions, or record the new digest",
        )


def prepare(raw: RawData, config: DatasetConfig) -> Prepared:
    """Subsample, split, drop constant columns, standardise, append the bias column.

    Parameters
    ----------
    raw : RawData
        What the loader returned.
    config : DatasetConfig
        The group's values.

    Returns
    -------
    Prepared
        Training and test data. Without a test fraction rows keep their order; otherwise the
        split shuffles them with ``default_rng(seed)`` and takes the first
        ``floor(n * test_fraction)`` for testing (Mishkin and Pilanci 2023, published code). The
        rows left are shuffled by ``default_rng(validation_seed)`` and the first
        ``floor(n_train * validation_fraction)`` taken away for validation, in the same way.
        Means and standard deviations (population) are those of the training rows.

    Raises
    ------
    DataError
        See `check`; also if no training row or no varying feature is left.
    """
    check(raw, config)
    rows = np.arange(raw.X.shape[0])
    generator = np.random.default_rng(config.seed)
    if config.max_rows is not None and config.max_rows < rows.size:
        rows = np.sort(generator.permutation(rows)[: config.max_rows])
    if raw.X_test is not None and raw.y_test is not None:
        train, test = rows, rows[:0]
        X_test, y_test = raw.X_test, raw.y_test
    elif config.test_fraction == 0:
        train, test = rows, rows[:0]
        X_test, y_test = raw.X[test], raw.y[test]
    else:
        shuffled = generator.permutation(rows)
        count = int(np.floor(rows.size * config.test_fraction))
        test, train = shuffled[:count], shuffled[count:]
        X_test, y_test = raw.X[test], raw.y[test]
    train, valid = _without_validation(train, config)
    X, y = raw.X[train].astype(float), raw.y[train].astype(float)
    X_valid, y_valid = raw.X[valid].astype(float), raw.y[valid].astype(float)
    X_test, y_test = X_test.astype(float), y_test.astype(float)
    if raw.task == "binary" and len(np.unique(y)) < 2:
        raise DataError(
            "only one class is left in the training rows",
            where="dataset.test_fraction, dataset.validation_fraction, dataset.max_rows",
            fix="keep more rows, or change dataset.seed",
        )
    if raw.task == "classes" and not y.any(axis=0).all():
        raise DataError(
            f"class {int(np.argmin(y.any(axis=0)))} has no training row left",
            where="dataset.test_fraction, dataset.validation_fraction, dataset.max_rows",
            fix="keep more rows, or change dataset.seed",
        )
    columns = np.arange(X.shape[1])
    if config.standardise:
        scale = X.std(axis=0)
        # a column whose spread is rounding error carries nothing
        keep = scale > 1e-12 * np.maximum(np.abs(X).max(axis=0), 1e-300)
        columns = np.flatnonzero(keep)
        if not keep.any():
            raise DataError(
                "every feature is constant on the training rows",
                where="dataset.standardise",
                fix="check the file, or set dataset.standardise=false",
            )
        mean = X[:, keep].mean(axis=0)
        X = (X[:, keep] - mean) / scale[keep]
        X_valid, X_test = ((A[:, keep] - mean) / scale[keep] for A in (X_valid, X_test))
    mean_y, scale_y = 0.0, 1.0
    if config.standardise_target:
        if raw.task != "regression" or y.ndim != 1:
            raise DataError(
                f"the targets are those of a {raw.task} problem with shape {y.shape}",
                where="dataset.standardise_target",
                allowed="a regression problem with one target",
            )
        mean_y, scale_y = float(y.mean()), float(y.std())
        if scale_y <= 1e-12 * np.abs(y).max():
            raise DataError(
                "the target is constant on the training rows", where="dataset.standardise_target"
            )
        y, y_valid, y_test = ((t - mean_y) / scale_y for t in (y, y_valid, y_test))
    if config.bias:
        X, X_valid, X_test = (np.hstack([A, np.ones((len(A), 1))]) for A in (X, X_valid, X_test))
    return Prepared(
        X, y, X_valid, y_valid, X_test, y_test, train, valid, test, columns, mean_y, scale_y
    )


def _check_indicators(y: np.ndarray, where: str) -> None:
    """Refuse targets that are not one 1 in each row and at least one in each of two columns."""
    one_hot = y.ndim == 2 and np.isin(y, (0.0, 1.0)).all() and (y.sum(axis=1) == 1.0).all()
    if not one_hot or y.shape[1] < 2 or not y.any(axis=0).all():
        raise DataError(
            f"targets of shape {y.shape} are no indicators of classes",
            where=where,
            allowed="one 1 in each row, two classes or more, each with a row",
        )


def _without_validation(train: np.ndarray, config: DatasetConfig) -> tuple[np.ndarray, np.ndarray]:
    """Rows left for training, and rows for validation; in their order if there are none."""
    if config.validation_fraction == 0:
        return train, train[:0]
    shuffled = np.random.default_rng(config.validation_seed).permutation(train)
    count = int(np.floor(train.size * config.validation_fraction))
    return shuffled[count:], shuffled[:count]
