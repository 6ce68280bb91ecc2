"""Search windows of twin rows and columns for a useless neuron: blocks beside dense neurons.

Rule X (`useless`, proof in `proof.curve`) needs at most as many neurons as the window has rows.
Where rows come in classes that the same neurons see ("Monarch + low rank": b x b blocks of side h
under q dense neurons), a window of b classes of rows and of columns is seen by b^2 + q neurons but
has b h rows, and a block lacks 2 (b - 1) h of them: the rule applies as soon as
b^2 + q <= min(b, 2 (b - 1)) h. Four 3 x 3 blocks under one dense neuron are the smallest case.
What is not closed on a window is not closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from relu_optima.existence.deadline import check_time
from relu_optima.existence.useless import find_useless_neuron

MAX_CLASSES = 4  # of rows, and of columns, in one window
MAX_MEMBERS = 8  # rows of a class in one window


def find_blocks(lower: np.ndarray, upper: np.ndarray, deadline: float) -> dict[str, Any] | None:
    """Search for such a window and a proof by rule X on it."""
    live = lower.any(axis=1) & upper.any(axis=0)
    row_classes, column_classes = _classes(upper[:, live]), _classes(lower[live].T)
    tried: set[bytes] = set()
    for rows, columns in _windows(row_classes, column_classes):
        check_time(deadline)
        seen = np.flatnonzero(upper[rows].any(axis=0) & lower[:, columns].any(axis=1))
        if len(seen) > min(len(rows), len(columns)):
            continue
        low, up = lower[np.ix_(seen, columns)], upper[np.ix_(rows, seen)]
        name = low.tobytes() + up.tobytes()
        if name in tried:
            continue
        tried.add(name)
        found = find_useless_neuron(low, up, deadline)
        if found is not None:
            return _renamed(found, rows.tolist(), columns.tolist(), seen.tolist())
    return None


def _classes(members: np.ndarray) -> list[np.ndarray]:
    """List the classes of equal lines that are not zero, large ones first."""
    classes: dict[bytes, list[int]] = {}
    for q in np.flatnonzero(members.any(axis=1)).tolist():
        classes.setdefault(members[q].tobytes(), []).append(q)
    large = [np.array(c) for c in classes.values() if len(c) > 1]
    return sorted(large, key=len, reverse=True)[:MAX_CLASSES]


def _windows(
    row_classes: list[np.ndarray], column_classes: list[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Combine the first members of the first classes, few ones first."""
    for some_rows in range(2, len(row_classes) + 1):
        for some_columns in range(2, len(column_classes) + 1):
            for height in range(2, MAX_MEMBERS + 1):
                rows = np.concatenate([c[:height] for c in row_classes[:some_rows]])
                columns = np.concatenate([c[:height] for c in column_classes[:some_columns]])
                yield rows, columns


def _renamed(
    proof: dict[str, Any], rows: list[int], columns: list[int], neurons: list[int]
) -> dict[str, Any]:
    """Write a proof on a window in the numbers of the full masks."""
    lower, upper = proof["curve"]
    refutation = proof["refutation"]
    return {
        "rule": proof["rule"],
        "curve": [
            [[neurons[k], columns[j], entry] for k, j, entry in lower],
            [[rows[i], neurons[k], entry] for i, k, entry in upper],
        ],
        "limit": [[rows[i], columns[j], entry] for i, j, entry in proof["limit"]],
        "refutation": {
            "rows": [rows[i] for i in refutation["rows"]],
            "columns": [columns[j] for j in refutation["columns"]],
            "useless": neurons[refutation["useless"]],
        },
    }
