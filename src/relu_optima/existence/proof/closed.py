r"""Check that a product set is closed: replay the log of reductions, then check each component.

L = {sum_k u_k v_k^T : supp u_k in S_k, supp v_k in T_k}. The reductions, each an equivalence:

**Twin cap.** Of the rows that lie in exactly the same neuron set K, |K| suffice. *Proof.* The
small set is L intersected with a coordinate subspace, so L closed gives it closed. Conversely a
convergent sequence in L has twin blocks Q_n B_n, Q_n with |K| orthonormal columns (completed where
the rank drops) and B_n = Q_n^T block with rows in span(v_k : k in K), the same v_k. So
(B_n, rest) lies in the small set and converges on a subsequence, as does Q_n. Rows in no neuron
are zero. Columns: transpose.

**Free cells.** If L + R^Z = L, then L is closed iff its projection off the cells Z is. After cells
are erased, a neuron's observed cells may fall apart: parts that share no row and no column use
different entries of u and v, so they are independent rank-one terms ("pieces").
*Star:* a piece with one row or one column fills its cells freely.
*Flag saturation:* pieces with the same columns C and nested rows R_1 in ... in R_g. A row in l of
them takes its values on C from the span of the last l vectors v. Spans F_1 in F_2 in ... with
dim F_l <= l embed in G_l with dim G_l = min(l, |C|), and any such flag is attained; so the set of
the chain is the union over full flags, and rows in at least |C| of them are free on C. Adding the
other pieces keeps this. Columns: transpose.

**Components.** Pieces that share no observed cell are independent: L is a product, closed iff
each factor is.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.existence.proof.closed_rules import LEAF_RULES, Piece, read_piece
from relu_optima.existence.proof.filling import check_filling
from relu_optima.existence.proof.pairs import check_pairs
from relu_optima.existence.proof.values import in_range
from relu_optima.patterns.sparse import dense

if TYPE_CHECKING:
    from relu_optima.patterns.sparse import Mask


def check_closed(masks: Sequence[Mask], proof: dict[str, Any]) -> list[str]:
    """Check a proof of closedness."""
    rule = proof.get("rule")
    if rule == "one layer":
        return [] if len(masks) == 1 else ["there is more than one layer"]
    if rule == "P" and len(masks) == 2:
        return check_pairs(masks)
    if rule == "reduction" and len(masks) == 2:
        return check_reduction(*dense(masks), proof)
    return [f"there is no rule {rule!r} for {len(masks)} layers"]


def check_reduction(lower: np.ndarray, upper: np.ndarray, proof: dict[str, Any]) -> list[str]:
    """Replay a log of reductions and check the components that are left."""
    m, n = upper.shape[0], lower.shape[1]
    live = lower.any(axis=1) & upper.any(axis=0)
    rows, columns = proof["rows"], proof["columns"]
    if not (in_range(rows, m) and in_range(columns, n)):
        return ["the kept rows and columns are not distinct indices"]
    if not (_caps_twins(upper.astype(bool) & live, rows)):
        return ["too many twin rows were dropped"]
    if not (_caps_twins(lower.T.astype(bool) & live, columns)):
        return ["too many twin columns were dropped"]
    observed = np.zeros((m, n), bool)
    observed[np.ix_(rows, columns)] = True
    for step in proof["erasures"]:
        problem = _erase(lower, upper, observed, step)
        if problem:
            return [problem]
    return _check_components(lower, upper, observed, proof["components"])


def _caps_twins(members: np.ndarray, kept: list[int]) -> bool:
    """Every dropped row lies in no neuron, or at least |K| of its twins are kept."""
    here = {row.tobytes() for row in members[kept]}
    count = dict.fromkeys(here, 0)
    for row in members[kept]:
        count[row.tobytes()] += 1
    dropped = np.setdiff1d(np.arange(len(members)), kept)
    return all(
        not members[i].any() or count.get(members[i].tobytes(), 0) >= int(members[i].sum())
        for i in dropped
    )


def _is_piece(
    lower: np.ndarray, upper: np.ndarray, observed: np.ndarray, piece: Piece
) -> str | None:
    """Check that a rectangle is an independent part of its neuron."""
    k, rows, columns = piece
    if k >= lower.shape[0]:
        return "a piece names a neuron that does not exist"
    if not in_range(rows, upper.shape[0]) or not in_range(columns, lower.shape[1]):
        return "the rows and columns of a piece are not distinct indices"
    if not rows or not columns:
        return "a piece is empty"
    if not (upper[rows, k].all() and lower[k, columns].all()):
        return "a piece leaves its neuron's support"
    other_columns = lower[k].astype(bool).copy()
    other_columns[columns] = False
    other_rows = upper[:, k].astype(bool).copy()
    other_rows[rows] = False
    beside, beyond = np.flatnonzero(other_columns), np.flatnonzero(other_rows)
    here, there = np.array(rows), np.array(columns)
    tied = len(beside) and observed[np.ix_(here, beside)].any()
    tied = tied or (len(beyond) and observed[np.ix_(beyond, there)].any())
    if tied:
        return "a piece is tied to the rest of its neuron"
    return None


def _erase(
    lower: np.ndarray, upper: np.ndarray, observed: np.ndarray, step: dict[str, Any]
) -> str | None:
    if step["kind"] == "star":
        piece = read_piece(step["piece"])
        problem = _is_piece(lower, upper, observed, piece)
        if problem:
            return problem
        _, rows, columns = piece
        if len(rows) > 1 and len(columns) > 1:
            return "a star has more than one row and column"
        observed[np.ix_(rows, columns)] = False
        return None
    if step["kind"] != "flag" or step["axis"] not in ("rows", "columns"):
        return "there is no such erasure"
    pieces = [read_piece(value) for value in step["pieces"]]
    for piece in pieces:
        problem = _is_piece(lower, upper, observed, piece)
        if problem:
            return problem
    along_rows = step["axis"] == "rows"
    sides = [set(rows if along_rows else columns) for _, rows, columns in pieces]
    common = [sorted(columns if along_rows else rows) for _, rows, columns in pieces]
    if len({k for k, _, _ in pieces}) != len(pieces) or any(c != common[0] for c in common):
        return "the pieces of a flag do not share their columns, or repeat a neuron"
    sides.sort(key=len)
    if any(not a <= b for a, b in itertools.pairwise(sides)):
        return "the rows of a flag are not nested"
    if len(pieces) < len(common[0]):
        return "the flag is not saturated"
    free = sorted(sides[len(sides) - len(common[0])])  # rows in at least |C| pieces
    observed[np.ix_(free, common[0]) if along_rows else np.ix_(common[0], free)] = False
    return None


def _check_components(
    lower: np.ndarray, upper: np.ndarray, observed: np.ndarray, components: list[dict[str, Any]]
) -> list[str]:
    owner = np.full(observed.shape, -1, dtype=np.int64)
    seen: dict[int, list[Piece]] = {}
    for number, component in enumerate(components):
        pieces = [read_piece(value) for value in component["pieces"]]
        blocks: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        for piece in pieces:
            problem = _is_piece(lower, upper, observed, piece)
            if problem:
                return [problem]
            k, rows, columns = piece
            for _, rows2, columns2 in seen.get(k, []):
                if set(rows) & set(rows2) or set(columns) & set(columns2):
                    return ["two pieces of a neuron meet"]
            seen.setdefault(k, []).append(piece)
            name = (tuple(rows), tuple(columns))
            if name in blocks:  # the same cells were just claimed for this component
                continue
            blocks.add(name)
            block = np.ix_(rows, columns)
            taken = owner[block][observed[block]]
            if ((taken >= 0) & (taken != number)).any():
                return ["two components share a cell"]
            owner[block] = np.where(observed[block], number, owner[block])
    for k in np.flatnonzero(lower.any(axis=1) & upper.any(axis=0)).tolist():
        whole = np.ix_(np.flatnonzero(upper[:, k]), np.flatnonzero(lower[k]))
        parts = seen.get(k, [])
        if len(parts) == 1 and len(parts[0][1]) * len(parts[0][2]) == observed[whole].size:
            continue  # one piece is the whole rectangle
        cells = np.zeros(observed.shape, bool)
        cells[whole] = observed[whole]
        for _, part_rows, part_columns in parts:
            cells[np.ix_(part_rows, part_columns)] = False
        if cells.any():
            return ["a component is missing"]
    problems: list[str] = []
    for component in components:
        rule = check_filling if component["rule"] == "C6" else LEAF_RULES.get(component["rule"])
        if rule is None:
            return [f"there is no component rule {component['rule']!r}"]
        pieces = [read_piece(value) for value in component["pieces"]]
        problems += rule(pieces, observed, component.get("data", {}))
    return problems
