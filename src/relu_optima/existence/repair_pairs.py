"""Few entries to delete, or to add, so that every two neurons have a closed product set.

Two rectangles have one iff they are disjoint in rows or in columns, antinested (S_k in S_l, T_l in
T_k, or the reverse), or stars in one row or one column (Theorem P). Small patterns are an integer
program with one choice among these for each pair; others are mended pair by pair, the cheapest
first, until none is open: entries only leave, or only come, so this ends.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from relu_optima.existence.pairs import open_pairs
from relu_optima.existence.proof.linear import rectangles

MAX_EXACT = 6  # neurons up to which all pairs are one integer program
MAX_SIDES = 40  # rows and columns of such a program
NODES = 20_000  # of branch and bound: a count, so that the same masks give the same repair


def repair_pairs(masks: list[np.ndarray], change: str) -> tuple[list[np.ndarray], int]:
    """Return masks whose pairs are closed, and a lower bound of the number of changes."""
    adding = change == "add"
    S, T = masks[1].T.astype(bool), masks[0].astype(bool)
    bound = _lower_bound(masks, S, T, adding)
    mended = _one_by_one(S.copy(), T.copy(), adding)
    live = np.flatnonzero(S.any(axis=1) & T.any(axis=1))
    fewer = _exactly(S[live], T[live], adding) if len(live) <= MAX_EXACT else None
    if fewer is not None:
        better = S.copy(), T.copy()
        better[0][live], better[1][live] = fewer
        if _changes(better, (S, T)) < _changes(mended, (S, T)) and _is_closed(*better):
            mended = better
    return [mended[1].astype(np.uint8), mended[0].T.astype(np.uint8).copy()], bound


def _changes(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> int:
    return int((a[0] != b[0]).sum() + (a[1] != b[1]).sum())


def _is_closed(S: np.ndarray, T: np.ndarray) -> bool:
    _, rows, columns = rectangles([T.astype(np.uint8), S.T.astype(np.uint8)])
    return T.any() and S.any() and next(open_pairs(rows, columns), None) is None


def ways(
    s: tuple[np.ndarray, np.ndarray], t: tuple[np.ndarray, np.ndarray], *, adding: bool
) -> list[tuple[int, tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]]:
    """List the least changes that close one pair, each way: cost, new rows, new columns."""
    out = []
    for a, b in ((0, 1), (1, 0)):
        nested = [list(s), list(t)]  # S_a in S_b, T_b in T_a
        if adding:
            nested[0][b], nested[1][a] = s[a] | s[b], t[a] | t[b]
        else:
            nested[0][a], nested[1][b] = s[a] & s[b], t[a] & t[b]
        out.append(nested)
        if not adding:
            apart, beside = [list(s), list(t)], [list(s), list(t)]
            apart[0][a], beside[1][a] = s[a] & ~s[b], t[a] & ~t[b]
            out += [apart, beside]
    if not adding:
        for side, common in ((0, s[0] & s[1]), (1, t[0] & t[1])):
            single = [list(s), list(t)]
            first = np.zeros_like(common)
            first[common.argmax()] = True
            single[side] = [first, first]
            out.append(single)
    before = (*s, *t)
    priced = []
    for rows, columns in out:
        cost = sum(int((x != y).sum()) for x, y in zip((*rows, *columns), before, strict=True))
        priced.append((cost, (rows[0], rows[1]), (columns[0], columns[1])))
    return sorted(priced, key=lambda way: way[0])


def _one_by_one(S: np.ndarray, T: np.ndarray, adding: bool) -> tuple[np.ndarray, np.ndarray]:
    """Close the cheapest open pair again and again."""
    while True:
        live = np.flatnonzero(S.any(axis=1) & T.any(axis=1))
        sides = [sparse.csr_array(x[live].astype(np.int32)) for x in (S, T)]
        best = None
        for k, l in open_pairs(*sides):  # noqa: E741
            pair = [live[k], live[l]]
            way = ways((S[pair[0]], S[pair[1]]), (T[pair[0]], T[pair[1]]), adding=adding)[0]
            if best is None or way[0] < best[1][0]:
                best = pair, way
        if best is None:
            return S, T
        pair, (_, rows, columns) = best
        S[pair], T[pair] = rows, columns


def _lower_bound(masks: list[np.ndarray], S: np.ndarray, T: np.ndarray, adding: bool) -> int:
    """Add up what open pairs without a common neuron need, the dearest first."""
    neurons, rows, columns = rectangles(masks)
    priced = []
    for a, b in open_pairs(rows, columns):
        k, l = int(neurons[a]), int(neurons[b])  # noqa: E741
        priced.append((-ways((S[k], S[l]), (T[k], T[l]), adding=adding)[0][0], k, l))
    taken: set[int] = set()
    total = 0
    for cost, k, l in sorted(priced):  # noqa: E741
        if not taken & {k, l}:
            taken |= {k, l}
            total -= cost
    return total


def _exactly(S: np.ndarray, T: np.ndarray, adding: bool) -> tuple[np.ndarray, np.ndarray] | None:
    """Solve for the fewest changes: an entry is 0 or 1, each pair satisfies one of its ways."""
    r, sides = len(S), (S.shape[1], T.shape[1])
    if sum(sides) > MAX_SIDES:
        return None
    old = np.hstack([S, T])
    width = old.shape[1]
    pairs = list(itertools.combinations(range(r), 2))
    unknowns = r * width + 6 * len(pairs)
    lines: list[dict[int, int]] = []
    most: list[int] = []

    def at_most(limit: int, *terms: tuple[int, int]) -> None:
        lines.append(dict(terms))
        most.append(limit)

    for number, (k, l) in enumerate(pairs):  # noqa: E741
        way = r * width + 6 * number
        at_most(-1, *((way + q, -1) for q in range(6)))
        blocks = (range(sides[0]), range(sides[0], width))
        for q, block in enumerate(blocks):
            for x in block:
                a, b = k * width + x, l * width + x
                at_most(2, (a, 1), (b, 1), (way + q, 1))  # disjoint
                small, large = (a, b) if q == 0 else (b, a)
                at_most(1, (small, 1), (large, -1), (way + 2, 1))  # antinested
                at_most(1, (large, 1), (small, -1), (way + 3, 1))
            size = len(block)
            for neuron in (k, l):  # stars
                ones = ((neuron * width + x, 1) for x in block)
                at_most(size, *ones, (way + 4 + q, size - 1))
    matrix = sparse.lil_array((len(lines), unknowns))
    for number, line in enumerate(lines):
        for place, value in line.items():
            matrix[number, place] = value
    fixed = old.ravel() == adding  # what may not change
    costs = np.concatenate([np.where(old.ravel(), -1, 1), np.zeros(6 * len(pairs))])
    low, high = np.zeros(unknowns), np.ones(unknowns)
    low[: r * width][fixed], high[: r * width][fixed] = old.ravel()[fixed], old.ravel()[fixed]
    found = milp(
        costs,
        integrality=np.ones(unknowns),
        bounds=Bounds(low, high),
        constraints=LinearConstraint(matrix.tocsr(), -np.inf, most),
        options={"node_limit": NODES, "mip_rel_gap": 0.0},
    )
    if found.x is None:
        return None
    new = np.round(found.x[: r * width]).astype(bool).reshape(r, width)
    return new[:, : sides[0]], new[:, sides[0] :]
