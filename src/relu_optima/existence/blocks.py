"""Search for four blocks under one wide neuron ("block + low rank", Monarch + a dense neuron).

Two triples of rows and two of columns make four 3 x 3 blocks. If one neuron sees all of them, one
other each block, and nobody else the window, five neurons see six rows and six columns, and the
neuron of a block lacks three of each: rule X (`useless`) applies on the window, and what is not
closed on a window is not closed. In formulas: with generic vectors the blocks
x_q y_q^T + u v_q^T and a_q v_q^T + u' w_q^T, q = 1, 2, are the limit of
(u, u' / eps)(v_1, v_2)^T for the wide neuron and
x_q y_q^T, -(u' - eps a_q)(v_q - eps w_q)^T / eps for the others; in a member the wide neuron's
vectors would be multiples of u, u' and v_q, yet pair to 1 under the pseudoinverse of the last
blocks, where they pair to 0.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from relu_optima.existence.deadline import check_time
from relu_optima.existence.useless import find_useless_neuron

SIDE = 3  # rows and columns of a block that the rule needs
MAX_NEURONS = 8  # wide neurons that are tried, the widest first
MAX_CLASSES = 12  # classes of equal rows or columns that are combined
MAX_WORK = 20_000_000_000  # multiplications of the product that counts coverage


def find_blocks(lower: np.ndarray, upper: np.ndarray, deadline: float) -> dict[str, Any] | None:
    """Search for such a window and a proof by rule X on it."""
    area = upper.sum(axis=0, dtype=np.int64) * lower.sum(axis=1, dtype=np.int64)
    wide = np.argsort(-area, kind="stable")[:MAX_NEURONS]
    wide = wide[area[wide] >= 4 * SIDE**2]
    if len(wide) == 0 or upper.size * lower.shape[1] > MAX_WORK:
        return None
    low, up = lower.astype(np.float64), upper.astype(np.float64)  # exact below 2^53
    check_time(deadline)
    count = up @ low
    names = (up * np.arange(1, len(lower) + 1)) @ low
    for k in wide.tolist():
        check_time(deadline)
        rows, columns = np.flatnonzero(upper[:, k]), np.flatnonzero(lower[k])
        inside = np.ix_(rows, columns)
        owner = np.where(count[inside] == 2, names[inside] - (k + 1), 0).astype(np.int64)
        found = _four_blocks(owner)
        if found is not None:
            window = np.concatenate(found[0]), np.concatenate(found[1])
            return _on_window(lower, upper, rows[window[0]], columns[window[1]], deadline)
    return None


def _on_window(
    lower: np.ndarray, upper: np.ndarray, rows: np.ndarray, columns: np.ndarray, deadline: float
) -> dict[str, Any] | None:
    """Search for a useless neuron among those that see a window."""
    low, up = np.zeros_like(lower), np.zeros_like(upper)
    low[:, columns], up[rows] = lower[:, columns], upper[rows]
    return find_useless_neuron(low, up, deadline)


def _four_blocks(
    owner: np.ndarray,
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]] | None:
    """Find two classes of rows and two of columns whose four blocks have different owners."""
    classes = []
    for lines in (owner, owner.T):
        members: dict[bytes, list[int]] = {}
        for q, line in enumerate(np.ascontiguousarray(lines)):
            members.setdefault(line.tobytes(), []).append(q)
        large = [np.array(m[:SIDE]) for m in members.values() if len(m) >= SIDE]
        classes.append(large[:MAX_CLASSES])
    for rows in itertools.combinations(classes[0], 2):
        for columns in itertools.combinations(classes[1], 2):
            owners = np.array([[owner[a[0], c[0]] for c in columns] for a in rows])
            if (owners > 0).all() and len(np.unique(owners)) == 4:
                return rows, columns
    return None
