r"""A data set on which the missing limit of the product set itself is the obstruction.

Let A be a limit of members of L and no member, refuted on a window with n inputs. Take
P = r n + 1 small simplices of n + 1 inputs each (other inputs zero) around points of the moment
curve that no hyperplane meets more than n of (`patterns.clusters`), r the number of hidden neurons
that see the window, and targets Y = A X.

*Not attained.* r hyperplanes meet at most r n < P hulls. On a hull that is
not met the network is affine with slope W2 D W1, D a 0/1 diagonal that W2 absorbs; the n + 1
points fix the slope, so the window of A would be in the window of L, which is refuted.
*Infimum zero.* Linear networks W2 W1 x with W2 W1 -> A are ReLU networks on a bounded set, with
large hidden biases and the constants W2 b removed by output biases (which must be free).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relu_optima.errors import DegenerateError
from relu_optima.existence.proof import laurent
from relu_optima.patterns.clusters import separated_clusters


def cluster_dataset(
    masks: list[np.ndarray], product: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Build the clusters and their targets.

    Parameters
    ----------
    masks : list of array of uint8
        The two layers, first layer first.
    product : dict
        Answer and proof for the product set.

    Returns
    -------
    (array, shape (N, n_in); array, shape (N, n_out))
        Inputs and targets, N = (r n + 1)(n + 1).

    Raises
    ------
    DegenerateError
        If the product set is not ``not_closed`` or there is more than one hidden layer.
    BudgetError
        If float64 cannot hold the clusters, which a window with many columns needs.
    """
    if product["answer"] != "not_closed" or len(masks) != 2:
        raise DegenerateError(
            f"the product set is {product['answer']!r} and has {len(masks)} layers",
            where="cluster_dataset",
            allowed="one hidden layer whose product set is not closed",
        )
    columns = sorted(product["proof"]["refutation"]["columns"])
    live = masks[1].any(axis=0) & masks[0][:, columns].any(axis=1)
    points = separated_clusters(len(columns), int(live.sum()) * len(columns) + 1)
    limit = np.zeros((masks[1].shape[0], masks[0].shape[1]))
    for (i, j), entry in laurent.from_json(product["proof"]["limit"]).items():
        limit[i, j] = float(entry[0])
    X = np.zeros((points.shape[0] * points.shape[1], masks[0].shape[1]))
    X[:, columns] = points.reshape(-1, len(columns))
    return X, X @ limit.T
