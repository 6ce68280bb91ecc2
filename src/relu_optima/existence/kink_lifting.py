"""Search for kinks that keep a non-closed subset of the neurons visible (rule B4)."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import numpy as np

from relu_optima.existence.exact_refuter import refute_exactly
from relu_optima.existence.limits import Candidate, candidates
from relu_optima.existence.local import checker_tree
from relu_optima.existence.proof import laurent
from relu_optima.existence.proof.curve import window_supports
from relu_optima.existence.proof.function import (
    Carrier,
    carrier_choices,
    live_rectangles,
    residual_problem,
    restricted,
)
from relu_optima.existence.proof.laurent import SparseMatrix, add, monomial
from relu_optima.existence.proof.refutation import State, Window
from relu_optima.existence.refuter import Equations, refute

Kinks = list[tuple[dict[int, Fraction], dict[int, Fraction]]]
DRAWS = 600
EXACT_DRAWS = 60
SIDE = 4


def lift_kinks(
    masks: list[np.ndarray], subset: list[int], deadline: float
) -> dict[str, Any] | None:
    """Search for a proof by rule B4.

    Parameters
    ----------
    masks : list of array of uint8
        The two layers, first layer first.
    subset : list of int
        Neurons S with L_S not closed.
    deadline : float
        `time.monotonic` value at which to stop.

    Returns
    -------
    dict or None
        The proof, or None.
    """
    live = [k for k, _, _ in live_rectangles(masks)]
    outside = [k for k in live if k not in subset]
    lower, upper = restricted(masks, subset)
    every_row = np.flatnonzero(masks[1].any(axis=1))
    every_column = np.flatnonzero(masks[0].any(axis=0))
    for exact in (False, True):
        rng = np.random.default_rng(1)
        draws = EXACT_DRAWS if exact else DRAWS
        while draws > 0:
            draws -= 1
            if time.monotonic() > deadline:
                return None
            rows = np.sort(rng.permutation(every_row)[:SIDE])
            columns = np.sort(rng.permutation(every_column)[:SIDE])
            S = [upper[rows, k].astype(bool) for k in subset]
            T = [lower[k, columns].astype(bool) for k in subset]
            inside = np.ones((len(rows), len(columns)), bool)
            for number, candidate in enumerate(candidates(S, T, inside, rng)):
                draws -= 1
                if number >= 40 or draws <= 0:
                    break
                if time.monotonic() > deadline:
                    return None
                kinks = _draw_kinks(masks, outside, rows, columns, rng)
                if kinks is None:
                    break
                cases = _refute_all(masks, candidate, kinks, rows, columns, exact)
                if cases is not None:
                    return _proof(candidate, kinks, cases, subset, outside, rows, columns)
    return None


def _draw_kinks(
    masks: list[np.ndarray],
    outside: list[int],
    rows: np.ndarray,
    columns: np.ndarray,
    rng: np.random.Generator,
) -> Kinks | None:
    """One kink for each outside neuron, supported in the window; None if one has no room."""
    kinks = []
    for k in outside:
        can = rows[masks[1][rows, k] > 0], columns[masks[0][k, columns] > 0]
        if not len(can[0]) or not len(can[1]):
            return None
        sides = []
        for side in can:
            size = 1 + int(rng.integers(len(side)))
            chosen = np.sort(rng.permutation(side)[:size])
            sides.append({int(i): Fraction(int(rng.choice([1, 1, -1, 2, 3]))) for i in chosen})
        kinks.append((sides[0], sides[1]))
    return kinks


def _refute_all(
    masks: list[np.ndarray],
    candidate: Candidate,
    kinks: Kinks,
    rows: np.ndarray,
    columns: np.ndarray,
    exact: bool,
) -> list[dict[str, Any]] | None:
    limit = {
        (int(rows[i]), int(columns[j])): Fraction(int(candidate.limit[i, j]))
        for i, j in np.argwhere(candidate.limit)
    }
    row_list, column_list = rows.tolist(), columns.tolist()
    cells = [(i, j) for i in row_list for j in column_list]
    out = []
    # the hardest cases first: few carriers leave most neurons to make the slope
    ordered = sorted(carrier_choices(masks, kinks), key=len)
    for carriers in ordered:
        left, target = residual_problem(masks, limit, kinks, carriers)
        supports = window_supports(left[0], left[1], row_list, column_list)
        values = {cell: target.get(cell, Fraction(0)) for cell in cells}
        neurons = list(supports)
        pieces = [(sorted(supports[k][0]), sorted(supports[k][1])) for k in neurons]
        goal = {c: int(x) for c, x in values.items()}  # entries are integers by construction
        found = refute(Equations(pieces, set(cells)), goal)
        tree = None if found is None else [_named(checker_tree(found[0]), neurons)]
        if tree is None and exact:
            tree = refute_exactly(State(Window(values, supports)), nodes=4)
        if tree is None:
            return None
        out.append(_case(carriers, row_list, column_list, tree[0]))
    return out


def _case(carriers: tuple[Carrier, ...], rows: list[int], columns: list[int], tree: Any) -> Any:
    return {
        "carriers": [list(c) for c in carriers],
        "refutation": {"rows": rows, "columns": columns, "tree": tree},
    }


def _named(tree: Any, neurons: list[int]) -> Any:
    """Replace piece numbers by neurons."""
    if tree is None:
        return None
    kind, a, b, zero, nonzero = tree
    named = [a, neurons[b]] if kind == "u" else [neurons[a], b]
    return [kind, *named, _named(zero, neurons), _named(nonzero, neurons)]


def _proof(
    candidate: Candidate,
    kinks: Kinks,
    cases: list[dict[str, Any]],
    subset: list[int],
    outside: list[int],
    rows: np.ndarray,
    columns: np.ndarray,
) -> dict[str, Any]:
    u: SparseMatrix = {}
    v: SparseMatrix = {}
    for q, k in enumerate(subset):
        for a, i in enumerate(rows):
            pole, shift = int(candidate.u_pole[q, a]), int(candidate.u_shift[q, a])
            entry = add(monomial(pole, -1), monomial(shift))
            if entry:
                u[int(i), k] = entry
        for b, j in enumerate(columns):
            base, slope = int(candidate.v_base[q, b]), int(candidate.v_shift[q, b])
            entry = add(monomial(base), monomial(slope, 1))
            if entry:
                v[k, int(j)] = entry
    product = laurent.matmul(u, v)
    limit = {cell: {0: entry[0]} for cell, entry in product.items() if 0 in entry}
    return {
        "rule": "B4",
        "subset": subset,
        "curve": [laurent.to_json(v), laurent.to_json(u)],
        "limit": laurent.to_json(limit),
        "kinks": [
            {
                "neuron": k,
                "p": [[i, str(x)] for i, x in sorted(p.items())],
                "w": [[j, str(x)] for j, x in sorted(w.items())],
            }
            for k, (p, w) in zip(outside, kinks, strict=True)
        ],
        "cases": cases,
    }
