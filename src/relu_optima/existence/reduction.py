"""Reduce a two-layer pattern to small independent components with the same verdict.

Each step keeps the answer (proofs in `existence.proof.closed`, which re-checks the log): equal
outputs or inputs beyond a cap are dropped, cells that some neuron can fill freely are erased,
and what is left splits into components that share no cell.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from relu_optima.existence.deadline import check_time


@dataclass(frozen=True)
class Piece:
    """A rank-one term u v^T of one neuron on a rectangle.

    Attributes
    ----------
    neuron : int
        Hidden neuron.
    rows, columns : tuple of int
        The rectangle; its observed cells are connected.
    """

    neuron: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    def to_json(self) -> list[Any]:
        """Return ``[neuron, rows, columns]``."""
        return [self.neuron, list(self.rows), list(self.columns)]


@dataclass
class Reduced:
    """A pattern after reduction.

    Attributes
    ----------
    rows, columns : array of int
        Kept outputs and inputs.
    observed : array of bool, shape (m, n)
        Cells that are neither dropped nor erased.
    erasures : list of dict
        What was erased and why, in order.
    components : list of list of Piece
        Groups of pieces that share no observed cell with another group.
    """

    rows: np.ndarray
    columns: np.ndarray
    observed: np.ndarray
    erasures: list[dict[str, Any]] = field(default_factory=list)
    components: list[list[Piece]] = field(default_factory=list)


def reduce_pattern(
    lower: np.ndarray,
    upper: np.ndarray,
    *,
    flags: bool = True,
    cap: bool = True,
    deadline: float = float("inf"),
) -> Reduced:
    """Cap twins, erase free cells to a fixed point, and split."""
    live = lower.any(axis=1) & upper.any(axis=0)
    rows = twin_cap(upper.astype(bool) & live) if cap else np.arange(upper.shape[0])
    columns = twin_cap(lower.T.astype(bool) & live) if cap else np.arange(lower.shape[1])
    observed = np.zeros((upper.shape[0], lower.shape[1]), bool)
    observed[np.ix_(rows, columns)] = True
    out = Reduced(rows, columns, observed)
    row_kept = np.zeros(upper.shape[0], bool)
    column_kept = np.zeros(lower.shape[1], bool)
    row_kept[rows], column_kept[columns] = True, True
    whole = [
        Piece(
            int(k),
            tuple(np.flatnonzero(upper[:, k] & row_kept).tolist()),
            tuple(np.flatnonzero(lower[k] & column_kept).tolist()),
        )
        for k in np.flatnonzero(live)
    ]
    pieces = whole
    while True:
        steps = _star_steps(pieces)
        if not steps and flags:
            steps = _flag_steps(pieces, observed, deadline)
        if not steps:
            break
        for step, erased_rows, erased_columns in steps:
            check_time(deadline)
            observed[np.ix_(erased_rows, erased_columns)] = False
            out.erasures.append(step)
        parts: list[Piece] = []
        for piece in pieces:
            check_time(deadline)
            parts += split_piece(piece, observed)
        pieces = parts
    out.components = split_components(pieces, observed, deadline)
    return out


def distinct_area(lower: np.ndarray, upper: np.ndarray) -> int:
    """Count the cells of all different rectangles, a measure of the work a reduction takes."""
    both = np.unique(np.packbits(np.hstack([lower, upper.T]), axis=1), axis=0)
    cells = np.unpackbits(both, axis=1, count=lower.shape[1] + upper.shape[0])
    columns = cells[:, : lower.shape[1]].sum(axis=1, dtype=np.int64)
    rows = cells[:, lower.shape[1] :].sum(axis=1, dtype=np.int64)
    return int((rows * columns).sum())


def twin_cap(members: np.ndarray) -> np.ndarray:
    """Keep at most |K| of the rows that lie in exactly the same set K of neurons."""
    kept: list[int] = []
    count: dict[bytes, int] = defaultdict(int)
    size = members.sum(axis=1)
    packed = np.packbits(members, axis=1)
    for i in range(len(members)):
        key = packed[i].tobytes()
        if count[key] < size[i]:
            count[key] += 1
            kept.append(i)
    return np.array(kept, dtype=np.int64)


def split_piece(piece: Piece, observed: np.ndarray) -> list[Piece]:
    """Split a piece into the connected components of its observed cells."""
    cells = observed[np.ix_(piece.rows, piece.columns)]
    if cells.all():
        return [piece]
    rows, columns = np.array(piece.rows), np.array(piece.columns)
    todo = cells.any(axis=1)
    out = []
    while todo.any():
        reach: np.ndarray = np.zeros(len(rows), bool)
        reach[todo.argmax()] = True
        while True:
            seen = cells[reach].any(axis=0)
            more = np.asarray(cells[:, seen].any(axis=1))
            if (more == reach).all():
                break
            reach = more
        out.append(Piece(piece.neuron, tuple(rows[reach].tolist()), tuple(columns[seen].tolist())))
        todo &= ~reach
    return out


_Step = tuple[dict[str, Any], list[int], list[int]]


def _star_steps(pieces: list[Piece]) -> list[_Step]:
    return [
        ({"kind": "star", "piece": p.to_json()}, list(p.rows), list(p.columns))
        for p in pieces
        if len(p.rows) == 1 or len(p.columns) == 1
    ]


def _flag_steps(pieces: list[Piece], observed: np.ndarray, deadline: float) -> list[_Step]:
    """Find saturated rows of chains with one column set, and the transpose."""
    for axis in ("rows", "columns"):
        groups: dict[tuple[int, ...], list[Piece]] = defaultdict(list)
        for piece in pieces:
            groups[piece.columns if axis == "rows" else piece.rows].append(piece)
        for common, group in groups.items():
            if len(group) < len(common):
                continue
            check_time(deadline)
            step = _saturated(group, common, axis, observed)
            if step:
                return [step]
    return []


def _saturated(
    group: list[Piece], common: tuple[int, ...], axis: str, observed: np.ndarray
) -> _Step | None:
    def side(piece: Piece) -> tuple[int, ...]:
        return piece.rows if axis == "rows" else piece.columns

    members: dict[tuple[int, ...], list[Piece]] = defaultdict(list)
    for piece in group:
        members[side(piece)].append(piece)
    ordered = sorted(members, key=len, reverse=True)
    sets = [frozenset(s) for s in ordered]
    # longest chain of supersets that ends in each set, counted with multiplicity
    best: list[tuple[int, int | None]] = []
    for b, small in enumerate(sets):
        longest: tuple[int, int | None] = (0, None)
        for a in range(b):
            if small < sets[a] and best[a][0] > longest[0]:
                longest = (best[a][0], a)
        best.append((longest[0] + len(members[ordered[b]]), longest[1]))
        if best[b][0] < len(common):
            continue
        chain: list[Piece] = []
        link: int | None = b
        while link is not None:
            chain += members[ordered[link]]
            link = best[link][1]
        free = list(ordered[b])
        block = np.ix_(free, common) if axis == "rows" else np.ix_(common, free)
        if not observed[block].any():
            continue
        step = {"kind": "flag", "axis": axis, "pieces": [p.to_json() for p in chain]}
        return (step, free, list(common)) if axis == "rows" else (step, list(common), free)
    return None


def split_components(
    pieces: list[Piece], observed: np.ndarray, deadline: float = float("inf")
) -> list[list[Piece]]:
    """Group pieces that are linked by shared observed cells."""
    owner = np.full(observed.shape, -1, dtype=np.int64)
    parent = list(range(len(pieces)))

    def root(q: int) -> int:
        while parent[q] != q:
            parent[q] = parent[parent[q]]
            q = parent[q]
        return q

    first: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
    for q, piece in enumerate(pieces):
        same = first.setdefault((piece.rows, piece.columns), q)
        if same != q:  # equal rectangles are common, and need no second look at their cells
            parent[root(q)] = root(same)
            continue
        check_time(deadline)
        block = np.ix_(piece.rows, piece.columns)
        seen = owner[block][observed[block]]
        for other in np.unique(seen[seen >= 0]):
            parent[root(int(other))] = root(q)
        owner[block] = np.where(observed[block], q, owner[block])
    groups: dict[int, list[Piece]] = defaultdict(list)
    for q, piece in enumerate(pieces):
        groups[root(q)].append(piece)
    return list(groups.values())
