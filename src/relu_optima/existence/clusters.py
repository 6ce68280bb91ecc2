r"""A data set on which the missing limit of the product set itself is the obstruction.

Let A be a limit of members of L and no member, refuted on a window with n inputs. Take
P = r n + 1 small simplices of n + 1 inputs each (other inputs zero) around points of the moment
curve, r the number of hidden neurons that see the window, and targets Y = A X.

*Not attained.* If for any n + 1 clusters det(1, x) keeps one strict sign over all choices of
vertices, no hyperplane meets n + 1 of their hulls (the determinant is affine in each point, so it
keeps the sign over the hulls). Then r hyperplanes meet at most r n < P hulls. On a hull that is
not met the network is affine with slope W2 D W1, D a 0/1 diagonal that W2 absorbs; the n + 1
points fix the slope, so the window of A would be in the window of L, which is refuted.
*Infimum zero.* Linear networks W2 W1 x with W2 W1 -> A are ReLU networks on a bounded set, with
large hidden biases and the constants W2 b removed by output biases (which must be free).
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np

from relu_optima.errors import BudgetError, DegenerateError
from relu_optima.existence.proof import laurent

MAX_DETERMINANTS = 300_000


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
        If the separation of the clusters cannot be checked within the budget.
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


def separated_clusters(n: int, count: int) -> np.ndarray:
    """Place simplices such that no hyperplane meets n + 1 of them.

    Parameters
    ----------
    n : int
        Dimension.
    count : int
        Number P of clusters.

    Returns
    -------
    array, shape (P, n + 1, n)
        Vertices, exact in float64 (dyadic rationals); coordinates are at most about 1.

    Raises
    ------
    BudgetError
        If the check would take too many determinants.
    """
    # moment curve (s, s^2, ..., s^n) at integers around 0, each coordinate scaled by a power of 2
    middle = count // 2
    steps = [p - middle for p in range(count)]
    top = max(abs(s) for s in steps) or 1
    base = [[Fraction(s) ** (j + 1) for j in range(n)] for s in steps]
    if n == 2:
        # x2 - x1 = d, x3 - x2 = e >= 1: the determinant of the centres is d e (d + e) >= d + e,
        # vertices change it by at most h (4 T + 2)(d + e) + 2 h^2 < d + e for this h
        h = Fraction(1, 2 ** math.ceil(math.log2(4 * top + 4)))
    else:
        h = Fraction(1, 4)
        total = math.comb(count, n + 1) * (n + 1) ** (n + 1)
        if total > MAX_DETERMINANTS:
            raise BudgetError(
                f"{count} clusters in dimension {n} need {total} determinants",
                allowed=f"{MAX_DETERMINANTS}",
                fix="use counterexample_dataset(), which is small for every pattern",
            )
        while not clusters_are_separated([_simplex(c, h) for c in base]):
            h /= 2
    scale = [Fraction(1, 2 ** math.ceil(math.log2(max(top, 2)) * (j + 1))) for j in range(n)]
    return np.array(
        [
            [
                [float(x * s) for x, s in zip(vertex, scale, strict=True)]
                for vertex in _simplex(c, h)
            ]
            for c in base
        ]
    )


def _simplex(centre: list[Fraction], h: Fraction) -> list[list[Fraction]]:
    return [
        centre,
        *([x + (h if j == q else 0) for j, x in enumerate(centre)] for q in range(len(centre))),
    ]


def clusters_are_separated(clusters: list[list[list[Fraction]]]) -> bool:
    """Check the sign condition by enumeration in exact arithmetic.

    Parameters
    ----------
    clusters : list of list of list of Fraction
        Vertices of each cluster.

    Returns
    -------
    bool
        True if det(1, x) keeps one strict sign for every n + 1 clusters.
    """
    n = len(clusters[0][0])
    for chosen in itertools.combinations(clusters, n + 1):
        signs = {
            (d > 0) - (d < 0)
            for vertices in itertools.product(*chosen)
            for d in [determinant([[Fraction(1), *v] for v in vertices])]
        }
        if len(signs) != 1 or 0 in signs:
            return False
    return True


def determinant(matrix: list[list[Fraction]]) -> Fraction:
    """Compute an exact determinant by elimination.

    Parameters
    ----------
    matrix : list of list of Fraction
        Square matrix.

    Returns
    -------
    Fraction
        Its determinant.
    """
    rows = [list(row) for row in matrix]
    out = Fraction(1)
    for q in range(len(rows)):
        pivot = next((p for p in range(q, len(rows)) if rows[p][q]), None)
        if pivot is None:
            return Fraction(0)
        if pivot != q:
            rows[q], rows[pivot] = rows[pivot], rows[q]
            out = -out
        out *= rows[q][q]
        for p in range(q + 1, len(rows)):
            factor = rows[p][q] / rows[q][q]
            rows[p] = [x - factor * y for x, y in zip(rows[p], rows[q], strict=True)]
    return out
