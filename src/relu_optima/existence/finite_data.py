"""Decide the finite-data question (Theorem F, proof in `existence.proof.finite`)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.errors import DegenerateError, SolveInputError
from relu_optima.existence.deep import is_forest
from relu_optima.existence.proof.document import Biases
from relu_optima.existence.proof.linear import (
    column_sizes,
    first_in_columns,
    row_entries,
    row_sizes,
)
from relu_optima.patterns.sparse import dense

if TYPE_CHECKING:
    from relu_optima.patterns.sparse import Mask

DEEP = "several hidden layers: no rule unless the product set is not closed or neurons form trees"


def decide_finite(
    masks: Sequence[Mask], product: dict[str, Any], biases: Biases | None = None
) -> dict[str, Any]:
    """Say whether every finite data set has an optimum.

    Exact for one hidden layer, at O(r m) cost. For deeper chains the answer is ``not_always``
    where the product set is not closed (enough clusters of inputs leave one on which the network
    is affine; needs free output biases), ``always`` where the neurons form trees, else ``unknown``.
    """
    if len(masks) == 1:
        return {"answer": "always", "proof": {"rule": "no hidden layer"}}
    if len(masks) > 2:
        if product["answer"] == "not_closed":
            columns = sorted(product["proof"]["refutation"]["columns"])
            needed = clusters_needed(dense(masks), columns)
            proof = {"rule": "clusters", "columns": columns, "clusters": needed}
            return {"answer": "not_always", "proof": proof}
        if is_forest(masks):
            return {"answer": "always", "proof": {"rule": "trees"}}
        return {"answer": "unknown", "proof": {"reason": DEEP}}
    live = _counted(masks, biases)
    feeds = masks[1][:, live]  # outputs by neurons that count
    several, shared = column_sizes(feeds) >= 2, row_sizes(feeds) >= 2
    ones = ((int(i), row_entries(feeds, int(i))) for i in np.flatnonzero(shared))
    clash = next(((i, fed) for i, fed in ones if several[fed].any()), None)
    if clash is None:
        if biases is not None:
            return _without_clash(dense(masks), biases)
        return {"answer": "always", "proof": {"rule": "Theorem F"}}
    row, fed = clash
    first = int(fed[several[fed].argmax()])
    second = next(int(q) for q in fed if q != first)
    outputs = first_in_columns(feeds)
    of_first = row_entries(feeds[:, [first]].T, 0)
    rest = [q for q in range(len(live)) if q not in (first, second)]
    return {
        "answer": "not_always",
        "proof": {
            "rule": "Theorem F",
            "neurons": [int(live[first]), int(live[second])],
            "row_shared": row,
            "row_other": next(int(i) for i in of_first if i != row),
            "row_of": [[int(live[q]), int(outputs[q])] for q in rest],
        },
    }


def _counted(masks: Sequence[Mask], biases: Biases | None) -> np.ndarray:
    """List the neurons that Theorem F counts."""
    if biases is not None:
        return np.flatnonzero(_kinds(dense(masks), biases)[0])
    return np.flatnonzero((row_sizes(masks[0]) > 0) & (column_sizes(masks[1]) > 0))


def _kinds(masks: list[np.ndarray], biases: Biases) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tell movable neurons, fixed neurons and the outputs that reach every constant."""
    lower, upper = masks
    movable = np.zeros(len(lower), bool)
    fixed = np.zeros(len(lower), bool)
    constant = biases.output.copy()
    for k in range(len(lower)):
        seen, fed = int(lower[k].sum()), upper[:, k] > 0
        if seen == 0 and biases.hidden[k]:
            constant |= fed
        elif seen and fed.any():
            kinds = fixed if seen == 1 and not biases.hidden[k] else movable
            kinds[k] = True
    return movable, fixed, constant


