"""Fewest deletions after which every finite data set has an optimum, and a proved lower bound.

What must hold (Theorem F): in the graph of outputs and neurons with input no path of three edges is
left, i.e. every component is a star. See `repair` for the integer program. Its relaxation is
min c.z + constant over A z >= b, 0 <= z <= 1; for any y >= 0 the value is at least
b.y + sum_j min(0, c_j - (A^T y)_j), which is evaluated in rational numbers.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from relu_optima.errors import BudgetError

NODES = 20_000  # of branch and bound: a count, so that the same masks give the same repair
GRID = 2**20  # dual values are rounded to multiples of 1 / GRID


def repair_stars(masks: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
    """Return masks with a forest of stars above, and a lower bound of the number of deletions."""
    lower, upper = (mask.copy() for mask in masks)
    live = np.flatnonzero(lower.any(axis=1) & upper.any(axis=0))
    feeds = upper[:, live].astype(bool)
    outputs, r = feeds.shape
    heights = feeds.sum(axis=0, dtype=np.int64)
    widths = lower[live].sum(axis=1, dtype=np.int64)
    # unknowns: x of the outputs, x of the neurons, d of the neurons
    costs = np.concatenate([np.ones(outputs + r, np.int64), widths - heights + 1])
    constant = int((heights - 1).sum()) - outputs
    edges = sparse.csr_array(feeds.astype(np.int64))
    one, none = sparse.eye_array(r, dtype=np.int64), sparse.csr_array((outputs, r), dtype=np.int64)
    cover = sparse.block_array(
        [
            [sparse.eye_array(outputs, dtype=np.int64), edges, none],  # a centre at each output
            [edges.T, one, one],  # and at each neuron that is not cut off
            [None, -one, -one],  # a neuron that is cut off is no centre
        ]
    ).tocsr()
    need = np.concatenate([np.ones(outputs + r, np.int64), -np.ones(r, np.int64)])
    found = milp(
        costs,
        integrality=np.ones(len(costs)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(cover, need, np.inf),
        options={"node_limit": NODES, "mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise BudgetError(f"no repair was found: {found.message}", allowed=f"{NODES} nodes")
    chosen = np.round(found.x).astype(bool)
    if (cover @ chosen.astype(np.int64) < need).any():
        raise BudgetError("the solver's repair is none", allowed="an integer solution")
    centre_outputs, centre_neurons, cut = np.split(chosen, [outputs, outputs + r])
    kept = np.zeros_like(feeds)
    for q in np.flatnonzero(~centre_neurons & ~cut):
        kept[np.flatnonzero(feeds[:, q] & centre_outputs)[0], q] = True
    for i in np.flatnonzero(~centre_outputs):
        kept[i, np.flatnonzero(feeds[i] & centre_neurons)[0]] = True
    kept[:, cut] = feeds[:, cut]
    upper[:, live] = kept
    lower[live[cut]] = 0
    if not lower.any():
        raise BudgetError("the fewest deletions leave no weight below", allowed="more neurons")
    return [lower, upper], max(1, constant + _bound(costs, cover, need))


def _bound(costs: np.ndarray, cover: sparse.csr_array, need: np.ndarray) -> int:
    """Bound the integer program from below by a rational dual solution of its relaxation."""
    relaxed = linprog(costs, A_ub=-cover, b_ub=-need, bounds=(0, 1), method="highs")
    if relaxed.status != 0:
        return int(np.minimum(costs, 0).sum())
    dual = [max(0, round(-float(y) * GRID)) for y in relaxed.ineqlin.marginals]
    value = sum(int(b) * y for b, y in zip(need, dual, strict=True))
    columns = cover.T.tocsr()
    for j, cost in enumerate(costs.tolist()):
        part = slice(columns.indptr[j], columns.indptr[j + 1])
        priced = zip(columns.indices[part], columns.data[part], strict=True)
        value += min(0, cost * GRID - sum(int(a) * dual[i] for i, a in priced))
    return math.ceil(Fraction(value, GRID))
