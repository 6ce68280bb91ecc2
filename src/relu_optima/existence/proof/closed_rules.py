r"""Rules that prove one irreducible component closed, each with its proof.

A component is a list of pieces (rank-one terms u v^T on rectangles) and the observed cells.

**P, pairs.** All rectangles fully observed, every two with a closed product set: closed by
Theorem P (`proof.pairs`). One fully observed rectangle, {rank <= 1}, is a case of it.

**C3, full space.** One side of every piece fixed to integers makes the linear map onto all observed
cells surjective: the set is everything. (Full rank modulo a prime implies full rank over Q.)

**Z, open at zero.** At some integer factors the product vanishes and its derivative
(u', v') -> sum_q u'_q v_q^T + u_q v'_q^T is onto all observed cells: the set is everything.
*Proof.* By the implicit function theorem the set contains a ball around 0, and it is a cone. C3 is
the case in which one side of every piece is 0. Whether the derivative is onto may be asked without
the columns j whose own v'_j alone reach all their cells, as they reach no others, and then without
the rows whose own u'_i reach all cells that are left.

**C4, row basis.** All cells of the pieces are observed, every row but one lies in all r pieces, and
r >= n. By scaling columns (v -> v D with D = diag(entries of the special row, 1 at its zeros),
which keeps supports, spans and membership) it suffices that for every 0/1 row rho on its allowed
support integer v_k exist that span R^n, with rho in span(v_k : k contains the special row).
Columns: transpose.

**C5, three components with a direct construction,** see `_check_table`.

**C7, deficits.** All cells of the m x n rectangle around the component are observed. The deficit of
a piece is the number of rows plus columns it lacks. If the deficits d_1 <= ... <= d_r satisfy
d_t <= t - 1, the set is {rank <= r}, hence closed. *Proof.* Let M have rank t >= 1 and let a piece
lack rows S' and columns T', |S'| + |T'| < t. If y^T M x = 0 for all x with
M x zero on S' and all y with M^T y zero on T', then M would be a sum of |S'| terms (column) x
(row in S') and |T'| terms (column in T') x (row), so rank M <= |S'| + |T'| < t. So there are x, y
with y^T M x = 1, and M - (M x)(M^T y)^T has rank t - 1 (Wedderburn), with M x on the piece's rows
and M^T y on its columns. Use the pieces with the t smallest deficits, largest deficit first.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from relu_optima.existence.proof.linear import PRIME, rank_mod_p, rational_rank
from relu_optima.existence.proof.pairs import check_pairs
from relu_optima.existence.proof.values import fraction, in_range, integer

Piece = tuple[int, list[int], list[int]]


def read_piece(value: Any) -> Piece:
    """Read ``[neuron, rows, columns]``."""
    neuron, rows, columns = value
    if integer(neuron) < 0:
        raise ValueError("a piece has no neuron")
    return neuron, list(rows), list(columns)


def _fully_observed(pieces: list[Piece], observed: np.ndarray) -> bool:
    blocks = {(tuple(rows), tuple(columns)) for _, rows, columns in pieces}
    return all(bool(observed[np.ix_(rows, columns)].all()) for rows, columns in blocks)


def _check_pairs(pieces: list[Piece], observed: np.ndarray, data: dict[str, Any]) -> list[str]:
    del data
    if not _fully_observed(pieces, observed):
        return ["P needs all cells of the rectangles observed"]
    upper, lower = (np.zeros((len(pieces), side), np.uint8) for side in observed.shape)
    for q, (_, rows, columns) in enumerate(pieces):
        upper[q, rows], lower[q, columns] = 1, 1
    return check_pairs([lower, upper.T])


def _check_full(pieces: list[Piece], observed: np.ndarray, data: dict[str, Any]) -> list[str]:
    fixed = data["fixed"]
    if len(fixed) != len(pieces):
        return ["C3: one fixed side for each piece"]
    # C3 is rule Z with the free side of every piece zero
    U, V = (np.zeros((side, len(pieces)), np.int64) for side in observed.shape)
    left, S, T = (np.zeros(x.shape, bool) for x in (observed, U, V))
    for q, ((_, rows, columns), (side, values)) in enumerate(zip(pieces, fixed, strict=True)):
        held = columns if side == "v" else rows
        if side not in ("u", "v") or len(values) != len(held):
            return ["C3: a fixed side has the wrong length"]
        (V if side == "v" else U)[held, q] = [integer(x) % PRIME for x in values]
        S[rows, q], T[columns, q] = True, True
        left[np.ix_(rows, columns)] = True
    left &= observed
    return [] if _reaches_all(left, U, V, S, T) else ["C3: the linear map is not onto"]


def _check_open_zero(pieces: list[Piece], observed: np.ndarray, data: dict[str, Any]) -> list[str]:
    U, V = (np.zeros((side, len(pieces)), object) for side in observed.shape)
    if len(data["u"]) != len(pieces) or len(data["v"]) != len(pieces):
        return ["Z: one vector of each side for each piece"]
    left, S, T = (np.zeros(x.shape, bool) for x in (observed, U, V))
    for q, ((_, rows, columns), u, v) in enumerate(zip(pieces, data["u"], data["v"], strict=True)):
        if len(u) != len(rows) or len(v) != len(columns):
            return ["Z: a vector has the wrong length"]
        U[rows, q], V[columns, q] = [integer(x) for x in u], [integer(x) for x in v]
        S[rows, q], T[columns, q] = True, True
        left[np.ix_(rows, columns)] = True
    left &= observed
    for i, j in np.argwhere(left):
        if sum(U[i, q] * V[j, q] for q in np.flatnonzero(S[i] & T[j])) != 0:
            return ["Z: the product is not zero"]
    U, V = (U % PRIME).astype(np.int64), (V % PRIME).astype(np.int64)
    return [] if _reaches_all(left, U, V, S, T) else ["Z: the derivative is not onto"]


def _reaches_all(
    left: np.ndarray, U: np.ndarray, V: np.ndarray, S: np.ndarray, T: np.ndarray
) -> bool:
    """Say whether the derivative of the product reaches every cell that is left."""
    _leave_out(left, U, T)
    _leave_out(left.T, V, S)
    return rank_mod_p(_derivative(left, U, V, S, T)) == int(left.sum())


def _leave_out(left: np.ndarray, factor: np.ndarray, members: np.ndarray) -> None:
    """Drop the columns that the other factor's entries alone reach."""
    for j in np.flatnonzero(left.any(axis=0)):
        cells = left[:, j]
        if rank_mod_p(factor[np.ix_(cells, members[j])]) == cells.sum():
            left[:, j] = False


