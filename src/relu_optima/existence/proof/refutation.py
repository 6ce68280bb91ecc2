"""Exact refutations of membership: no factors with these supports have the product A.

For cells (i, j) of a window, every member M of L = {sum_k u_k v_k^T} satisfies
sum_k u_ik v_kj = M_ij. `propagate` draws consequences of these equations that hold over every
field; a tree of case distinctions (an entry is zero, or it is not) whose leaves all end in a
contradiction proves that A is not in L, over the complex numbers and hence over the reals. A
leaf may also be refuted by a Groebner basis or by a determinant.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import flint

Entry = tuple[str, int, int]  # ("u", row, neuron) or ("v", neuron, column)
ZERO, NONZERO = 0, 1
BASIS_LIMITS = (200, 300, 1024)  # polynomials, terms of one, bits of a coefficient


class Contradiction(Exception):
    """The equations have no solution under the case distinctions made."""


class Window:
    """Cell equations of a target on some rows and columns, all neurons kept."""

    def __init__(
        self,
        cells: Mapping[tuple[int, int], Fraction],
        supports: Mapping[int, tuple[frozenset[int], frozenset[int]]],
    ) -> None:
        self.cells = dict(cells)
        self.rows_of = {k: sorted(s) for k, (s, _) in supports.items()}
        self.columns_of = {k: sorted(t) for k, (_, t) in supports.items()}
        self.neurons_at = {
            (i, j): [k for k, (s, t) in supports.items() if i in s and j in t]
            for i, j in self.cells
        }
        # the rank-one rule also speaks about cells without an equation, so products live on the
        # whole rectangle of every neuron
        self.products = [
            (k, i, j) for k in supports for i in self.rows_of[k] for j in self.columns_of[k]
        ]


class State:
    """What is known: which entries are zero or not, and the value of some products."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.sign: dict[Entry, int] = {}
        self.value: dict[tuple[int, int, int], Fraction] = {}

    def copy(self) -> State:
        """Return an independent copy."""
        out = State(self.window)
        out.sign, out.value = dict(self.sign), dict(self.value)
        return out

    def set_sign(self, entry: Entry, sign: int) -> bool:
        """Record that an entry is zero or nonzero."""
        old = self.sign.get(entry)
        if old is None:
            self.sign[entry] = sign
            return True
        if old != sign:
            raise Contradiction
        return False

    def set_value(self, product: tuple[int, int, int], value: Fraction) -> bool:
        """Record the value of u_ik v_kj."""
        old = self.value.get(product)
        if old is None:
            self.value[product] = value
            return True
        if old != value:
            raise Contradiction
        return False


def propagate(state: State) -> None:
    """Draw all simple consequences.

    Rules: a product with a zero factor is zero; a nonzero product has nonzero factors; a zero
    product with one nonzero factor has a zero factor; in a cell with one unknown product that
    product is what is missing; u_i v_j * u_i' v_j' = u_i v_j' * u_i' v_j.
    """
    news = True
    while news:
        news = _sign_rules(state)
        news |= _cell_rule(state)
        if not news:
            news = _rank_one_rule(state)


def _sign_rules(state: State) -> bool:
    news = False
    for product in state.window.products:
        k, i, j = product
        u, v = state.sign.get(("u", i, k)), state.sign.get(("v", k, j))
        value = state.value.get(product)
        if u == ZERO or v == ZERO:
            news |= state.set_value(product, Fraction(0))
        elif value is not None:
            if value != 0:
                news |= state.set_sign(("u", i, k), NONZERO)
                news |= state.set_sign(("v", k, j), NONZERO)
            elif u == NONZERO:
                news |= state.set_sign(("v", k, j), ZERO)
            elif v == NONZERO:
                news |= state.set_sign(("u", i, k), ZERO)
    return news


def _cell_rule(state: State) -> bool:
    news = False
    for (i, j), target in state.window.cells.items():
        missing, rest = None, target
        for k in state.window.neurons_at[i, j]:
            value = state.value.get((k, i, j))
            if value is not None:
                rest -= value
            elif missing is None:
                missing = k
            else:
                break
        else:
            if missing is not None:
                news |= state.set_value((missing, i, j), rest)
            elif rest != 0:
                raise Contradiction
    return news


