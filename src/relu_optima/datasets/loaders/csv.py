"""A user's own table: one CSV file with a header, every row an example."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from relu_optima.config.base import operational
from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData
from relu_optima.errors import DataError
from relu_optima.files import open_table

if TYPE_CHECKING:
    import pandas as pd


class Config(DatasetConfig):
    """Where the table lies and which column is the target."""

    path: str = operational(..., min_length=1, description="The file; its content is hashed.")
    target: str = Field(min_length=1, description="Name of the target column.")
    task: Literal["binary", "regression", "auto"] = Field(
        default="auto", description="auto: binary if the target has exactly two values."
    )
    positive: str | None = Field(
        default=None, description="Value coded +1; None for the larger (last in sorting order)."
    )
    ignore: list[str] = Field(default=[], description="Columns that are no features.")
    delimiter: str = Field(default=",", min_length=1, max_length=1, description="Separator.")


def source_files(config: Config) -> list[Path]:
    """Name the file, whose content belongs to the identity of the data set."""
    return [Path(config.path)]


def load(config: Config) -> RawData:
    """Read the table."""
    return read(config)[0]


def read(config: Config) -> tuple[RawData, list[str]]:
    """Read the table and the names of its features."""
    frame = _read(config)
    wrong = [c for c in (config.target, *config.ignore) if c not in frame.columns]
    if wrong:
        raise DataError(
            f"{config.path} has no column {wrong[0]!r}",
            where="dataset.target" if wrong[0] == config.target else "dataset.ignore",
            allowed=", ".join(map(str, frame.columns)),
        )
    target = frame[config.target]
    features = frame.drop(columns=[config.target, *config.ignore])
    X = np.empty(features.shape)
    for j, column in enumerate(features.columns):
        X[:, j] = _numbers(features[column], str(column), config.path)
    names = [str(c) for c in features.columns]
    name = Path(config.path).stem
    values = sorted({v.strip() for v in target}, key=_order)
    if config.task == "binary" or (config.task == "auto" and len(values) == 2):
        if len(values) != 2:
            raise DataError(
                f"the target takes {len(values)} values, a binary problem needs two",
                where="dataset.task",
                fix="set dataset.task=regression, or keep the rows of two classes",
            )
        positive = values[1] if config.positive is None else config.positive
        if positive not in values:
            raise DataError(
                f"{positive!r} is no value of the target",
                where="dataset.positive",
                allowed=", ".join(values),
            )
        negative = values[1 - values.index(positive)]
        y = np.where(target.str.strip() == positive, 1.0, -1.0)
        return RawData(name, X, y, "binary", f"-1 = {negative}, +1 = {positive}"), names
    if config.positive is not None:
        raise DataError(
            "a regression problem has no positive value",
            where="dataset.positive",
            fix="leave it out, or set dataset.task=binary",
        )
    y = _numbers(target, config.target, config.path)
    return RawData(name, X, y, "regression", f"column {config.target}"), names


def _read(config: Config) -> pd.DataFrame:
    import pandas as pd

    try:
        # an open file: pandas would take a name for an address, or unpack what ends in .gz;
        # everything as text: what is no number must be named, not guessed at
        with open_table(Path(config.path)) as stream:
            frame = pd.read_csv(
                stream, sep=config.delimiter, dtype=str, keep_default_na=False, na_filter=False
            )
    except OSError as error:
        raise DataError(
            f"{config.path} cannot be read: {error.strerror}", where="dataset.path"
        ) from error
    except (ValueError, LookupError, OverflowError) as error:
        raise DataError(
            f"{config.path} is no table with a header: {' '.join(str(error).split())}",
            where="dataset.path",
            allowed="UTF-8 text, one header line, the same number of fields in every line",
        ) from error
    if isinstance(frame.index, pd.MultiIndex) or not frame.index.equals(pd.RangeIndex(len(frame))):
        raise DataError(
            f"{config.path} has lines with more fields than the header", where="dataset.path"
        )
    if len(frame) == 0 or frame.shape[1] < 2:
        raise DataError(
            f"{config.path} has {len(frame)} rows and {frame.shape[1]} columns",
            where="dataset.path",
            allowed="at least one row, one feature and the target",
            fix="check dataset.delimiter",
        )
    return frame


def _numbers(column: pd.Series, name: str, path: str) -> np.ndarray:
    import pandas as pd

    values = pd.to_numeric(column.str.strip(), errors="coerce").to_numpy(float)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise DataError(
            f"column {name!r} of {path} has {bad.size} entries that are no finite number, first "
            f"{column.iloc[bad[0]]!r} in data row {bad[0] + 1}",
            where="dataset.path",
            fix="remove or impute these rows, code the categories as numbers, or name the column "
            "in dataset.ignore",
        )
    return values


def _order(value: str) -> tuple[int, float, str]:
    try:
        return 0, float(value), ""
    except ValueError:
        return 1, 0.0, value