def _derivative(
    left: np.ndarray, U: np.ndarray, V: np.ndarray, S: np.ndarray, T: np.ndarray
) -> np.ndarray:
    """Images of the entries of both factors, one line each, on the cells that are left."""
    number = np.cumsum(left.ravel()).reshape(left.shape) - 1
    rows, columns = np.flatnonzero(left.any(axis=1)), np.flatnonzero(left.any(axis=0))
    lines = [np.zeros((0, int(left.sum())), np.int64)]
    for ends, other, mine, names, grid in (
        (rows, V, S, T, left),
        (columns, U, T, S, left.T),
    ):
        places = number if grid is left else number.T
        for i in ends:
            for q in np.flatnonzero(mine[i]):
                hit = grid[i] & names[:, q]
                line = np.zeros((1, int(left.sum())), np.int64)
                line[0, places[i, hit]] = other[hit, q]
                lines.append(line)
    return np.concatenate(lines)


def _transposed(
    pieces: list[Piece], observed: np.ndarray, data: dict[str, Any]
) -> tuple[list[Piece], np.ndarray]:
    if data.get("transpose"):
        return [(k, columns, rows) for k, rows, columns in pieces], observed.T
    return pieces, observed


def _check_row_basis(pieces: list[Piece], observed: np.ndarray, data: dict[str, Any]) -> list[str]:
    pieces, observed = _transposed(pieces, observed, data)
    rows = sorted({i for _, r, _ in pieces for i in r})
    columns = sorted({j for _, _, c in pieces for j in c})
    special = data["row"]
    if not _fully_observed(pieces, observed):
        return ["C4 needs all cells of the rectangles observed"]
    if any(i != special and i not in r for i in rows for _, r, _ in pieces):
        return ["C4: a row other than the special one is not in every piece"]
    inside = [q for q, (_, r, _) in enumerate(pieces) if special in r]
    allowed = sorted({j for q in inside for j in pieces[q][2]})
    table = {tuple(sorted(key)): value for key, value in data["table"]}
    for size in range(len(allowed) + 1):
        for support in itertools.combinations(allowed, size):
            if support not in table:
                return ["C4: a support of the special row is missing"]
            vectors = []
            for (_, _, c), entries in zip(pieces, table[support], strict=True):
                if len(entries) != len(c):
                    return ["C4: a vector leaves its support"]
                at = dict(zip(c, entries, strict=True))
                vectors.append([fraction(at.get(j, 0)) for j in columns])
            rho = [Fraction(int(j in support)) for j in columns]
            span = [vectors[q] for q in inside]
            if rational_rank(vectors) != len(columns):
                return ["C4: the vectors do not span"]
            if rational_rank([*span, rho]) != rational_rank(span):
                return ["C4: the special row is not in its span"]
    return []