def _rank_one_rule(state: State) -> bool:
    news = False
    value = state.value
    for k, rows in state.window.rows_of.items():
        columns = state.window.columns_of[k]
        for a, i in enumerate(rows):
            for i2 in rows[a + 1 :]:
                known = [
                    (value.get((k, i, j)), value.get((k, i2, j)), j)
                    for j in columns
                    if (k, i, j) in value or (k, i2, j) in value
                ]
                pivot = next(
                    ((x, y) for x, y, _ in known if x is not None and y is not None and (x or y)),
                    None,
                )
                if pivot is None:
                    continue
                p, q = pivot  # u_i : u_i2 = p : q
                for x, y, j in known:
                    if x is not None and p != 0:
                        news |= state.set_value((k, i2, j), x * q / p)
                    elif x is not None and x != 0:  # p = 0 says u_i = 0
                        raise Contradiction
                    if y is not None and q != 0:
                        news |= state.set_value((k, i, j), y * p / q)
                    elif y is not None and y != 0:
                        raise Contradiction
    return news


def check_tree(state: State, tree: Any) -> list[str]:
    """Check that a tree of case distinctions refutes all cases."""
    try:
        propagate(state)
    except Contradiction:
        return []
    if tree is None:
        return ["a case of the refutation ends without a contradiction"]
    if tree[0] == "solve":
        return [] if _solves(state) else ["the equations of a case do not generate 1"]
    if tree[0] == "rank":
        _, rows, columns, neurons = tree
        fine = _exceeds_rank(state, rows, columns, neurons)
        return [] if fine else ["the rank of a window is not too large"]
    kind, a, b, if_zero, if_not = tree
    if kind not in ("u", "v"):
        return [f"there is no leaf {kind!r}"]
    problems = []
    for sign, branch in ((ZERO, if_zero), (NONZERO, if_not)):
        child = state.copy()
        try:
            child.set_sign((kind, a, b), sign)
        except Contradiction:
            continue
        problems += check_tree(child, branch)
    return problems


def _solves(state: State) -> bool:
    """Say whether the equations generate 1, with an inverse for every entry known to be nonzero.

    Then they have no solution over any field that contains the rationals. The Groebner basis is
    given up beyond `BASIS_LIMITS`, which says nothing.
    """
    products = state.window.products
    entries = sorted({("u", i, k) for k, i, _ in products} | {("v", k, j) for k, _, j in products})
    nonzero = [entry for entry in entries if state.sign.get(entry) == NONZERO]
    ring = flint.fmpz_mpoly_ctx.get(
        [f"x{q}" for q in range(len(entries) + len(nonzero))], "degrevlex"
    )
    variables = ring.gens()
    zero = ring.constant(0)
    at = dict(zip(entries, variables, strict=False))
    at |= {entry: zero for entry in entries if state.sign.get(entry) == ZERO}
    inverses = zip(nonzero, variables[len(entries) :], strict=True)
    equations = [at[entry] * inverse - 1 for entry, inverse in inverses]
    for (i, j), target in state.window.cells.items():
        total = sum((at["u", i, k] * at["v", k, j] for k in state.window.neurons_at[i, j]), zero)
        equations.append(total * target.denominator - target.numerator)
    for (k, i, j), value in state.value.items():
        product = at["u", i, k] * at["v", k, j]
        equations.append(product * value.denominator - value.numerator)
    present = flint.fmpz_mpoly_vec([f for f in equations if f != 0], ring)
    basis, _ = present.buchberger_naive(limits=BASIS_LIMITS)
    return any(f.is_constant() for f in basis)


def _exceeds_rank(
    state: State, rows: Sequence[int], columns: Sequence[int], neurons: Sequence[int]
) -> bool:
    """Show that k neurons cannot make a (k + 1) x (k + 1) window of the target.

    What is known of the other neurons' products is subtracted from the target, cells where
    something is unknown are free. If the determinant is a nonzero constant whatever the free cells
    are, the rank is k + 1, but k neurons reach rank k only.
    """
    size = len(rows)
    if not (len(set(rows)) == len(set(columns)) == size == len(set(neurons)) + 1 and size <= 5):
        return False
    entry: dict[tuple[int, int], Fraction | None] = {}
    for i in rows:
        for j in columns:
            known = state.window.cells.get((i, j))
            for k in state.window.neurons_at.get((i, j), ()):
                value = state.value.get((k, i, j))
                if k not in neurons and known is not None:
                    known = None if value is None else known - value
            entry[i, j] = known
    determinant: dict[frozenset[tuple[int, int]], Fraction] = {}
    for order in itertools.permutations(range(size)):
        inversions = sum(a > b for a, b in itertools.combinations(order, 2))
        term = Fraction(-1 if inversions % 2 else 1)
        free = set()
        for i, q in zip(rows, order, strict=True):
            value = entry[i, columns[q]]
            if value is None:
                free.add((i, columns[q]))
            else:
                term *= value
        key = frozenset(free)
        determinant[key] = determinant.get(key, Fraction(0)) + term
    constant = determinant.pop(frozenset(), Fraction(0))
    return constant != 0 and not any(determinant.values())
