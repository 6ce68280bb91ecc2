"""Search for a proof that a two-layer product set is not closed.

The search runs on a window (any rows and columns, all neurons): what is not closed there is not
closed at all. Stars are erased first; candidate limits of the rest are drawn (`limits`) and
refuted (`refuter`, `exact_refuter`); the curve is lifted to the full masks, and the result is
handed to the checker before it is returned.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from relu_optima.existence.closed_search import ALL_RULES, QUICK_RULES, prove_component
from relu_optima.existence.exact_refuter import refute_exactly
from relu_optima.existence.limits import Candidate, candidates
from relu_optima.existence.proof import laurent
from relu_optima.existence.proof.curve import check_not_closed
from relu_optima.existence.proof.laurent import Laurent, SparseMatrix, add, monomial, times
from relu_optima.existence.proof.refutation import State, Window
from relu_optima.existence.reduction import Piece, Reduced, reduce_pattern
from relu_optima.existence.refuter import Equations, refute

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
    side: int = 6


class NotClosedSearch:
    """Search one two-layer pattern.

    Parameters
    ----------
    lower, upper : array of uint8, shape (r, n) and (m, r)
        Masks of the two layers.
    effort : Effort
        Budget.
    deadline : float
        `time.monotonic` value at which to stop.
    """

    def __init__(
        self, lower: np.ndarray, upper: np.ndarray, effort: Effort, deadline: float
    ) -> None:
        self.lower, self.upper = lower, upper
        self.effort, self.deadline = effort, deadline
        self.timed_out = False
        self._settled: set[tuple[Any, ...]] = set()

    def run(self, rows: np.ndarray, columns: np.ndarray, *, exact: bool) -> dict[str, Any] | None:
        """Search the whole pattern and windows of it.

        Parameters
        ----------
        rows, columns : array of int
            Rows and columns that matter (after the twin cap).
        exact : bool
            Use the slow, strong refuter.

        Returns
        -------
        dict or None
            A checked proof, or None.
        """
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
            if time.monotonic() > self.deadline:
                self.timed_out = True
                return None
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
        chosen_rows, chosen_columns = {int(rng.choice(rows))}, set()
        for _ in range(4 * self.effort.side):
            along = int(rng.integers(2)) if chosen_columns else 1
            if along:
                near = self.lower[self.upper[sorted(chosen_rows)].any(axis=0)].any(axis=0)
                options, chosen, most = columns[near[columns]], chosen_columns, limit[1]
            else:
                near = self.upper[:, self.lower[:, sorted(chosen_columns)].any(axis=1)].any(axis=1)
                options, chosen, most = rows[near[rows]], chosen_rows, limit[0]
            if len(chosen) < most and len(options):
                chosen.add(int(rng.choice(options)))
        return np.array(sorted(chosen_rows)), np.array(sorted(chosen_columns), dtype=np.int64)

    def _search_window(
        self, rows: np.ndarray, columns: np.ndarray, exact: bool, draws: int
    ) -> dict[str, Any] | None:
        lower = np.zeros_like(self.lower)
        upper = np.zeros_like(self.upper)
        lower[:, columns] = self.lower[:, columns]
        upper[rows] = self.upper[rows]
        reduced = reduce_pattern(lower, upper, flags=False)
        for component in reduced.components:
            if len(component) > MAX_PIECES:
                continue
            key = _shape_key(component, reduced.observed)
            if key in self._settled:
                continue
            self._settled.add(key)
            if exact and len(key[-2]) > MAX_EXACT_CELLS:
                continue
            if prove_component(component, reduced.observed, ALL_RULES if exact else QUICK_RULES):
                continue
            found = self._search_component(component, reduced, exact, draws)
            if found:
                return found
        return None

    def _search_component(
        self, component: list[Piece], reduced: Reduced, exact: bool, draws: int
    ) -> dict[str, Any] | None:
        local = LocalComponent(component, reduced.observed)
        rng = np.random.default_rng(0)
        seen: set[bytes] = set()
        for number, candidate in enumerate(
            candidates(local.row_sets, local.column_sets, local.observed, rng)
        ):
            if number >= draws:
                return None
            if exact and number % 8 == 0 and time.monotonic() > self.deadline:
                return None
            key = candidate.limit.tobytes()
            if key in seen:
                continue
            seen.add(key)
            tree = local.refute_exactly(candidate) if exact else local.refute(candidate)
            if tree is None:
                continue
            proof = {
                "rule": "limit of a first-order curve",
                **lift(local, candidate, reduced),
                "refutation": local.refutation(tree[0]),
            }
            if not check_not_closed([self.lower, self.upper], proof):
                return proof
        return None


class LocalComponent:
    """A component in coordinates of its own.

    Parameters
    ----------
    component : list of Piece
        Pieces.
    observed : array of bool
        Observed cells of the whole pattern.
    """

    def __init__(self, component: list[Piece], observed: np.ndarray) -> None:
        self.pieces = component
        self.rows = sorted({i for p in component for i in p.rows})
        self.columns = sorted({j for p in component for j in p.columns})
        self.row_sets = [np.isin(self.rows, p.rows) for p in component]
        self.column_sets = [np.isin(self.columns, p.columns) for p in component]
        covered = np.zeros((len(self.rows), len(self.columns)), bool)
        for s, t in zip(self.row_sets, self.column_sets, strict=True):
            covered |= np.outer(s, t)
        self.observed = observed[np.ix_(self.rows, self.columns)] & covered
        self.cells = [(int(i), int(j)) for i, j in np.argwhere(self.observed)]
        supports = [
            (np.flatnonzero(s).tolist(), np.flatnonzero(t).tolist())
            for s, t in zip(self.row_sets, self.column_sets, strict=True)
        ]
        self._supports = {q: (frozenset(s), frozenset(t)) for q, (s, t) in enumerate(supports)}
        self._equations = Equations(supports, set(self.cells))

    def refute(self, candidate: Candidate) -> list[Any] | None:
        """Refute a candidate by case distinctions, modulo a prime.

        Parameters
        ----------
        candidate : Candidate
            Limit.

        Returns
        -------
        list or None
            ``[tree]``, entries as ``(side, piece, index)``.
        """
        target = {cell: int(candidate.limit[cell]) for cell in self.cells}
        found = refute(self._equations, target)
        return None if found is None else [checker_tree(found[0])]

    def refute_exactly(self, candidate: Candidate) -> list[Any] | None:
        """Refute a candidate with every kind of leaf.

        Parameters
        ----------
        candidate : Candidate
            Limit.

        Returns
        -------
        list or None
            ``[tree]``, entries as the checker names them.
        """
        cells = {cell: Fraction(int(candidate.limit[cell])) for cell in self.cells}
        return refute_exactly(State(Window(cells, self._supports)))

    def refutation(self, tree: Any) -> dict[str, Any]:
        """Write a refutation in coordinates of the full masks.

        Parameters
        ----------
        tree : JSON value
            Tree in local coordinates.

        Returns
        -------
        dict
            JSON value.
        """
        return {
            "rows": self.rows,
            "columns": self.columns,
            "cells": [[self.rows[i], self.columns[j]] for i, j in self.cells],
            "tree": self._global(tree),
        }

    def _global(self, tree: Any) -> Any:
        if tree is None or tree[0] == "solve":
            return tree
        if tree[0] == "rank":
            _, rows, columns, pieces = tree
            return [
                "rank",
                [self.rows[i] for i in rows],
                [self.columns[j] for j in columns],
                [self.pieces[q].neuron for q in pieces],
            ]
        kind, a, b, zero, nonzero = tree
        named = (
            [self.rows[a], self.pieces[b].neuron]
            if kind == "u"
            else [self.pieces[a].neuron, self.columns[b]]
        )
        return [kind, *named, self._global(zero), self._global(nonzero)]


def checker_tree(tree: Any) -> Any:
    """Rename the nodes ``(side, piece, index)`` as the checker does: ``(u, i, k)``, ``(v, k, j)``.

    Parameters
    ----------
    tree : list or None
        Tree from `refuter.refute`.

    Returns
    -------
    list or None
        The same tree, pieces still numbered as the refuter numbers them.
    """
    if tree is None:
        return None
    side, piece, index, zero, nonzero = tree
    named = (index, piece) if side == "u" else (piece, index)
    return [side, *named, checker_tree(zero), checker_tree(nonzero)]


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


def lift(local: LocalComponent, candidate: Candidate, reduced: Reduced) -> dict[str, Any]:
    """Extend a component's curve to the full masks.

    Other neurons stay zero, except the stars that erased cells: in reverse order each star cancels
    whatever the product is on the cells it freed. A star shares no entry with the pieces erased
    after it, and touches only its own cells and cells that were erased before it, so one pass
    leaves the product zero on every erased cell.

    Parameters
    ----------
    local : LocalComponent
        The component.
    candidate : Candidate
        Limit and curve on the component.
    reduced : Reduced
        Log of the erasures (stars only).

    Returns
    -------
    dict
        ``curve`` and ``limit`` as JSON.
    """
    u: SparseMatrix = {}
    v: SparseMatrix = {}
    for q, piece in enumerate(local.pieces):
        for a, i in enumerate(local.rows):
            entry = add(
                monomial(int(candidate.u_pole[q, a]), -1), monomial(int(candidate.u_shift[q, a]))
            )
            if entry and i in piece.rows:
                u[i, piece.neuron] = entry
        for b, j in enumerate(local.columns):
            entry = add(
                monomial(int(candidate.v_base[q, b])), monomial(int(candidate.v_shift[q, b]), 1)
            )
            if entry and j in piece.columns:
                v[piece.neuron, j] = entry
    for step, own in reversed(owned_cells(reduced)):
        k, rows, _ = step["piece"]
        for i, j in own:
            residual = _entry(u, v, i, j)
            if not residual:
                continue
            if len(rows) == 1:
                u[i, k] = monomial(1)
                v[k, j] = times(residual, monomial(-1))
            else:
                v[k, j] = monomial(1)
                u[i, k] = times(residual, monomial(-1))
    product = laurent.matmul(u, v)
    limit = {cell: {0: entry[0]} for cell, entry in product.items() if 0 in entry}
    return {
        "curve": [laurent.to_json(v), laurent.to_json(u)],
        "limit": laurent.to_json(limit),
    }


def owned_cells(reduced: Reduced) -> list[tuple[dict[str, Any], list[tuple[int, int]]]]:
    """List, for each star in order, the cells that it was the first to erase.

    Parameters
    ----------
    reduced : Reduced
        Log of the erasures (stars only).

    Returns
    -------
    list of (dict, list of (int, int))
        Each step and its cells.
    """
    taken: set[tuple[int, int]] = set()
    out = []
    for step in reduced.erasures:
        _, rows, columns = step["piece"]
        own = [(i, j) for i in rows for j in columns if (i, j) not in taken]
        taken.update(own)
        out.append((step, own))
    return out


def _entry(u: SparseMatrix, v: SparseMatrix, i: int, j: int) -> Laurent:
    total: Laurent = {}
    for (i2, k), left in u.items():
        right = v.get((k, j)) if i2 == i else None
        if right:
            total = add(total, times(left, right))
    return total
