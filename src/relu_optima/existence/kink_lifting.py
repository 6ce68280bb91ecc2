"""Search for kinks that keep a non-closed subset of the neurons visible (rule B4)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from relu_optima.existence.deadline import check_time
from relu_optima.existence.exact_refuter import refute_exactly
from relu_optima.existence.limits import Candidate, candidates
from relu_optima.existence.local import checker_tree
from relu_optima.existence.proof import laurent
from relu_optima.existence.proof.laurent import SparseMatrix, add, monomial
from relu_optima.existence.refuter import Equations, refute

Carrier = tuple[int, int, bool]  # neuron, kink it carries, reversed
Kinks = list[tuple[dict[int, Fraction], dict[int, Fraction]]]
DRAWS = 600
EXACT_DRAWS = 60
SIDE = 4
MAX_WIDTH = 6  # neurons for which every choice of carriers is refuted


def lift_kinks(
    masks: list[np.ndarray], subset: list[int], deadline: float
) -> dict[str, Any] | None:
    """Search for a proof by rule B4."""
    live = np.flatnonzero(masks[0].any(axis=1) & masks[1].any(axis=0)).tolist()
    outside = [k for k in live if k not in subset]
    every_row = np.flatnonzero(masks[1].any(axis=1))
    every_column = np.flatnonzero(masks[0].any(axis=0))
    for exact in (False, True):
        rng = np.random.default_rng(1)
        draws = EXACT_DRAWS if exact else DRAWS
        while draws > 0:
            draws -= 1
            check_time(deadline)
            rows = np.sort(rng.permutation(every_row)[:SIDE])
            columns = np.sort(rng.permutation(every_column)[:SIDE])
            S = [masks[1][rows, k].astype(bool) for k in subset]
            T = [masks[0][k, columns].astype(bool) for k in subset]
            inside = np.ones((len(rows), len(columns)), bool)
            for number, candidate in enumerate(candidates(S, T, inside, rng)):
                draws -= 1
                if number >= 40 or draws <= 0:
                    break
                check_time(deadline)
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
    cells = {(i, j) for i in row_list for j in column_list}
    out = []
    for carriers in _carriers(masks, kinks):
        neurons, pieces, target = _left_over(masks, limit, kinks, carriers, (row_list, column_list))
        equations = Equations(pieces, cells)
        goal = {c: int(x) for c, x in target.items()}  # entries are integers by construction
        found = refute(equations, goal)
        if found is None and exact:
            found = refute_exactly(equations, goal, nodes=4)
        if found is None:
            return None
        tree = _named(checker_tree(found[0]), neurons)
        out.append(_case(carriers, row_list, column_list, tree))
    return out


def _carriers(masks: list[np.ndarray], kinks: Kinks) -> Iterator[tuple[Carrier, ...]]:
    """List how neurons can carry the kinks, none or one each, every kink's rows covered.

    Few carriers come first: these are the hardest cases, since most neurons are left to make the
    slope.
    """
    lower, upper = masks
    live = np.flatnonzero(lower.any(axis=1) & upper.any(axis=0)).tolist()
    able = {
        k: [
            (k, c, turned)
            for c, (_, w) in enumerate(kinks)
            if all(lower[k, j] for j in w)
            for turned in (False, True)
        ]
        for k in live
    }

    fed = {k: _bits(np.flatnonzero(upper[:, k])) for k in live}
    wanted = [_bits(p) for p, _ in kinks]

    def extend(
        carriers: tuple[Carrier, ...], rest: list[int], missing: int
    ) -> Iterator[tuple[Carrier, ...]]:
        if not missing:
            reached = [0] * len(kinks)
            for k, c, _ in carriers:
                reached[c] |= fed[k]
            if all(w & r == w for w, r in zip(wanted, reached, strict=True)):
                yield carriers
            return
        if missing > len(rest):
            return
        k, *later = rest
        yield from extend(carriers, later, missing)
        for carrier in able[k]:
            yield from extend((*carriers, carrier), later, missing - 1)

    for number in range(len(live) + 1):
        yield from extend((), live, number)


def _bits(rows: Iterable[int]) -> int:
    """Write different rows as the bits of one number."""
    return sum(1 << int(i) for i in rows)


def _left_over(
    masks: list[np.ndarray],
    limit: dict[tuple[int, int], Fraction],
    kinks: Kinks,
    carriers: tuple[Carrier, ...],
    window: tuple[list[int], list[int]],
) -> tuple[list[int], list[tuple[list[int], list[int]]], dict[tuple[int, int], Fraction]]:
    """Name the neurons that carry nothing, their rectangles in the window, and their slope.

    Rows that both orientations of a kink reach give one more neuron: its share is free there.
    """
    lower, upper = masks
    rows, columns = window
    busy = {k for k, _, _ in carriers}
    supports = {
        k: ([i for i in rows if upper[i, k]], [j for j in columns if lower[k, j]])
        for k in range(len(lower))
        if k not in busy
    }
    target = dict(limit)
    extra = len(lower)
    for c, (p, w) in enumerate(kinks):
        reach = [
            {i for i in range(len(upper)) if any(upper[i, k] for k in group)}
            for group in (
                [k for k, d, turned in carriers if d == c and not turned],
                [k for k, d, turned in carriers if d == c and turned],
            )
        ]
        for (i, x), (j, y) in itertools.product(p.items(), w.items()):
            if i in reach[1] - reach[0]:
                target[i, j] = target.get((i, j), Fraction(0)) + x * y
        if reach[0] & reach[1]:
            both = [i for i in rows if i in reach[0] & reach[1]]
            supports[extra] = (both, [j for j in columns if j in w])
            extra += 1
    used = {k: sides for k, sides in supports.items() if sides[0] and sides[1]}
    return list(used), list(used.values()), target


def _case(carriers: tuple[Carrier, ...], rows: list[int], columns: list[int], tree: Any) -> Any:
    return {
        "carriers": [list(c) for c in carriers],
        "refutation": {"rows": rows, "columns": columns, "tree": tree},
    }


def _named(tree: Any, neurons: list[int]) -> Any:
    """Replace piece numbers by neurons."""
    if tree is None or tree[0] == "solve":
        return tree
    if tree[0] == "rank":
        return [*tree[:3], [neurons[q] for q in tree[3]]]
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
