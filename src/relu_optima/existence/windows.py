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

from dataclasses import dataclass
from typing import Any

import numpy as np

from relu_optima.existence.deadline import check_time
from relu_optima.existence.proof import laurent
from relu_optima.existence.proof.laurent import monomial

MULTIPLICATIONS = 2_000_000_000  # of one product, between two looks at the clock


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
) -> OpenWindow | None:
    """Search all 2x2 windows.

    Cost O(m n r) for the coverage counts, one matrix product.
    """
    rows, columns = np.flatnonzero(upper.any(axis=1)), np.flatnonzero(lower.any(axis=0))
    cells, owners = _covered_once(lower[:, columns], upper[rows], deadline)
    order = np.argsort(owners, kind="stable")
    cuts = np.flatnonzero(np.diff(owners[order])) + 1
    for group in np.split(order, cuts) if len(order) else []:
        check_time(deadline)
        corner = _bad_corner(*np.divmod(cells[group], len(columns)))
        if corner:
            k = int(owners[group[0]])
            i, i2, j, j2 = int(rows[corner[0]]), int(rows[corner[1]]), *columns[list(corner[2:])]
            others = np.flatnonzero(upper[i].astype(bool) & lower[:, j2].astype(bool))
            return OpenWindow(i, i2, int(j), int(j2), k, int(others[others != k][0]))
    return None


def _covered_once(
    lower: np.ndarray, upper: np.ndarray, deadline: float
) -> tuple[np.ndarray, np.ndarray]:
    """List the cells that one neuron covers alone, as numbers, and that neuron."""
    n = lower.shape[1]
    low = lower.astype(np.float32)  # counts below 2^24 are exact
    numbers = np.arange(1, len(lower) + 1, dtype=np.float32)
    height = max(1, MULTIPLICATIONS // max(1, lower.size))
    cells, owners = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, len(upper), height):
        check_time(deadline)
        up = upper[start : start + height].astype(np.float32)
        alone = np.flatnonzero((up @ low == 1).ravel())
        if len(alone):
            owner = ((up * numbers) @ low).ravel()[alone]
            cells.append(alone + start * n)
            owners.append(owner.astype(np.int64) - 1)
    return np.concatenate(cells), np.concatenate(owners)


def _bad_corner(rows: np.ndarray, columns: np.ndarray) -> tuple[int, int, int, int] | None:
    """Find rows a, b and columns c, d with (a, c), (b, c), (b, d) in a cell set but not (a, d)."""
    some_rows, i = np.unique(rows, return_inverse=True)
    some_columns, j = np.unique(columns, return_inverse=True)
    sub = np.zeros((len(some_rows), len(some_columns)), bool)
    sub[i, j] = True
    # a component is complete bipartite iff rows that meet in a column are equal
    first = sub.argmax(axis=0)  # first row with the column
    for column in range(len(some_columns)):
        members = np.flatnonzero(sub[:, column])
        if len(members) < 2:
            continue
        reference = sub[first[column]]
        different = (sub[members] != reference).any(axis=1)
        if different.any():
            other, lead = int(members[different.argmax()]), int(first[column])
            gained = sub[other] & ~reference
            a, b = (lead, other) if gained.any() else (other, lead)
            extra = int((sub[b] & ~sub[a]).argmax())
            return (
                int(some_rows[a]), int(some_rows[b]),
                int(some_columns[column]), int(some_columns[extra]),
            )  # fmt: skip
    return None


def window_proof(window: OpenWindow, cut: int = 1) -> dict[str, Any]:
    """Write the proof that an open window gives.

    With a, b the rows and c, d the columns, u_k = e_a + eps e_b, v_k = e_c + e_d / eps,
    u_l = e_a, v_l = -e_d / eps have the product E_ac + E_bd + eps E_bc. The limit E_ac + E_bd is
    no member: (a, c) and (b, d) force u_bk and v_kc to be nonzero, but (b, c) is zero.
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