# components whose set is everything, as (rows, columns) of each piece and the erased cells
_TABLE: dict[str, tuple[tuple[tuple[str, str], ...], tuple[tuple[int, int], ...]]] = {
    "F-a": ((("01", "01"), ("01", "02")), ((1, 2),)),
    "F-d": ((("01", "01"), ("012", "012"), ("012", "012")), ()),
    "F-f": ((("01", "01"), ("012", "012"), ("02", "02")), ()),
}


def _check_table(pieces: list[Piece], observed: np.ndarray, data: dict[str, Any]) -> list[str]:
    """Three components whose set is the whole space, each by an explicit construction.

    F-a (2x3; column 0 in both pieces, cell (1, 2) erased): column 1 is u_1 v_11 and fixes u_1 (any
    nonzero u_1 if it is zero); take u_2 independent of u_1 with u_20 != 0: column 0 is a
    combination, cell (0, 2) is u_20 v_22.

    F-d (a 2x2 block and two full pieces, 3x3): det(A - u v^T) = det A - v^T adj(A) u on the block.
    If det A = 0 take u = 0. Else the block of adj(A) is nonzero (a 3x3 matrix with a zero 2x2
    block is singular, adj(A) is not), so some u, v give 0: rank <= 2 is left for the full ones.

    F-f (rows 1 and 2 are special: p = row 1 in pieces 1, 2; q = row 2 in pieces 2, 3): if p, q are
    independent take v_2 = (t, x, y) with x, y != 0, v_1 = p - (p_2 / y) v_2,
    v_3 = q - (q_1 / x) v_2, which have the right supports; det(v_1, v_2, v_3) = -v_2 . (p x q) up
    to sign is nonzero for generic v_2, so row 0 is a combination. If p, q are dependent, v_2 is
    the nonzero one and v_1, v_3 complete it to a basis: (e_1, e_2), (e_0, e_2) or (e_1, e_0)
    according to a nonzero coordinate 0, 1, 2; if both are zero any basis does.
    """
    shape, erased = _TABLE[data["name"]]
    pieces, observed = _transposed(pieces, observed, data)
    rows, columns = data["rows"], data["columns"]
    if not (in_range(rows, observed.shape[0]) and in_range(columns, observed.shape[1])):
        return ["C5: the rows and columns are not distinct indices"]
    wanted = sorted(
        (sorted(rows[int(i)] for i in r), sorted(columns[int(j)] for j in c)) for r, c in shape
    )
    if wanted != sorted((sorted(r), sorted(c)) for _, r, c in pieces):
        return [f"C5: the component is not {data['name']}"]
    holes = {(rows[i], columns[j]) for i, j in erased}
    cells = {(i, j) for _, r, c in pieces for i in r for j in c}
    if {cell for cell in cells if not observed[cell]} != holes:
        return [f"C5: the erased cells are not those of {data['name']}"]
    return []


def _check_deficits(pieces: list[Piece], observed: np.ndarray, data: dict[str, Any]) -> list[str]:
    del data
    rows = sorted({i for _, r, _ in pieces for i in r})
    columns = sorted({j for _, _, c in pieces for j in c})
    if not observed[np.ix_(rows, columns)].all():
        return ["C7 needs all cells observed"]
    deficits = sorted(len(rows) - len(r) + len(columns) - len(c) for _, r, c in pieces)
    if any(d > t for t, d in enumerate(deficits)):
        return ["C7: the deficits are too large"]
    return []


LEAF_RULES: dict[str, Callable[[list[Piece], np.ndarray, dict[str, Any]], list[str]]] = {
    "P": _check_pairs,
    "C3": _check_full,
    "Z": _check_open_zero,
    "C4": _check_row_basis,
    "C5": _check_table,
    "C7": _check_deficits,
}
