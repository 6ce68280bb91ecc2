"""Search for a tree of case distinctions that refutes A in L (checked by `proof.refutation`).

Works modulo the prime 2^31 - 1 for speed; the checker repeats every deduction over the rationals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PRIME = 2_147_483_647
UNKNOWN, ZERO, NONZERO = 0, 1, 2


class Impossible(Exception):
    """The equations contradict each other."""


class GivenUp(Exception):
    """The budget is spent, or the target looks like a member."""


class Equations:
    """Products u_qi v_qj of pieces q, and the cell equations they must satisfy."""

    def __init__(
        self,
        pieces: Sequence[tuple[Sequence[int], Sequence[int]]],
        cells: set[tuple[int, int]],
    ) -> None:
        self.entries: list[tuple[str, int, int]] = []  # (side, piece, index)
        self.product_entries: list[tuple[int, int]] = []
        self.grids: list[list[list[int]]] = []
        at: dict[tuple[int, int], list[int]] = {cell: [] for cell in sorted(cells)}
        for q, (rows, columns) in enumerate(pieces):
            u = {i: self._entry("u", q, i) for i in rows}
            v = {j: self._entry("v", q, j) for j in columns}
            grid = []
            for i in rows:
                line = []
                for j in columns:
                    product = len(self.product_entries)
                    self.product_entries.append((u[i], v[j]))
                    line.append(product)
                    if (i, j) in at:
                        at[i, j].append(product)
                grid.append(line)
            if len(rows) > 1 and len(columns) > 1:
                self.grids.append(grid)
        self.cells = list(at)
        self.products_at = list(at.values())

    def _entry(self, side: str, piece: int, index: int) -> int:
        self.entries.append((side, piece, index))
        return len(self.entries) - 1


class State:
    """What is known: which entries are zero or not, and the value of some products."""

    def __init__(self, sign: list[int], value: list[int | None]) -> None:
        self.sign = sign
        self.value = value

    def child(self, entry: int, sign: int) -> State:
        """Return a copy in which one more entry is zero or not."""
        out = State(list(self.sign), list(self.value))
        out.sign[entry] = sign
        return out


def start(equations: Equations, target: Mapping[tuple[int, int], int]) -> tuple[list[int], State]:
    """Return what a target asks of each cell, and the state in which nothing is known."""
    goals = [target.get(cell, 0) % PRIME for cell in equations.cells]
    return goals, State([UNKNOWN] * len(equations.entries), [None] * len(equations.product_entries))


def refute(
    equations: Equations, target: Mapping[tuple[int, int], int], nodes: int = 60
) -> list[Any] | None:
    """Search for a refutation."""
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
    entry = _choose(equations, state)
    budget[0] -= 1
    if entry is None or budget[0] < 0:
        raise GivenUp
    branches = [
        _branch(equations, goals, state.child(entry, sign), budget) for sign in (ZERO, NONZERO)
    ]
    return [*equations.entries[entry], *branches]


def _choose(equations: Equations, state: State) -> int | None:
    """Pick the entry that makes most cell equations short if it is zero."""
    score = [0] * len(state.sign)
    value, sign = state.value, state.sign
    for products in equations.products_at:
        unknown = [x for x in products if value[x] is None]
        weight = 8 if len(unknown) == 2 else 1
        for x in unknown:
            u, v = equations.product_entries[x]
            score[u] += weight
            score[v] += weight
    best, best_score = None, 0
    for entry, points in enumerate(score):
        if sign[entry] == UNKNOWN and points > best_score:
            best, best_score = entry, points
    return best


def propagate(equations: Equations, goals: list[int], state: State) -> None:
    """Draw all simple consequences.

    A product with a zero factor is zero; a nonzero product has nonzero factors; a zero product
    with one nonzero factor has a zero factor; the only unknown product of a cell is what is
    missing there; u_i v_j * u_i' v_j' = u_i v_j' * u_i' v_j.
    """
    sign, value = state.sign, state.value
    pairs = equations.product_entries
    while True:
        news = False
        for x, (u, v) in enumerate(pairs):
            known = value[x]
            su, sv = sign[u], sign[v]
            if su == ZERO or sv == ZERO:
                if known is None:
                    value[x] = 0
                    news = True
                elif known:
                    raise Impossible
            elif known:
                if su == UNKNOWN or sv == UNKNOWN:
                    sign[u] = sign[v] = NONZERO
                    news = True
            elif known == 0:
                if su == NONZERO:
                    if sv == NONZERO:
                        raise Impossible
                    sign[v] = ZERO
                    news = True
                elif sv == NONZERO:
                    sign[u] = ZERO
                    news = True
        for products, goal in zip(equations.products_at, goals, strict=True):
            missing, rest = -1, goal
            for x in products:
                known = value[x]
                if known is None:
                    if missing >= 0:
                        missing = -2
                        break
                    missing = x
                else:
                    rest -= known
            if missing >= 0:
                value[missing] = rest % PRIME
                news = True
            elif missing == -1 and rest % PRIME:
                raise Impossible
        if not news:
            for grid in equations.grids:
                news |= _rank_one(grid, value)
            if not news:
                return


def _rank_one(grid: list[list[int]], value: list[int | None]) -> bool:
    news = False
    width = range(len(grid[0]))
    for a, line in enumerate(grid):
        for line2 in grid[a + 1 :]:
            p = q = 0
            for b in width:
                x, y = value[line[b]], value[line2[b]]
                if x is not None and y is not None and (x or y):
                    p, q = x, y
                    break
            else:
                continue
            for b in width:
                x, y = value[line[b]], value[line2[b]]
                if x is None and y is None:
                    continue
                if x is not None and y is not None:
                    if (x * q - y * p) % PRIME:
                        raise Impossible
                elif x is not None:
                    if p:
                        value[line2[b]] = x * q * pow(p, -1, PRIME) % PRIME
                        news = True
                    elif x:
                        raise Impossible
                elif q:
                    assert y is not None
                    value[line[b]] = y * p * pow(q, -1, PRIME) % PRIME
                    news = True
                elif y:
                    raise Impossible
    return news
