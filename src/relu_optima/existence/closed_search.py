"""Find a rule that proves a component closed (rules and proofs: `existence.proof.closed_rules`)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from relu_optima.existence.deadline import check_time
from relu_optima.existence.filling_search import find_filling
from relu_optima.existence.open_zero import find_open_zero
from relu_optima.existence.pairs import open_pairs
from relu_optima.existence.proof.linear import rank_mod_p, rational_rank
from relu_optima.existence.reduction import Piece
from relu_optima.patterns.sparse import as_list

MAX_ORIENTED = 8  # pieces for which all orientations are tried
MAX_CELLS_FULL = 2000
MAX_RANK_CELLS = 400  # cells of one elimination
DRAWS = 400
QUICK_RULES = ("P", "C3", "C7", "C5", "C4")
ALL_RULES = (*QUICK_RULES, "Z", "C6")
Shapes = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
# components of rule C5: rows and columns of each piece, and the erased cells
TABLE: dict[str, tuple[Shapes, tuple[tuple[int, int], ...]]] = {
    "F-a": ((((0, 1), (0, 1)), ((0, 1), (0, 2))), ((1, 2),)),
    "F-d": ((((0, 1), (0, 1)), ((0, 1, 2), (0, 1, 2)), ((0, 1, 2), (0, 1, 2))), ()),
    "F-f": ((((0, 1), (0, 1)), ((0, 1, 2), (0, 1, 2)), ((0, 2), (0, 2))), ()),
}


def prove_component(
    pieces: list[Piece],
    observed: np.ndarray,
    rules: Sequence[str] = ALL_RULES,
    deadline: float = float("inf"),
) -> dict[str, Any] | None:
    """Find a proof that a component is closed."""
    for rule in rules:
        check_time(deadline)
        data = _SEARCHES[rule](pieces, observed, deadline)
        if data is not None:
            return {"pieces": [p.to_json() for p in pieces], "rule": rule, "data": data}
    return None


def _complete(pieces: list[Piece], observed: np.ndarray) -> bool:
    return all(observed[np.ix_(p.rows, p.columns)].all() for p in pieces)


def _sides(pieces: list[Piece], observed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pieces, one line for each."""
    rows, columns = (np.zeros((len(pieces), side), bool) for side in observed.shape)
    for q, piece in enumerate(pieces):
        rows[q, list(piece.rows)] = True
        columns[q, list(piece.columns)] = True
    return rows, columns


def _pairs(pieces: list[Piece], observed: np.ndarray, deadline: float) -> dict[str, Any] | None:
    distinct = list({(p.rows, p.columns): p for p in pieces}.values())
    if not _complete(distinct, observed):
        return None
    return (
        {}
        if next(open_pairs(*map(as_list, _sides(distinct, observed)), deadline), None) is None
        else None
    )


def _full_space(
    pieces: list[Piece], observed: np.ndarray, deadline: float
) -> dict[str, Any] | None:
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
    for choice in choices:
        check_time(deadline)
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
        if _is_onto(pieces, fixed, cells, observed.shape):
            return {"fixed": fixed}
    return None


def _is_onto(
    pieces: list[Piece],
    fixed: list[list[Any]],
    cells: set[tuple[int, int]],
    shape: tuple[int, ...],
) -> bool:
    """Say whether the free sides reach all cells.

    Asked without the columns that the free entries of v in them reach, which reach nothing else,
    and then without such rows.
    """
    left = np.zeros(shape, bool)
    left[tuple(zip(*cells, strict=True))] = True
    values = {side: np.zeros((len(pieces), shape[side == "v"]), np.int64) for side in "uv"}
    for q, (p, (side, numbers)) in enumerate(zip(pieces, fixed, strict=True)):
        values[side][q, list(p.columns if side == "v" else p.rows)] = numbers
    rows, columns = _sides(pieces, left)
    held = np.array([side == "u" for side, _ in fixed])
    for j in np.flatnonzero(left.any(axis=0)):
        free = values["u"][held & columns[:, j]]
        if rank_mod_p(free[:, left[:, j]]) == left[:, j].sum():
            left[:, j] = False
    for i in np.flatnonzero(left.any(axis=1)):
        free = values["v"][~held & rows[:, i]]
        if rank_mod_p(free[:, left[i]]) == left[i].sum():
            left[i] = False
    if left.sum() > MAX_RANK_CELLS:
        return False
    number = np.cumsum(left.ravel()).reshape(shape) - 1
    images = [np.zeros((0, int(left.sum())), np.int64)]
    for q in range(len(pieces)):
        for x in np.flatnonzero(columns[q] if held[q] else rows[q]):
            hit = left[:, x] & rows[q] if held[q] else left[x] & columns[q]
            line = np.zeros((1, int(left.sum())), np.int64)
            places = number[hit, x] if held[q] else number[x, hit]
            line[0, places] = values["u" if held[q] else "v"][q, hit]
            images.append(line)
    return rank_mod_p(np.concatenate(images)) == left.sum()


