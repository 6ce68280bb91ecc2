"""A data set on which the missing limit of the product set itself is the obstruction.

Targets A x on clusters of inputs, A a limit of products that is none: the proof, and how many
clusters it takes, are in `existence.proof.finite` (for one hidden layer r n + 1 clusters of n + 1
points, r neurons and n inputs in the window on which A is refuted).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relu_optima.errors import BudgetError, DegenerateError
from relu_optima.existence.finite_data import clusters_needed
from relu_optima.existence.proof import laurent
from relu_optima.patterns.clusters import separated_clusters

MAX_CLUSTERS = 100_000


def cluster_dataset(
    masks: list[np.ndarray], product: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Build the clusters and their targets."""
    if product["answer"] != "not_closed" or "refutation" not in product["proof"]:
        raise DegenerateError(
            f"the product set is {product['answer']!r}",
            where="cluster_dataset",
            allowed="patterns whose product set is proved not closed",
        )
    columns = sorted(product["proof"]["refutation"]["columns"])
    count = clusters_needed(masks, columns)
    if count > MAX_CLUSTERS:
        raise BudgetError(f"{count} clusters are needed", allowed=f"{MAX_CLUSTERS}")
    points = separated_clusters(len(columns), count)
    limit = np.zeros((masks[-1].shape[0], masks[0].shape[1]))
    for (i, j), entry in laurent.from_json(product["proof"]["limit"]).items():
        limit[i, j] = float(entry[0])
    X = np.zeros((points.shape[0] * points.shape[1], masks[0].shape[1]))
    X[:, columns] = points.reshape(-1, len(columns))
    return X, X @ limit.T
