"""Supports of many inputs: their arrangement enumerated where it is small, else patterns drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.convex.arrangement import enumerate_patterns
from relu_optima.convex.blocks import Blocks
from relu_optima.convex.gates import merge_patterns, sample_gates
from relu_optima.convex.sparse.supports import Supports
from relu_optima.errors import BudgetError

MOST = 3  # blocks of one support that enter at a time
RANK_TOL = 1e-10  # singular value, relative to the largest, below which a direction is no data


@dataclass(frozen=True)
class SupportGates:
    """Gates of one support over its inputs.

    Attributes
    ----------
    gates : array, shape (k, g)
        One in each column.
    exact : bool
        Whether they have all activation patterns.
    """

    gates: np.ndarray
    exact: bool


def listed_gates(
    X: np.ndarray,
    supports: Supports,
    budget: int,
    count: int,
    seed: int,
    first: np.ndarray | None = None,
) -> dict[int, SupportGates]:
    """Gates of the supports whose data have a rank above three, by index.

    All cells where they are at most `budget`; else `count` that are drawn, and those that `first`,
    shape (d, g), has over the inputs of the support.
    """
    found = {}
    for s, inputs in enumerate(supports):
        columns = np.ascontiguousarray(X[:, list(inputs)])
        if len(inputs) <= 3 or np.linalg.matrix_rank(columns, rtol=RANK_TOL) <= 3:
            continue
        try:
            found[s] = SupportGates(enumerate_patterns(columns, budget=budget), True)
        except BudgetError:
            gates = sample_gates(columns, count, seed + s)
            own = gates[:, :0] if first is None else first[list(inputs)]
            gates = merge_patterns(columns, np.hstack([own, gates]))[0]
            found[s] = SupportGates(gates, False)
    return found


class ListedPatterns:
    """One support of many inputs over listed activation patterns."""

    def __init__(self, X: np.ndarray, gates: np.ndarray, *, exact: bool) -> None:
        self.X, self.exact = X, exact
        patterns = merge_patterns(X, gates)[1]
        self.blocks = Blocks(X, np.ascontiguousarray(patterns.T), relu=True)

    def price(self, nu: np.ndarray, level: float) -> tuple[float, np.ndarray, np.ndarray]:
        """Return an upper bound, and the best directions with their values, largest first."""
        C = self.blocks.correlate_all(nu)
        bounds = self.blocks.price(C, level, np.zeros(0, dtype=np.int64))
        top = np.argsort(-bounds, kind="stable")[:MOST]
        top = top[bounds[top] > level]
        points = self.blocks.nearest(top, C[top])
        sizes = np.linalg.norm(points, axis=1)
        units = points[sizes > 0] / sizes[sizes > 0][:, None]
        values = np.abs(nu @ np.maximum(self.X @ units.T, 0.0))
        kept = values > level
        return float(bounds.max(initial=0.0)), units[kept], values[kept]
