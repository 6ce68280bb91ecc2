"""A slower, stronger search for refutations: elimination and determinants at the nodes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from relu_optima.existence.elimination import Polynomial, refutes
from relu_optima.existence.refuter import (
    NONZERO,
    PRIME,
    UNKNOWN,
    ZERO,
    Equations,
    GivenUp,
    Impossible,
    State,
    propagate,
    start,
)

MAX_SIDE = 4
MAX_WINDOWS = 60


def refute_exactly(
    equations: Equations, target: Mapping[tuple[int, int], int], nodes: int = 6
) -> list[Any] | None:
    """Search for a refutation with every kind of leaf."""
    goals, state = start(equations, target)
    budget = [nodes]
    try:
        return [_branch(equations, goals, state, budget)]
    except GivenUp:
        return None


def _branch(equations: Equations, goals: list[int], state: State, budget: list[int]) -> Any:
    try:
        propagate(equations, goals, state)
    except Impossible:
        return None
    leaf = _rank_leaf(equations, goals, state)
    if leaf is not None:
        return leaf
    if _eliminates(equations, goals, state):
        return ["solve"]
    entry = _choose(equations, state)
    budget[0] -= 1
    if entry is None or budget[0] < 0:
        raise GivenUp
    branches = [
        _branch(equations, goals, state.child(entry, sign), budget) for sign in (ZERO, NONZERO)
    ]
    return [*equations.entries[entry], *branches]


def _rank_leaf(equations: Equations, goals: list[int], state: State) -> list[Any] | None:
    """Find k pieces that would have to make a window of rank k + 1."""
    pieces = sorted({q for _, q, _ in equations.entries})
    rows = sorted({i for i, _ in equations.cells})
    columns = sorted({j for _, j in equations.cells})
    number = {cell: c for c, cell in enumerate(equations.cells)}
    tried = 0
    for k in range(1, min(len(pieces), len(rows) - 1, len(columns) - 1, MAX_SIDE - 1) + 1):
        for chosen in itertools.combinations(pieces, k):
            for r in itertools.combinations(rows, k + 1):
                for c in itertools.combinations(columns, k + 1):
                    tried += 1
                    if tried > MAX_WINDOWS:
                        return None
                    grid = [
                        [_left(equations, goals, state, number.get((i, j)), chosen) for j in c]
                        for i in r
                    ]
                    if _never_singular(grid):
                        return ["rank", list(r), list(c), list(chosen)]
    return None


def _left(
    equations: Equations,
    goals: list[int],
    state: State,
    cell: int | None,
    chosen: tuple[int, ...],
) -> int | None:
    """What some pieces would have to make of a cell; None where that is not known."""
    if cell is None:
        return None
    rest = goals[cell]
    for product in equations.products_at[cell]:
        _, piece, _ = equations.entries[equations.product_entries[product][0]]
        if piece not in chosen:
            value = state.value[product]
            if value is None:
                return None
            rest -= value
    return rest % PRIME


def _never_singular(grid: list[list[int | None]]) -> bool:
    """Expand the determinant by its first row: a nonzero constant whatever the free cells are."""
    constant, free = _determinant(grid, tuple(range(len(grid))))
    return constant != 0 and not free


def _determinant(
    grid: list[list[int | None]], columns: tuple[int, ...]
) -> tuple[int, dict[frozenset[tuple[int, int]], int]]:
    """Constant term and the other coefficients of a determinant in the free cells."""
    row = len(grid) - len(columns)
    if not columns:
        return 1, {}
    constant, free = 0, dict[frozenset[tuple[int, int]], int]()
    for q, column in enumerate(columns):
        entry, sign = grid[row][column], -1 if q % 2 else 1
        if entry == 0:
            continue
        minor, rest = _determinant(grid, columns[:q] + columns[q + 1 :])
        here = frozenset() if entry is not None else frozenset({(row, column)})
        factor = sign * (1 if entry is None else entry)
        for cells, value in ((frozenset[tuple[int, int]](), minor), *rest.items()):
            key = cells | here
            if key:
                free[key] = (free.get(key, 0) + factor * value) % PRIME
            else:
                constant = (constant + factor * value) % PRIME
    return constant, {key: value for key, value in free.items() if value}


def _eliminates(equations: Equations, goals: list[int], state: State) -> bool:
    """Try to refute a state by solving for one variable after the other."""
    order = sorted(
        (x for x in range(len(equations.entries)) if state.sign[x] != ZERO),
        key=lambda x: _name(equations, x),
    )
    index = {entry: x for x, entry in enumerate(order)}
    one = (0,) * len(order)

    def monomial(product: int) -> tuple[int, ...] | None:
        pair = [index.get(entry) for entry in equations.product_entries[product]]
        return None if None in pair else tuple(int(x in pair) for x in range(len(order)))

    system: list[Polynomial] = []
    for products, goal in zip(equations.products_at, goals, strict=True):
        f = {one: -goal}
        for product in products:
            value, term = state.value[product], monomial(product)
            if value is not None:
                f[one] += value
            elif term is not None:
                f[term] = 1
        system.append({m: c % PRIME for m, c in f.items() if c % PRIME})
    for product, value in enumerate(state.value):
        term = monomial(product)
        if value is not None and term is not None:
            system.append({term: 1, one: -value % PRIME} if value else {term: 1})
    nonzero = {index[x] for x, sign in enumerate(state.sign) if sign == NONZERO}
    return refutes(system, nonzero, len(order))


def _name(equations: Equations, entry: int) -> tuple[str, int, int]:
    side, piece, place = equations.entries[entry]
    return (side, place, piece) if side == "u" else (side, piece, place)


def _choose(equations: Equations, state: State) -> int | None:
    """Pick the entry that makes most cell equations short if it is zero."""
    score: dict[int, int] = {}
    for products in equations.products_at:
        unknown = [x for x in products if state.value[x] is None]
        weight = 8 if len(unknown) == 2 else 1
        for x in unknown:
            for entry in equations.product_entries[x]:
                if state.sign[entry] == UNKNOWN:
                    score[entry] = score.get(entry, 0) + weight
    return max(score, key=lambda x: (score[x], _name(equations, x))) if score else None
