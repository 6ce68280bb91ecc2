"""Search for a useless neuron: rule X, statement and proof in `proof.curve`.

A cell for every neuron, two for neuron l and none for neuron k, all rows and columns different,
none inside S_k x T_k. Once it is settled which cells leave S_k x T_k by their row and which by
their column, rows and columns are two independent bipartite matchings.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import maximum_bipartite_matching

from relu_optima.existence.deadline import check_time
from relu_optima.existence.proof import laurent
from relu_optima.existence.proof.laurent import monomial

MAX_NEURONS = 12  # candidates for k, those that lack most first
MAX_PARTNERS = 6  # candidates for l
SPLITS = 7  # numbers of cells that leave by their row


def find_useless_neuron(
    lower: np.ndarray, upper: np.ndarray, deadline: float
) -> dict[str, Any] | None:
    """Search for a proof by rule X."""
    neurons = np.flatnonzero(lower.any(axis=1) & upper.any(axis=0))
    S, T = upper.T[neurons].astype(bool), lower[neurons].astype(bool)
    S[:, ~S.any(axis=0)], T[:, ~T.any(axis=0)] = False, False
    r = len(neurons)
    used = int(S.any(axis=0).sum()), int(T.any(axis=0).sum())
    lacking = used[0] - S.sum(axis=1) + used[1] - T.sum(axis=1)
    if r < 2 or r > min(used):
        return None
    order = np.argsort(-lacking, kind="stable")
    for k in order[lacking[order] >= r][:MAX_NEURONS]:
        shared = (S & S[k]).any(axis=1) & (T & T[k]).any(axis=1)
        beyond = (S & ~S[k]).any(axis=1) & (T & ~T[k]).any(axis=1)
        for partner in np.flatnonzero(shared & beyond)[:MAX_PARTNERS]:
            check_time(deadline)
            cells = _cells(S, T, int(k), int(partner))
            if cells is not None:
                named = [neurons[q] for q in (k, partner)]
                return _proof(int(named[0]), int(named[1]), neurons[cells[0]], *cells[1:])
    return None


def _cells(
    S: np.ndarray,
    T: np.ndarray,
    k: int,
    l: int,  # noqa: E741
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Match neurons (l first, twice, k never) to different rows and to different columns."""
    others = np.flatnonzero(~np.isin(np.arange(len(S)), (k, l)))
    out_rows, out_columns = S[others] & ~S[k], T[others] & ~T[k]
    preference = out_rows.sum(axis=1) - out_columns.sum(axis=1)
    by_need = others[np.argsort(-preference, kind="stable")]
    free_rows, free_columns = int((~S[k] & S.any(axis=0)).sum()), int((~T[k] & T.any(axis=0)).sum())
    fewest, most = max(0, len(others) - free_columns + 1), min(len(others), free_rows - 1)
    if fewest > most:
        return None
    for number in np.unique(np.linspace(fewest, most, SPLITS).round().astype(int)):
        leave = by_need[:number]
        by_row = np.isin(others, leave)
        rows = np.vstack(
            [S[l] & S[k], S[l] & ~S[k], np.where(by_row[:, None], out_rows, S[others])]
        )
        columns = np.vstack(
            [T[l] & ~T[k], T[l] & T[k], np.where(by_row[:, None], T[others], out_columns)]
        )
        i, j = _matching(rows), _matching(columns)
        if i is not None and j is not None:
            return np.concatenate([[l, l], others]), i, j
    return None


def _matching(options: np.ndarray) -> np.ndarray | None:
    chosen = maximum_bipartite_matching(sparse.csr_array(options), perm_type="column")
    return None if (chosen < 0).any() else np.asarray(chosen)


def _proof(
    k: int,
    l: int,  # noqa: E741
    neurons: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
) -> dict[str, Any]:
    (i, i2), (c, c2) = rows[:2].tolist(), columns[:2].tolist()
    one = monomial(1)
    upper = {(i, l): monomial(1, -1), (i2, l): one, (i, k): monomial(-1, -1)}
    lower = {(l, c2): one, (l, c): monomial(1, 1), (k, c2): one}
    for q, row, column in zip(neurons[2:], rows[2:], columns[2:], strict=True):
        upper[int(row), int(q)] = lower[int(q), int(column)] = one
    cells = zip(rows.tolist(), columns.tolist(), strict=True)
    return {
        "rule": "X",
        "curve": [laurent.to_json(lower), laurent.to_json(upper)],
        "limit": laurent.to_json(dict.fromkeys(cells, one)),
        "refutation": {
            "rows": sorted(rows.tolist()),
            "columns": sorted(columns.tolist()),
            "useless": k,
        },
    }
