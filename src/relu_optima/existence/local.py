"""One component in coordinates of its own, and the way back to the full masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from relu_optima.existence.exact_refuter import refute_exactly
from relu_optima.existence.limits import Candidate
from relu_optima.existence.proof import laurent
from relu_optima.existence.proof.laurent import Laurent, SparseMatrix, add, monomial, times
from relu_optima.existence.reduction import Piece, Reduced
from relu_optima.existence.refuter import Equations, refute


class LocalComponent:
    """A component in coordinates of its own."""

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
        self._equations = Equations(supports, set(self.cells))

    def refute(self, candidate: Candidate) -> list[Any] | None:
        """Refute a candidate by case distinctions, modulo a prime."""
        target = {cell: int(candidate.limit[cell]) for cell in self.cells}
        found = refute(self._equations, target)
        return None if found is None else [checker_tree(found[0])]

    def refute_exactly(self, candidate: Candidate) -> list[Any] | None:
        """Refute a candidate with every kind of leaf."""
        target = {cell: int(candidate.limit[cell]) for cell in self.cells}
        found = refute_exactly(self._equations, target)
        return None if found is None else [checker_tree(found[0])]

    def refutation(self, tree: Any) -> dict[str, Any]:
        """Write a refutation in coordinates of the full masks."""
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
    """Rename nodes ``(side, piece, index)`` as the checker does: ``(u, i, k)``, ``(v, k, j)``."""
    if tree is None or tree[0] in ("solve", "rank"):
        return tree
    side, piece, index, zero, nonzero = tree
    named = (index, piece) if side == "u" else (piece, index)
    return [side, *named, checker_tree(zero), checker_tree(nonzero)]


@dataclass(frozen=True)
class Window:
    """Rows, columns and neurons that a search looks at, numbered anew from 0.

    Attributes
    ----------
    rows, columns, neurons : array of int
        Their numbers in the full masks.
    """

    rows: np.ndarray
    columns: np.ndarray
    neurons: np.ndarray

    def place(self, lifted: dict[str, Any], refutation: dict[str, Any]) -> dict[str, Any]:
        """Write a proof in coordinates of the full masks."""
        i, j, k = (x.tolist() for x in (self.rows, self.columns, self.neurons))
        lower, upper = lifted["curve"]

        def renamed(tree: Any) -> Any:
            if tree is None or tree[0] == "solve":
                return tree
            if tree[0] == "rank":
                names = zip((i, j, k), tree[1:], strict=True)
                return ["rank", *([name[x] for x in chosen] for name, chosen in names)]
            kind, a, b, zero, nonzero = tree
            entry = [i[a], k[b]] if kind == "u" else [k[a], j[b]]
            return [kind, *entry, renamed(zero), renamed(nonzero)]

        return {
            "curve": [
                [[k[a], j[b], entry] for a, b, entry in lower],
                [[i[a], k[b], entry] for a, b, entry in upper],
            ],
            "limit": [[i[a], j[b], entry] for a, b, entry in lifted["limit"]],
            "refutation": {
                "rows": [i[a] for a in refutation["rows"]],
                "columns": [j[b] for b in refutation["columns"]],
                "cells": [[i[a], j[b]] for a, b in refutation["cells"]],
                "tree": renamed(refutation["tree"]),
            },
        }


def lift(local: LocalComponent, candidate: Candidate, reduced: Reduced) -> dict[str, Any]:
    """Extend a component's curve to all neurons.

    Other neurons stay zero, except the stars that erased cells: in reverse order each star cancels
    whatever the product is on the cells it freed. A star shares no entry with the pieces erased
    after it, and touches only its own cells and cells that were erased before it, so one pass
    leaves the product zero on every erased cell.
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
    """List, for each star in order, the cells that it was the first to erase."""
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
