r"""Rules that prove one irreducible component closed, each with its proof.

A component is a list of pieces (rank-one terms u v^T on rectangles) and the observed cells.

**C1.** One piece whose rectangle is fully observed: {rank <= 1}, closed.

**C2, flag-cross.** All rectangles fully observed, each oriented A (rows linear) or B (columns
linear). A-pieces with equal columns T and laminar rows (any two nested or disjoint) form a flag
group; B-pieces likewise with rows and columns exchanged. Groups of one orientation share no cell.
An A-group a and a B-group b share no cell, or S_b lies in the rows of one node of a (all its rows
in the same pieces of a) and T_a in the columns of one node of b. Then the set is closed. *Proof.*
The set of an A-group is the union, over families of subspaces F_node of R^T, nested along the
tree, dim F_node = min(depth, |T|), of the linear spaces {row i in F_node(i)}: smaller spans embed
in such a family and every such family is attained. The families form a compact variety. For fixed
families the set is the image of a linear map, with kernel {sum X_a + sum Y_b = 0}. Groups of one
orientation are cell-disjoint, so X_a and -Y_b agree on the crossing blocks S_b x T_a, which are
disjoint, and vanish elsewhere: the kernel is the direct sum over crossing pairs of
G_b(node) (x) F_a(node), of constant dimension. Over a compact base, a family of linear maps of
constant rank has a closed union of images (the preimage orthogonal to the kernel is bounded by
the inverse of the least nonzero singular value, which is continuous and positive).

**C3, full space.** One side of every piece fixed to integers makes the linear map onto all observed
cells surjective: the set is everything. (Full rank modulo a prime implies full rank over Q.)

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

Piece = tuple[int, list[int], list[int]]
PRIME = 2_147_483_647


def in_range(indices: Any, size: int) -> bool:
    """Say whether a list holds distinct indices below a size.

    Parameters
    ----------
    indices : JSON value
        Candidate.
    size : int
        Bound.

    Returns
    -------
    bool
        True if so.
    """
    return (
        isinstance(indices, list)
        and all(isinstance(i, int) and not isinstance(i, bool) and 0 <= i < size for i in indices)
        and len(set(indices)) == len(indices)
    )


def read_piece(value: Any) -> Piece:
    """Read ``[neuron, rows, columns]``.

    Parameters
    ----------
    value : JSON value
        Piece.

    Returns
    -------
    Piece
        The triple.

    Raises
    ------
    ValueError
        If it has another form.
    """
    neuron, rows, columns = value
    if not isinstance(neuron, int) or isinstance(neuron, bool) or neuron < 0:
        raise ValueError("a piece has no neuron")
    return neuron, list(rows), list(columns)


def rank_mod_p(matrix: np.ndarray) -> int:
    """Compute a rank modulo the prime 2^31 - 1.

    Parameters
    ----------
    matrix : array of int
        Matrix; its rank over the rationals is at least the result.

    Returns
    -------
    int
        The rank.
    """
    a = np.array(matrix, dtype=np.int64) % PRIME
    rank = 0
    for column in range(a.shape[1]):
        below = np.flatnonzero(a[rank:, column])
        if not len(below):
            continue
        pivot = rank + int(below[0])
        a[[rank, pivot]] = a[[pivot, rank]]
        a[rank] = a[rank] * pow(int(a[rank, column]), -1, PRIME) % PRIME
        others = np.flatnonzero(a[:, column])
        others = others[others != rank]
        a[others] = (a[others] - a[others, column][:, None] * a[rank]) % PRIME
        rank += 1
        if rank == a.shape[0]:
            break
    return rank


def rational_rank(vectors: list[list[Fraction]]) -> int:
    """Compute an exact rank.

    Parameters
    ----------
    vectors : list of list of Fraction
        Rows of equal length.

    Returns
    -------
    int
        The rank over the rationals.
    """
    rows = [list(v) for v in vectors]
    rank = 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((q for q in range(rank, len(rows)) if rows[q][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for q in range(rank + 1, len(rows)):
            factor = rows[q][column] / rows[rank][column]
            rows[q] = [x - factor * y for x, y in zip(rows[q], rows[rank], strict=True)]
        rank += 1
    return rank


def _fully_observed(pieces: list[Piece], observed: np.ndarray) -> bool:
    blocks = {(tuple(rows), tuple(columns)) for _, rows, columns in pieces}
    return all(bool(observed[np.ix_(rows, columns)].all()) for rows, columns in blocks)


def _check_single(pieces: list[Piece], observed: np.ndarray, data: dict[str, Any]) -> list[str]:
    del data
    if len(pieces) == 1 and _fully_observed(pieces, observed):
        return []
    return ["C1 needs one piece with all its cells observed"]


def _check_flag_cross(pieces: list[Piece], observed: np.ndarray, data: dict[str, Any]) -> list[str]:
    if not _fully_observed(pieces, observed):
        return ["C2 needs all cells of the rectangles observed"]
    groups = data["groups"]
    flat = sorted(q for group in groups for q in group["pieces"])
    if flat != list(range(len(pieces))):
        return ["C2: the groups do not use every piece once"]
    parsed = []
    for group in groups:
        linear_rows = group["orientation"] == "A"
        members = [pieces[q] for q in group["pieces"]]
        linear = [frozenset(p[1] if linear_rows else p[2]) for p in members]
        fixed = {frozenset(p[2] if linear_rows else p[1]) for p in members}
        if len(fixed) != 1:
            return ["C2: a group has different fixed sides"]
        if any(a & b and not (a <= b or b <= a) for a, b in itertools.combinations(linear, 2)):
            return ["C2: a group is not laminar"]
        parsed.append((linear_rows, linear, next(iter(fixed))))
    for (kind, linear, side), (kind2, linear2, side2) in itertools.combinations(parsed, 2):
        union, union2 = frozenset().union(*linear), frozenset().union(*linear2)
        if kind == kind2:
            if union & union2 and side & side2:
                return ["C2: two groups of one orientation share a cell"]
        elif union & side2 and side & union2:
            one_node = len({frozenset(q for q, s in enumerate(linear) if i in s) for i in side2})
            one_node2 = len({frozenset(q for q, s in enumerate(linear2) if i in s) for i in side})
            if not (side2 <= union and side <= union2 and one_node == 1 and one_node2 == 1):
                return ["C2: two groups cross in more than one node"]
    return []


def _check_full(pieces: list[Piece], observed: np.ndarray, data: dict[str, Any]) -> list[str]:
    fixed = data["fixed"]
    if len(fixed) != len(pieces):
        return ["C3: one fixed side for each piece"]
    cells = {(i, j) for _, rows, columns in pieces for i in rows for j in columns if observed[i, j]}
    index = {cell: q for q, cell in enumerate(sorted(cells))}
    columns_of_map = []
    for (_, rows, columns), (side, values) in zip(pieces, fixed, strict=True):
        held = columns if side == "v" else rows
        free = rows if side == "v" else columns
        if side not in ("u", "v") or len(values) != len(held):
            return ["C3: a fixed side has the wrong length"]
        for x in free:
            image = np.zeros(len(cells), np.int64)
            for y, value in zip(held, values, strict=True):
                cell = (x, y) if side == "v" else (y, x)
                if cell in index:
                    image[index[cell]] = int(value)
            columns_of_map.append(image)
    rank = rank_mod_p(np.array(columns_of_map))
    return [] if rank == len(cells) else ["C3: the linear map is not onto"]


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
    if not _fully_observed(pieces, observed) or len(pieces) < len(columns):
        return ["C4 needs all cells observed and as many pieces as columns"]
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
                vectors.append([Fraction(at.get(j, 0)) for j in columns])
            rho = [Fraction(int(j in support)) for j in columns]
            span = [vectors[q] for q in inside]
            if rational_rank(vectors) != len(columns):
                return ["C4: the vectors do not span"]
            if rational_rank([*span, rho]) != rational_rank(span):
                return ["C4: the special row is not in its span"]
    return []


# components whose set is everything, as (rows, columns) of each piece and the erased cells
TABLE: dict[str, tuple[tuple[tuple[str, str], ...], tuple[tuple[int, int], ...]]] = {
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
    shape, erased = TABLE[data["name"]]
    pieces, observed = _transposed(pieces, observed, data)
    rows, columns = data["rows"], data["columns"]
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
    "C1": _check_single,
    "C2": _check_flag_cross,
    "C3": _check_full,
    "C4": _check_row_basis,
    "C5": _check_table,
    "C7": _check_deficits,
}
