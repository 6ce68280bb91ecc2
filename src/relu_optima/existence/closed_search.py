"""Find a rule that proves a component closed (rules and proofs: `existence.proof.closed_rules`)."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from relu_optima.existence.filling_search import find_filling
from relu_optima.existence.proof.closed_rules import (
    LEAF_RULES,
    TABLE,
    rank_mod_p,
    rational_rank,
)
from relu_optima.existence.reduction import Piece

MAX_ORIENTED = 8  # pieces for which all orientations are tried
MAX_CELLS_FULL = 2000
DRAWS = 400
QUICK_RULES = ("C1", "C2", "C3", "C7", "C5", "C4")
ALL_RULES = (*QUICK_RULES, "C6")


def prove_component(
    pieces: list[Piece], observed: np.ndarray, rules: Sequence[str] = ALL_RULES
) -> dict[str, Any] | None:
    """Find a proof that a component is closed.

    Parameters
    ----------
    pieces : list of Piece
        The component.
    observed : array of bool
        Observed cells of the whole pattern.
    rules : sequence of str, optional
        Rules to try, in this order.

    Returns
    -------
    dict or None
        ``pieces``, ``rule``, ``data``; None if no rule applies.
    """
    for rule in rules:
        data = _SEARCHES[rule](pieces, observed)
        if data is not None:
            return {"pieces": [p.to_json() for p in pieces], "rule": rule, "data": data}
    return None


def _accepted(rule: str, pieces: list[Piece], observed: np.ndarray, data: dict[str, Any]) -> bool:
    plain = [(p.neuron, list(p.rows), list(p.columns)) for p in pieces]
    return not LEAF_RULES[rule](plain, observed, data)


def _complete(pieces: list[Piece], observed: np.ndarray) -> bool:
    return all(observed[np.ix_(p.rows, p.columns)].all() for p in pieces)


def _single(pieces: list[Piece], observed: np.ndarray) -> dict[str, Any] | None:
    return {} if len(pieces) == 1 and _complete(pieces, observed) else None


def _flag_cross(pieces: list[Piece], observed: np.ndarray) -> dict[str, Any] | None:
    """Orient the distinct rectangles by backtracking over pairwise conditions."""
    if not _complete(pieces, observed):
        return None
    copies: dict[tuple[frozenset[int], frozenset[int]], list[int]] = defaultdict(list)
    for q, piece in enumerate(pieces):
        copies[frozenset(piece.rows), frozenset(piece.columns)].append(q)
    shapes = list(copies)
    if len(shapes) > 200:
        return None
    chosen: list[bool] = []

    def fits(x: int, a: bool) -> bool:
        s, t = shapes[x]
        for y, b in enumerate(chosen):
            s2, t2 = shapes[y]
            if not (s & s2 and t & t2):
                continue
            if a == b:
                same, linear = (t == t2, (s, s2)) if a else (s == s2, (t, t2))
                if not (same and (linear[0] <= linear[1] or linear[1] <= linear[0])):
                    return False
            elif not ((s2 <= s and t <= t2) if a else (s <= s2 and t2 <= t)):
                return False
        return True

    budget = [20_000]

    def extend() -> dict[str, Any] | None:
        data: dict[str, Any] | None
        if len(chosen) == len(shapes):
            groups = {"groups": _groups(shapes, chosen, copies)}
            return groups if _accepted("C2", pieces, observed, groups) else None
        for a in (True, False):
            budget[0] -= 1
            if budget[0] > 0 and fits(len(chosen), a):
                chosen.append(a)
                data = extend()
                if data is not None:
                    return data
                chosen.pop()
        return None

    return extend()


def _groups(
    shapes: list[tuple[frozenset[int], frozenset[int]]],
    chosen: list[bool],
    copies: dict[tuple[frozenset[int], frozenset[int]], list[int]],
) -> list[dict[str, Any]]:
    """Put pieces of one orientation, one fixed side and meeting linear sides together."""
    out = []
    for orientation in (True, False):
        by_fixed: dict[frozenset[int], list[int]] = defaultdict(list)
        for x, (s, t) in enumerate(shapes):
            if chosen[x] == orientation:
                by_fixed[t if orientation else s].append(x)
        for members in by_fixed.values():
            clusters: list[tuple[frozenset[int], list[int]]] = []
            for x in members:
                linear = shapes[x][0 if orientation else 1]
                touching = [c for c in clusters if c[0] & linear]
                clusters = [c for c in clusters if not c[0] & linear]
                merged = [y for c in touching for y in c[1]]
                clusters.append((linear.union(*(c[0] for c in touching)), [*merged, x]))
            for _, xs in clusters:
                flat = sorted(q for x in xs for q in copies[shapes[x]])
                out.append({"orientation": "A" if orientation else "B", "pieces": flat})
    return out


def _full_space(pieces: list[Piece], observed: np.ndarray) -> dict[str, Any] | None:
    cells = {(i, j) for p in pieces for i in p.rows for j in p.columns if observed[i, j]}
    widest = sum(max(len(p.rows), len(p.columns)) for p in pieces)
    if widest < len(cells) or len(cells) > MAX_CELLS_FULL:
        return None
    rng = np.random.default_rng(0)
    if len(pieces) <= MAX_ORIENTED:
        choices = list(itertools.product("vu", repeat=len(pieces)))
    else:
        longest = ["v" if len(p.rows) >= len(p.columns) else "u" for p in pieces]
        choices = [tuple(longest)]
    index = {cell: q for q, cell in enumerate(sorted(cells))}
    for choice in choices:
        unknowns = sum(
            len(p.rows if side == "v" else p.columns)
            for p, side in zip(pieces, choice, strict=True)
        )
        if unknowns < len(cells):
            continue
        fixed = [
            [side, rng.integers(1, 1000, len(p.columns if side == "v" else p.rows)).tolist()]
            for p, side in zip(pieces, choice, strict=True)
        ]
        images = []
        for p, (side, values) in zip(pieces, fixed, strict=True):
            for x in p.rows if side == "v" else p.columns:
                image = np.zeros(len(cells), np.int64)
                for y, value in zip(p.columns if side == "v" else p.rows, values, strict=True):
                    q = index.get((x, y) if side == "v" else (y, x))
                    if q is not None:
                        image[q] = value
                images.append(image)
        if rank_mod_p(np.array(images)) == len(cells):
            return {"fixed": fixed}
    return None


def _table(pieces: list[Piece], observed: np.ndarray) -> dict[str, Any] | None:
    rows = sorted({i for p in pieces for i in p.rows})
    columns = sorted({j for p in pieces for j in p.columns})
    if len(rows) > 3 or len(columns) > 3:
        return None
    for name, transpose in itertools.product(TABLE, (False, True)):
        if len(TABLE[name][0]) != len(pieces):
            continue
        outer, inner = (columns, rows) if transpose else (rows, columns)
        height = 2 if name == "F-a" else 3
        if len(outer) != height or len(inner) != 3:
            continue
        for p, q in itertools.product(itertools.permutations(outer), itertools.permutations(inner)):
            data = {"name": name, "rows": list(p), "columns": list(q), "transpose": transpose}
            if _accepted("C5", pieces, observed, data):
                return data
    return None


def _deficits(pieces: list[Piece], observed: np.ndarray) -> dict[str, Any] | None:
    return {} if _accepted("C7", pieces, observed, {}) else None


def _row_basis(pieces: list[Piece], observed: np.ndarray) -> dict[str, Any] | None:
    if len(pieces) > MAX_ORIENTED or not _complete(pieces, observed):
        return None
    for transpose in (False, True):
        sides = [(p.columns, p.rows) if transpose else (p.rows, p.columns) for p in pieces]
        rows = sorted({i for r, _ in sides for i in r})
        columns = sorted({j for _, c in sides for j in c})
        special = [i for i in rows if any(i not in r for r, _ in sides)]
        if len(special) != 1 or len(columns) > len(pieces) or len(columns) > 6:
            continue
        table = _basis_table(sides, special[0], columns)
        if table is not None:
            return {"row": special[0], "transpose": transpose, "table": table}
    return None


def _basis_table(
    sides: list[tuple[tuple[int, ...], tuple[int, ...]]], special: int, columns: list[int]
) -> list[Any] | None:
    inside = [q for q, (r, _) in enumerate(sides) if special in r]
    allowed = sorted({j for q in inside for j in sides[q][1]})
    rng = np.random.default_rng(0)
    table = []
    for size in range(len(allowed) + 1):
        for support in itertools.combinations(allowed, size):
            rho = [Fraction(int(j in support)) for j in columns]
            for _ in range(DRAWS):
                entries = [rng.integers(-1, 2, len(c)).tolist() for _, c in sides]
                vectors = [
                    [Fraction(dict(zip(c, e, strict=True)).get(j, 0)) for j in columns]
                    for (_, c), e in zip(sides, entries, strict=True)
                ]
                if rational_rank(vectors) < len(columns):
                    continue
                span = [vectors[q] for q in inside]
                if rational_rank([*span, rho]) == rational_rank(span):
                    table.append([list(support), entries])
                    break
            else:
                return None
    return table


_SEARCHES: dict[str, Callable[[list[Piece], np.ndarray], dict[str, Any] | None]] = {
    "C1": _single,
    "C2": _flag_cross,
    "C3": _full_space,
    "C4": _row_basis,
    "C5": _table,
    "C6": find_filling,
    "C7": _deficits,
}