def _table(pieces: list[Piece], observed: np.ndarray, deadline: float) -> dict[str, Any] | None:
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
        check_time(deadline)
        for p, q in itertools.product(itertools.permutations(outer), itertools.permutations(inner)):
            if _is_named(pieces, observed.T if transpose else observed, name, transpose, p, q):
                return {"name": name, "rows": list(p), "columns": list(q), "transpose": transpose}
    return None


def _is_named(
    pieces: list[Piece],
    observed: np.ndarray,
    name: str,
    transpose: bool,
    rows: tuple[int, ...],
    columns: tuple[int, ...],
) -> bool:
    """Compare a component with a small one under names for its rows and columns."""
    shapes, holes = TABLE[name]
    here = sorted((p.columns, p.rows) if transpose else (p.rows, p.columns) for p in pieces)
    there = sorted(
        (tuple(sorted(rows[i] for i in s)), tuple(sorted(columns[j] for j in t))) for s, t in shapes
    )
    cells = {(i, j) for s, t in there for i in s for j in t}
    missing = {(rows[i], columns[j]) for i, j in holes}
    return here == there and {cell for cell in cells if not observed[cell]} == missing


def _deficits(pieces: list[Piece], observed: np.ndarray, deadline: float) -> dict[str, Any] | None:
    del deadline
    rows, columns = _sides(pieces, observed)
    window = np.ix_(rows.any(axis=0), columns.any(axis=0))
    height, width = observed[window].shape
    lacking = np.sort(height - rows.sum(axis=1) + width - columns.sum(axis=1))
    fits = observed[window].all() and (lacking <= np.arange(len(pieces))).all()
    return {} if fits else None


def _row_basis(pieces: list[Piece], observed: np.ndarray, deadline: float) -> dict[str, Any] | None:
    if len(pieces) > MAX_ORIENTED or not _complete(pieces, observed):
        return None
    for transpose in (False, True):
        sides = [(p.columns, p.rows) if transpose else (p.rows, p.columns) for p in pieces]
        rows = sorted({i for r, _ in sides for i in r})
        columns = sorted({j for _, c in sides for j in c})
        special = [i for i in rows if any(i not in r for r, _ in sides)]
        if len(special) != 1 or len(columns) > len(pieces) or len(columns) > 6:
            continue
        table = _basis_table(sides, special[0], columns, deadline)
        if table is not None:
            return {"row": special[0], "transpose": transpose, "table": table}
    return None


def _basis_table(
    sides: list[tuple[tuple[int, ...], tuple[int, ...]]],
    special: int,
    columns: list[int],
    deadline: float,
) -> list[Any] | None:
    inside = [q for q, (r, _) in enumerate(sides) if special in r]
    allowed = sorted({j for q in inside for j in sides[q][1]})
    rng = np.random.default_rng(0)
    table = []
    for size in range(len(allowed) + 1):
        for support in itertools.combinations(allowed, size):
            rho = [Fraction(int(j in support)) for j in columns]
            check_time(deadline)
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


_SEARCHES: dict[str, Callable[[list[Piece], np.ndarray, float], dict[str, Any] | None]] = {
    "P": _pairs,
    "C3": _full_space,
    "Z": find_open_zero,
    "C4": _row_basis,
    "C5": _table,
    "C6": find_filling,
    "C7": _deficits,
}