def _without_clash(masks: list[np.ndarray], biases: Biases) -> dict[str, Any]:
    """Decide where no two movable neurons share an output that one of them does not feed alone."""
    movable, fixed, constant = _kinds(masks, biases)
    lower, upper = (mask.astype(bool) for mask in masks)
    undecided = False
    for k in np.flatnonzero(movable & (upper.sum(axis=0) >= 2)):
        rows = np.flatnonzero(upper[:, k])
        wanted = 1 if biases.hidden[k] else 2
        for with_constant, other in itertools.product(rows[constant[rows]], rows[~constant[rows]]):
            feeding = fixed & (upper[with_constant] | upper[other])
            columns = np.flatnonzero(lower[k] & ~lower[feeding].any(axis=0))[:wanted]
            if len(columns) == wanted:
                proof = {
                    "rule": "output biases",
                    "neuron": int(k),
                    "constant": int(with_constant),
                    "other": int(other),
                    "columns": columns.tolist(),
                }
                return {"answer": "not_always", "proof": proof}
        kinds = np.column_stack([constant[rows], upper[rows][:, fixed]])
        undecided |= bool((kinds != kinds[0]).any())
    if undecided:
        reason = "neurons without bias that see one input only feed some outputs of another neuron"
        return {"answer": "unknown", "proof": {"reason": reason}}
    return {"answer": "always", "proof": {"rule": "Theorem F"}}


def clusters_needed(masks: list[np.ndarray], columns: list[int]) -> int:
    """Count the clusters of which one lies where the network is affine."""
    n = len(columns)
    forward = [np.isin(np.arange(masks[0].shape[1]), columns)]
    backward = [np.ones(len(masks[-1]), bool)]
    for mask in masks[:-1]:
        forward.append((mask @ forward[-1].astype(np.int64)) > 0)
    for mask in masks[:0:-1]:
        backward.append((backward[-1].astype(np.int64) @ mask) > 0)
    widths = [int((f & b).sum()) for f, b in zip(forward[1:], backward[:0:-1], strict=True)]
    regions = [sum(math.comb(r, j) for j in range(n + 1)) for r in widths]
    return n * sum(r * math.prod(regions[:q]) for q, r in enumerate(widths)) + 1


def counterexample(
    masks: Sequence[Mask],
    finite: dict[str, Any],
    biases: Biases | None = None,
    negative_slope: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Build a finite data set without optimum."""
    if negative_slope == 1.0 or not math.isfinite(negative_slope):
        raise SolveInputError(
            f"{negative_slope} was given", where="negative_slope", allowed="a number other than 1"
        )
    rule = finite["proof"].get("rule")
    if finite["answer"] != "not_always" or rule not in ("Theorem F", "output biases"):
        raise DegenerateError(
            f"the finite-data answer is {finite['answer']!r}",
            where="counterexample_dataset",
            allowed="patterns with one hidden layer whose answer is 'not_always'",
        )
    if rule == "output biases":
        return _two_points(masks, finite["proof"])
    live = _counted(masks, biases)
    targets = _targets(finite["proof"], live, masks[1].shape[0], negative_slope)
    s = np.arange(-2, 2 * len(live) - 1, dtype=np.float64)
    common = np.flatnonzero(column_sizes(masks[0][live]) == len(live))
    X = np.zeros((len(s), masks[0].shape[1]))
    if biases is not None:  # two inputs make what a bias would
        X[:] = s[:, None] + np.arange(3, 3 + X.shape[1])
    elif len(common):
        X[:, common[0]] = s
    else:
        X[:] = s[:, None]
    return X, targets


def _two_points(masks: Sequence[Mask], proof: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Build the data set of missing output biases, case (iii) of `proof.biases`."""
    X, Y = np.zeros((2, masks[0].shape[1])), np.zeros((2, masks[1].shape[0]))
    X[:, proof["columns"][1:]] = 1.0
    X[1, proof["columns"][0]] = 1.0
    Y[1, proof["constant"]] = 1.0
    Y[:, proof["other"]] = 1.0
    return X, Y


def _targets(proof: dict[str, Any], live: np.ndarray, outputs: int, slope: float) -> np.ndarray:
    """Build the targets at s = -2, ..., 2 r - 2 along the line, r the number of live neurons."""
    s = np.arange(-2, 2 * len(live) - 1, dtype=np.float64)
    targets = np.zeros((len(s), outputs))

    def activated(x: np.ndarray) -> np.ndarray:
        return np.where(x >= 0, x, slope * x)

    targets[:, proof["row_shared"]] = 2.0 * (s > 0) + (1 + slope) * (s == 0) + 2 * slope * (s < 0)
    targets[:, proof["row_other"]] += activated(s)
    for q, (_, row) in enumerate(proof["row_of"], start=1):
        targets[:, row] += activated(s - (2 * q + 1))
    return targets
