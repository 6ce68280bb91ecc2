"""Search for a point where the product vanishes and is open: rule Z of `proof.closed_rules`.

Columns in which few pieces meet get factors first; every row of the other side is then drawn from
the vectors that make these columns vanish, and every other column from those that the rows make
vanish.
"""

from __future__ import annotations

import math
from typing import Any

import flint
import numpy as np

from relu_optima.existence.deadline import check_time
from relu_optima.existence.proof.linear import PRIME, rank_mod_p
from relu_optima.existence.reduction import Piece

MAX_CELLS = 2000
MAX_RANK_CELLS = 400  # cells of one elimination
MORE_COLUMNS = (0, 1, 2, 4)  # columns that get factors first beyond those that need it
Matrix = np.ndarray


def find_open_zero(
    pieces: list[Piece], observed: np.ndarray, deadline: float
) -> dict[str, Any] | None:
    """Search for a proof by rule Z."""
    rows = sorted({i for p in pieces for i in p.rows})
    columns = sorted({j for p in pieces for j in p.columns})
    S = np.array([np.isin(rows, p.rows) for p in pieces]).T
    T = np.array([np.isin(columns, p.columns) for p in pieces])
    cells = observed[np.ix_(rows, columns)] & (S.astype(int) @ T.astype(int) > 0)
    unknowns = sum(len(p.rows) + len(p.columns) - 1 for p in pieces)
    if not cells.sum() <= min(MAX_CELLS, unknowns):
        return None
    rng = np.random.default_rng(0)
    for more in MORE_COLUMNS:
        for transposed in (False, True):
            check_time(deadline)
            side = (S, T, cells) if not transposed else (T.T, S.T, cells.T)
            point = _point(*side, more, rng, deadline)
            if point is None:
                continue
            U, V = point if not transposed else (point[1].T, point[0].T)
            if _is_onto(S, T, cells, U, V):
                return {
                    "u": [U[S[:, q], q].tolist() for q in range(len(pieces))],
                    "v": [V[q, T[q]].tolist() for q in range(len(pieces))],
                }
    return None


def _point(
    S: Matrix, T: Matrix, cells: Matrix, more: int, rng: np.random.Generator, deadline: float
) -> tuple[Matrix, Matrix] | None:
    """Draw factors whose product vanishes on the cells."""
    lacking = cells.sum(axis=0) - T.sum(axis=0)
    order = np.argsort(-lacking, kind="stable")
    first = order[: int((lacking > 0).sum()) + more]
    if len(first) == 0 or len(first) == len(lacking):
        return None
    U, V = (np.zeros(x.shape, dtype=object) for x in (S, T))
    for j in first:
        V[T[:, j], j] = rng.integers(1, 10, int(T[:, j].sum()))
    for i in range(len(S)):
        inside = np.flatnonzero(S[i])
        U[i, inside] = _vanishing(V[np.ix_(inside, first[cells[i, first]])].T, rng)
    for j in np.setdiff1d(order, first):
        check_time(deadline)
        inside = np.flatnonzero(T[:, j])
        V[inside, j] = _vanishing(U[np.ix_(cells[:, j], inside)], rng)
    return U, V


def _vanishing(equations: Matrix, rng: np.random.Generator) -> list[int]:
    """Draw a vector that a matrix maps to zero."""
    m, n = equations.shape
    if m == 0:
        return [int(rng.integers(1, 10)) for _ in range(n)]
    basis, nullity = flint.fmpz_mat(m, n, equations.ravel().tolist()).nullspace()
    weights = [int(rng.integers(1, 10)) for _ in range(int(nullity))]
    padded = flint.fmpz_mat(n, 1, weights + [0] * (n - len(weights)))
    mixed = [int(x) for x in (basis * padded).entries()]
    common = math.gcd(*mixed) or 1
    return [x // common for x in mixed]


def _is_onto(S: Matrix, T: Matrix, cells: Matrix, U: Matrix, V: Matrix) -> bool:
    """Say whether the derivative of the product reaches every cell.

    Asked without the columns that their own v reach, then without the rows that their own u reach.
    """
    low = (U % PRIME).astype(np.int64), (V % PRIME).astype(np.int64)
    columns = [
        j
        for j in range(cells.shape[1])
        if rank_mod_p(low[0][cells[:, j]][:, T[:, j]]) < cells[:, j].sum()
    ]
    rows = [
        i
        for i in range(len(cells))
        if rank_mod_p(low[1][S[i]][:, [j for j in columns if cells[i, j]]])
        < cells[i, columns].sum()
    ]
    places = [(i, j) for i in rows for j in columns if cells[i, j]]
    if len(places) > MAX_RANK_CELLS:
        return False
    number = {place: x for x, place in enumerate(places)}
    lines = []
    for i in rows:
        for q in np.flatnonzero(S[i]):
            line = [0] * len(places)
            for j in columns:
                if T[q, j] and (i, j) in number:
                    line[number[i, j]] = int(low[1][q, j])
            lines.append(line)
    for j in columns:
        for q in np.flatnonzero(T[:, j]):
            line = [0] * len(places)
            for i in rows:
                if S[i, q] and (i, j) in number:
                    line[number[i, j]] = int(low[0][i, q])
            lines.append(line)
    return not places or rank_mod_p(np.array(lines)) == len(places)
