"""Clusters of inputs on which a linear target needs a product that may be missing.

P = r n + 1 small simplices of n + 1 points, placed so that no hyperplane meets more than n of them
(`patterns.clusters`), with targets A x. A network with at most r hidden neurons is affine on some
cluster, so it fits all points only if A is a product of two matrices on its masks; where A is a
limit of such products and no product, the infimum 0 of the loss is not attained (output biases
free). For the pattern ``lu`` of size 2 and the anti-diagonal A these are 15 points.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData
from relu_optima.errors import BudgetError, DataError
from relu_optima.patterns.clusters import separated_clusters


class Config(DatasetConfig):
    """The target and the number of neurons that the clusters outnumber."""

    test_fraction: float = Field(default=0.0, ge=0, le=0, description="All points train.")
    standardise: Literal[False] = Field(default=False, description="Would move the points.")
    bias: Literal[False] = Field(default=False, description="Networks have biases of their own.")
    matrix: list[list[float]] = Field(min_length=1, description="Rows of A.")
    neurons: int = Field(ge=1, le=1000, description="Most hidden neurons, r.")


def load(config: Config) -> RawData:
    """Place the clusters."""
    if len({len(row) for row in config.matrix} | {0}) != 2:
        raise DataError("the rows differ in length or are empty", where="dataset.matrix")
    A = np.asarray(config.matrix, float)
    n = A.shape[1]
    try:
        points = separated_clusters(n, config.neurons * n + 1)
    except BudgetError as error:
        raise DataError(error.problem, where="dataset.matrix, dataset.neurons") from error
    X = points.reshape(-1, n)
    return RawData("clusters", X, X @ A.T, "regression", "A x", extra={"target_matrix": A})
