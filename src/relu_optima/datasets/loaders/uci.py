"""UCI sets in the version of Fernandez-Delgado et al. (JMLR 2014), as the paper's code reads them.

Two-file sets use the first file only, features are taken as they are in the file, classes 0 and 1
become -1 and +1: what the published ``load_uci_dataset`` does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from relu_optima.datasets.files import ExternalConfig, check_digest, data_folders, obtain
from relu_optima.datasets.raw import RawData
from relu_optima.datasets.sources import UCI, UCI_URL, Remote
from relu_optima.errors import DataError


class Config(ExternalConfig):
    """Which set; features are used as they are in the file unless told otherwise."""

    name: Literal[
        "blood",
        "breast-cancer",
        "fertility",
        "heart-hungarian",
        "hepatitis",
        "hill-valley",
        "horse-colic",
        "ilpd-indian-liver",
        "ionosphere",
        "mammographic",
        "monks-1",
        "parkinsons",
        "pima",
        "planning",
        "spectf",
        "statlog-heart",
        "tic-tac-toe",
    ] = Field(description="Name of the set in the collection.")
    standardise: bool = Field(default=False, description="Centre and scale once more.")
    test_fraction: float = Field(default=0.5, ge=0, lt=1, description="Share kept for testing.")


def load(config: Config) -> RawData:
    """Read ``uci/<name>.csv`` of the data folder, or the original file, downloaded if need be."""
    source = UCI[config.name]
    for folder in data_folders(config):
        path = folder / "uci" / f"{config.name}.csv"
        if path.is_file():
            check_digest(path, f"sha256:{source.csv_sha256}")
            table = _numbers(path, delimiter=",", drop_first=False)
            break
    else:
        remote = Remote(UCI_URL + source.path, f"sha256:{source.dat_sha256}")
        path = obtain(config, f"uci/{Path(source.path).name}", remote)
        table = _numbers(path, delimiter=None, drop_first=True)
        table[:, -1] = 2 * table[:, -1] - 1
    labels = table[:, -1]
    if not np.isin(labels, (-1.0, 1.0)).all():
        raise DataError(f"{path.name} has labels other than two classes", where="dataset.name")
    name = f"{config.name.replace('-', '_')}_uci"
    return RawData(name, table[:, :-1], labels, "binary", "-1 = class 0, +1 = class 1")


def _numbers(path: Path, *, delimiter: str | None, drop_first: bool) -> np.ndarray:
    try:
        table = np.loadtxt(path, delimiter=delimiter, skiprows=1, ndmin=2)
    except ValueError as error:
        raise DataError(f"{path.name} is no table of numbers: {error}", where="dataset") from error
    return table[:, 1:] if drop_first else table
