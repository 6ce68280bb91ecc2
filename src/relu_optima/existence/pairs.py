"""Find pairs of neurons whose product set is not closed (theorems and proofs: `proof.pairs`)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.existence.deadline import check_time
from relu_optima.existence.proof.linear import meetings, rectangles, row_sizes

if TYPE_CHECKING:
    from scipy import sparse

    from relu_optima.patterns.sparse import Mask

MAX_PAIRS = 2000  # open pairs that are tried for rule B6, fewer of wide layers
MAX_VISITS = 300_000_000  # cells that these look at: a fraction of a second


def open_pairs(
    rows: sparse.csr_array, columns: sparse.csr_array, deadline: float = float("inf")
) -> Iterator[tuple[int, int]]:
    """List the pairs of rectangles whose product set is not closed.

    Let two rectangles share s rows and t columns, s, t >= 1, and let each have a_k rows and b_k
    columns of its own. The set is not closed iff (1) a_k, b_k >= 1 for one k, (2) s >= 2 and
    b_1, b_2 >= 1, or (3) t >= 2 and a_1, a_2 >= 1.
    """
    heights, widths = row_sizes(rows), row_sizes(columns)
    for k, l, s, t in meetings(rows, columns):  # noqa: E741
        check_time(deadline)
        a, b = (heights[k] > s, heights[l] > s), (widths[k] > t, widths[l] > t)
        one = a[0] & b[0] | a[1] & b[1]
        bad = (one | (s >= 2) & b[0] & b[1] | (t >= 2) & a[0] & a[1]) & (k < l)
        yield from zip(k[bad].tolist(), l[bad].tolist(), strict=True)


def all_pairs_closed(masks: Sequence[Mask], deadline: float) -> bool:
    """Say whether every two neurons have a closed product set."""
    _, rows, columns = rectangles(masks)
    return next(open_pairs(rows, columns, deadline), None) is None


def visible_pair(masks: list[np.ndarray]) -> dict[str, Any] | None:
    """Find an open pair that no other neuron can hide (rule B6).

    The vectors of the limit have no zeros where they may be nonzero and no two equal ratios, so
    that im A and row A contain a unit vector only where every choice does.
    """
    neurons, *sides = rectangles(masks)
    rows, columns = (x.toarray().astype(bool) for x in sides)
    lower, upper = (mask.astype(bool) for mask in masks)
    live = np.asarray(lower.any(axis=1) & upper.any(axis=0))
    tries = min(MAX_PAIRS, max(1, MAX_VISITS // (lower.size + upper.size)))
    for a, b in itertools.islice(open_pairs(*sides), tries):
        others = live.copy()
        others[[neurons[a], neurons[b]]] = False
        units = [_forced(x[a] & x[b], x[a] | x[b]) for x in (rows, columns)]
        if _all_stand_out(lower, upper, others, (rows[[a, b]], columns[[a, b]]), units):
            (p, x), (q, y) = (_spread(z[a] & z[b], z[a] | z[b]) for z in (rows, columns))
            pair = [int(neurons[a]), int(neurons[b])]
            return {"rule": "B6", "neurons": pair, "p": p, "q": q, "x": x, "y": y}
    return None


def _forced(inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Unit vectors in the span of two vectors without zeros and equal ratios on these sets."""
    if outer.sum() <= 2:
        return outer
    return inner if inner.sum() == 1 else np.zeros_like(outer)


def _spread(inner: np.ndarray, outer: np.ndarray) -> tuple[list[list[int]], list[list[int]]]:
    """Two such vectors: 1, 1, 1, ... on the inner set and 1, 2, 3, ... on the outer one."""
    ones = [[int(i), 1] for i in np.flatnonzero(inner)]
    return ones, [[int(i), value] for value, i in enumerate(np.flatnonzero(outer), start=1)]


def _all_stand_out(
    lower: np.ndarray,
    upper: np.ndarray,
    others: np.ndarray,
    pair: tuple[np.ndarray, np.ndarray],
    units: list[np.ndarray],
) -> bool:
    """Say whether every other neuron meets the conditions of rule B6."""
    if (others & ~lower[:, ~units[1]].any(axis=1)).any():
        return False
    narrow = others & ~upper[~units[0]].any(axis=0)
    for c in np.flatnonzero(narrow):
        covered = np.zeros((upper[:, c].sum(), lower[c].sum()), bool)
        for s, t in zip(*pair, strict=True):
            covered |= np.outer(s[upper[:, c]], t[lower[c]])
        if covered.all():
            return False
    return True
