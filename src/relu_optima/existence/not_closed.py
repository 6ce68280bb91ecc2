"""Search for a proof that a two-layer product set is not closed.

The search runs on a window (any rows and columns, all neurons): what is not closed there is not
closed at all. Stars are erased first; candidate limits of the rest are drawn (`limits`) and
refuted (`refuter`, `exact_refuter`); the curve is lifted to the full masks, and the result is
handed to the checker before it is returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from relu_optima.existence.closed_search import ALL_RULES, QUICK_RULES, prove_component
from relu_optima.existence.deadline import check_time
from relu_optima.existence.limits import candidates
from relu_optima.existence.local import LocalComponent, Window, lift
from relu_optima.existence.proof.curve import check_not_closed
from relu_optima.existence.reduction import Piece, Reduced, reduce_pattern

MAX_PIECES = 12
MAX_EXACT_CELLS = 20  # of the smallest rectangle around a component


@dataclass(frozen=True)
class Effort:
    """Deterministic budget of the search.

    Attributes
    ----------
    draws, exact_draws : int
        Candidate limits per component of the whole pattern for the fast and the exact refuter.
    windows, exact_windows : int
        Windows to try with either refuter where the pattern is larger than a window.
    window_draws, exact_window_draws : int
        Candidate limits per component of a window.
    side : int
        Largest side of a window.
    """

    draws: int = 1000
    exact_draws: int = 400
    windows: int = 120
    exact_windows: int = 24
    window_draws: int = 200
    exact_window_draws: int = 30
    side: int = 8


class NotClosedSearch:
    """Search one two-layer pattern."""

    def __init__(
        self, lower: np.ndarray, upper: np.ndarray, effort: Effort, deadline: float
    ) -> None:
        self.lower, self.upper = lower.astype(bool), upper.astype(bool)
        self.effort, self.deadline = effort, deadline
        self._settled: set[tuple[Any, ...]] = set()

    def run(self, rows: np.ndarray, columns: np.ndarray, *, exact: bool) -> dict[str, Any] | None:
        """Search the whole pattern and windows of it."""
        effort = self.effort
        self._settled.clear()
        if len(rows) <= effort.side and len(columns) <= effort.side:
            draws = effort.exact_draws if exact else effort.draws
            found = self._search_window(rows, columns, exact, draws)
            if found or (len(rows) <= 3 and len(columns) <= 3):
                return found
        draws = effort.exact_window_draws if exact else effort.window_draws
        rng = np.random.default_rng(0)
        for _ in range(effort.exact_windows if exact else effort.windows):
            check_time(self.deadline)
            window = self._draw_window(rows, columns, rng)
            found = self._search_window(*window, exact, draws)
            if found:
                return found
        return None

    def _draw_window(
        self, rows: np.ndarray, columns: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw rows and columns that are linked by neurons: others split into components."""
        limit = (
            int(rng.integers(2, self.effort.side + 1)),
            int(rng.integers(2, self.effort.side + 1)),
        )
        chosen_rows: set[int] = {int(rng.choice(rows))}
        chosen_columns: set[int] = set()
        for _ in range(4 * self.effort.side):
            along = bool(rng.integers(2)) if chosen_columns else True
            chosen, most = (chosen_columns, limit[1]) if along else (chosen_rows, limit[0])
            if len(chosen) == most:
                continue
            if along:
                linked = self.upper[list(chosen_rows)].any(axis=0)
                options = columns[np.asarray(self.lower[linked].any(axis=0))[columns]]
            else:
                linked = self.lower[:, list(chosen_columns)].any(axis=1)
                options = rows[np.asarray(self.upper[:, linked].any(axis=1))[rows]]
            if len(options):
                chosen.add(int(options[rng.integers(len(options))]))
        return np.array(sorted(chosen_rows)), np.array(sorted(chosen_columns), dtype=np.int64)

    def _search_window(
        self, rows: np.ndarray, columns: np.ndarray, exact: bool, draws: int
    ) -> dict[str, Any] | None:
        low, up = self.lower[:, columns], self.upper[rows]
        neurons = np.flatnonzero(low.any(axis=1) & up.any(axis=0))
        window = Window(rows, columns, neurons)
        reduced = reduce_pattern(low[neurons], up[:, neurons], flags=False, deadline=self.deadline)
        for component in reduced.components:
            if len(component) > MAX_PIECES:
                continue
            key = _shape_key(component, reduced.observed)
            if key in self._settled:
                continue
            self._settled.add(key)
            if exact and len(key[-2]) > MAX_EXACT_CELLS:
                continue
            rules = ALL_RULES if exact else QUICK_RULES
            if prove_component(component, reduced.observed, rules, self.deadline):
                continue
            found = self._search_component(component, reduced, window, exact, draws)
            if found:
                return found
        return None

    def _search_component(
        self, component: list[Piece], reduced: Reduced, window: Window, exact: bool, draws: int
    ) -> dict[str, Any] | None:
        local = LocalComponent(component, reduced.observed)
        rng = np.random.default_rng(0)
        seen: set[bytes] = set()
        for number, candidate in enumerate(
            candidates(local.row_sets, local.column_sets, local.observed, rng)
        ):
            if number >= draws:
                return None
            check_time(self.deadline)
            key = candidate.limit.tobytes()
            if key in seen:
                continue
            seen.add(key)
            tree = local.refute_exactly(candidate) if exact else local.refute(candidate)
            if tree is None:
                continue
            proof = {
                "rule": "limit of a first-order curve",
                **window.place(lift(local, candidate, reduced), local.refutation(tree[0])),
            }
            if not check_not_closed([self.lower, self.upper], proof):
                return proof
        return None


def _shape_key(component: list[Piece], observed: np.ndarray) -> tuple[Any, ...]:
    """Key under which components that differ by names only often agree."""
    local = LocalComponent(component, observed)
    order = np.lexsort(np.array(local.row_sets)[:, :][::-1])
    order2 = np.lexsort(np.array(local.column_sets)[:, :][::-1])
    pieces = sorted(
        (s[order].tobytes(), t[order2].tobytes())
        for s, t in zip(local.row_sets, local.column_sets, strict=True)
    )
    return (*pieces, local.observed[np.ix_(order, order2)].tobytes(), local.observed.shape)
