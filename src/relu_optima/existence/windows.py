"""The exact scan for 2x2 windows that are not closed (rule P4).

A 2x2 window (all neurons kept) is not closed iff exactly one neuron covers all four cells and
exactly one of these cells is covered by any other neuron. *Proof.* No neuron covers all four: only
stars meet the window, its set is a coordinate space. Two or more do: every 2x2 matrix is a sum.
Exactly one does, and Z is the set of cells that others cover: Z empty: rank one, closed; |Z| = 1:
not closed, by the curve below; |Z| >= 2: off Z there is one star or two disjoint cells, free.
Equivalently: a connected component of the bipartite graph E_k, of cells that neuron k alone
covers, is not complete bipartite.

A window that is not closed makes the whole not closed: the window's set is L intersected with a
coordinate subspace (set the other rows of W2 and columns of W1 to zero).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from relu_optima.existence.proof import laurent
from relu_optima.existence.proof.laurent import monomial

CELLS_AT_ONCE = 64_000_000  # float32 counts of one scan: 256 MB
CHUNK = 512


@dataclass(frozen=True)
class OpenWindow:
    """A 2x2 window that is not closed.

    Attributes
    ----------
    row_a, row_b, column_a, column_b : int
        Cells (a, a), (b, a) and (b, b) are covered by `neuron` alone, (a, b) by others too.
    neuron, other : int
        The neuron that covers all four cells, and another one on (a, b).
    """

    row_a: int
    row_b: int
    column_a: int
    column_b: int
    neuron: int
    other: int


def find_open_window(
    lower: np.ndarray, upper: np.ndarray, deadline: float = float("inf")
) -> tuple[OpenWindow | None, bool]:
    """Search all 2x2 windows.

    Cost O(m n r) for the coverage counts, one matrix product.

    Parameters
    ----------
    lower : array of uint8, shape (r, n)
        Mask of W1.
    upper : array of uint8, shape (m, r)
        Mask of W2.
    deadline : float, optional
        `time.monotonic` value at which to stop.

    Returns
    -------
    (OpenWindow or None, bool)
        A window that is not closed, and whether the search was complete.
    """
    m, n = upper.shape[0], lower.shape[1]
    if m * n <= CELLS_AT_ONCE and lower.shape[0] * (m + n) <= 2 * CELLS_AT_ONCE:
        return _scan(lower, upper, np.arange(m), np.arange(n)), True
    for row in range(0, m, CHUNK):
        for column in range(0, n, CHUNK):
            if time.monotonic() > deadline:
                return None, False
            rows = np.arange(row, min(row + CHUNK, m))
            columns = np.arange(column, min(column + CHUNK, n))
            found = _scan(lower, upper, rows, columns)
            if found:
                return found, True
    return None, False


def _scan(
    lower: np.ndarray, upper: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> OpenWindow | None:
    up = upper[rows].astype(np.float32)  # counts below 2^24 are exact
    low = lower[:, columns].astype(np.float32)
    count = up @ low
    alone = count == 1
    if not alone.any():
        return None
    up *= np.arange(1, upper.shape[1] + 1, dtype=np.float32)
    owner = np.where(alone, up @ low, 0).astype(np.int64) - 1
    for k in np.unique(owner[alone]):
        corner = _bad_corner(owner == k)
        if corner:
            a, b, j, j2 = corner
            i, i2 = int(rows[a]), int(rows[b])
            ja, jb = int(columns[j]), int(columns[j2])
            others = np.flatnonzero(upper[i].astype(bool) & lower[:, jb].astype(bool))
            other = int(others[others != k][0])
            return OpenWindow(i, i2, ja, jb, int(k), other)
    return None


def _bad_corner(cells: np.ndarray) -> tuple[int, int, int, int] | None:
    """Find rows a, b and columns c, d with (a, c), (b, c), (b, d) in a cell set but not (a, d)."""
    rows = np.flatnonzero(cells.any(axis=1))
    sub = cells[rows]
    # a component is complete bipartite iff rows that meet in a column are equal
    first = sub.argmax(axis=0)  # first row with the column, where there is one
    used = sub.any(axis=0)
    for column in np.flatnonzero(used):
        members = np.flatnonzero(sub[:, column])
        if len(members) < 2:
            continue
        reference = sub[first[column]]
        different = (sub[members] != reference).any(axis=1)
        if different.any():
            other = int(members[different.argmax()])
            lead = int(first[column])
            gained = sub[other] & ~reference
            if gained.any():
                return int(rows[lead]), int(rows[other]), int(column), int(gained.argmax())
            lost = reference & ~sub[other]
            return int(rows[other]), int(rows[lead]), int(column), int(lost.argmax())
    return None


def window_proof(window: OpenWindow, cut: int = 1) -> dict[str, Any]:
    """Write the proof that an open window gives.

    With a, b the rows and c, d the columns, u_k = e_a + eps e_b, v_k = e_c + e_d / eps,
    u_l = e_a, v_l = -e_d / eps have the product E_ac + E_bd + eps E_bc. The limit E_ac + E_bd is
    no member: (a, c) and (b, d) force u_bk and v_kc to be nonzero, but (b, c) is zero.

    Parameters
    ----------
    window : OpenWindow
        The window.
    cut : int, optional
        Number of layers below the cut.

    Returns
    -------
    dict
        JSON proof for two layers.
    """
    a, b, c, d = window.row_a, window.row_b, window.column_a, window.column_b
    k, l = window.neuron, window.other  # noqa: E741
    one = monomial(1)
    upper = {(a, k): one, (b, k): monomial(1, 1), (a, l): one}
    lower = {(k, c): one, (k, d): monomial(1, -1), (l, d): monomial(-1, -1)}
    return {
        "rule": "P4",
        "curve": [laurent.to_json(lower), laurent.to_json(upper)],
        "limit": laurent.to_json({(a, c): one, (b, d): one}),
        "refutation": {"rows": [a, b], "columns": [c, d], "cut": cut, "tree": None},
    }
