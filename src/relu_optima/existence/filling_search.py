"""Search for formulas that produce every matrix (rule C6, `existence.proof.filling`).

Programs are drawn at random with numbers modulo a prime in place of the cells of A, kept if every
cell comes out right, and then run symbolically to see what they divide by. Where a division needs
a cell to be nonzero, the case in which it is zero is treated by a program of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from relu_optima.existence.deadline import check_time
from relu_optima.existence.filling_cases import PARAMETERS, Case, Cell, Program, whole_case
from relu_optima.existence.proof.linear import rank_mod_p
from relu_optima.existence.reduction import Piece

Entry = tuple[str, int, int]  # "u" or "v", neuron, row or column
PRIME = 2_147_483_647
MAX_CELLS = 24
MAX_PIECES = 10
TRIALS = 600
KEEP = 10  # successful programs to compare at a node
MAX_NODES = 120


@dataclass(frozen=True)
class _Needs:
    program: Program
    conditions: list[Any]  # irreducible polynomials in the cells that must not vanish


class _GivenUp(Exception):
    """No program was found for a case, or the tree grows too large."""


def find_filling(
    pieces: list[Piece], observed: np.ndarray, deadline: float = float("inf")
) -> dict[str, Any] | None:
    """Search for a proof by rule C6."""
    plain = [(p.neuron, list(p.rows), list(p.columns)) for p in pieces]
    cells = sorted({(i, j) for _, r, c in plain for i in r for j in c if observed[i, j]})
    unknowns = sum(len(r) + len(c) - 1 for _, r, c in plain)
    if len(cells) > min(MAX_CELLS, unknowns) or len(pieces) > MAX_PIECES:
        return None
    if not _fills_generically(plain, cells):
        return None
    search = _Search(plain, cells, deadline)
    try:
        return {"tree": search.tree(whole_case(cells))}
    except _GivenUp:
        return None


def generic_program(
    pieces: list[Piece], observed: np.ndarray, deadline: float = float("inf")
) -> Program | None:
    """Search for formulas that produce every matrix at which no divisor vanishes."""
    plain = [(p.neuron, list(p.rows), list(p.columns)) for p in pieces]
    cells = sorted({(i, j) for _, r, c in plain for i in r for j in c if observed[i, j]})
    if len(cells) > MAX_CELLS or len(pieces) > MAX_PIECES:
        return None
    search, case = _Search(plain, cells, deadline), whole_case(cells)
    values = search.numbers(case)
    for _ in range(TRIALS):
        check_time(deadline)
        program = search.draw(values)
        if program is not None and case.divisors(program) is not None:
            return program
    return None


def _fills_generically(pieces: list[tuple[int, list[int], list[int]]], cells: list[Cell]) -> bool:
    """The derivative of the product is onto at a random point: else the set is too small."""
    rng = np.random.default_rng(0)
    index = {cell: q for q, cell in enumerate(cells)}
    lines = []
    for _, rows, columns in pieces:
        u, v = rng.integers(1, 1000, len(rows)), rng.integers(1, 1000, len(columns))
        for i in rows:
            line = np.zeros(len(cells), np.int64)
            for b, j in enumerate(columns):
                if (i, j) in index:
                    line[index[i, j]] = v[b]
            lines.append(line)
        for j in columns:
            line = np.zeros(len(cells), np.int64)
            for a, i in enumerate(rows):
                if (i, j) in index:
                    line[index[i, j]] = u[a]
            lines.append(line)
    return rank_mod_p(np.array(lines)) == len(cells)


class _Search:
    def __init__(
        self, pieces: list[tuple[int, list[int], list[int]]], cells: list[Cell], deadline: float
    ) -> None:
        self.pieces, self.cells, self.deadline = pieces, cells, deadline
        self.at = {
            (i, j): [q for q, (_, r, c) in enumerate(pieces) if i in r and j in c] for i, j in cells
        }
        self.reach: dict[Entry, list[Cell]] = {}
        for (i, j), over in self.at.items():
            for q in over:
                self.reach.setdefault(("u", q, i), []).append((i, j))
                self.reach.setdefault(("v", q, j), []).append((i, j))
        self.rng = np.random.default_rng(0)
        self.nodes = 0

    def tree(self, case: Case) -> dict[str, Any]:
        """Treat one case: a program, preceded by the distinctions it needs."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _GivenUp
        best = self._best_program(case)
        tree: dict[str, Any] = {"fill": best.program}
        wraps = []
        known = case
        for condition in best.conditions:
            if known.is_unit(condition):
                continue
            pivot = known.solvable_for(condition)
            if pivot is None:
                raise _GivenUp
            wraps.append((known, condition, pivot))
            known = known.with_units([condition])
        for before, condition, pivot in reversed(wraps):
            zero = before.where_zero(condition, pivot)
            tree = {
                "cell": list(pivot),
                "condition": before.write(condition),
                "zero": None if zero is None else self.tree(zero),
                "nonzero": tree,
            }
        return tree

    def _best_program(self, case: Case) -> _Needs:
        values = self.numbers(case)
        found: list[_Needs] = []
        seen = set()
        for _ in range(TRIALS):
            check_time(self.deadline)
            program = self.draw(values)
            if program is None:
                continue
            key = repr(program)
            if key in seen:
                continue
            seen.add(key)
            needs = self._needs(case, program)
            if needs is None:
                continue
            found.append(needs)
            if not needs.conditions or len(found) >= KEEP:
                break
        if not found:
            raise _GivenUp
        return min(found, key=lambda n: (_cost(n), len(n.program)))

    def numbers(self, case: Case) -> dict[Cell, int]:
        """Put random numbers into the variables of a case."""
        draws = [int(x) for x in self.rng.integers(1, PRIME, len(case.names) + PARAMETERS)]

        def at(poly: Any) -> int:
            total = 0
            for monomial, c in poly.to_dict().items():
                term = int(c.p) * pow(int(c.q), -1, PRIME) % PRIME
                for q, e in enumerate(monomial):
                    if e:
                        term = term * pow(draws[q], e, PRIME) % PRIME
                total += term
            return total % PRIME

        return {
            cell: at(x.top) * pow(at(x.bottom), -1, PRIME) % PRIME for cell, x in case.cells.items()
        }

    def _needs(self, case: Case, program: Program) -> _Needs | None:
        """Find what a program divides by, as few new conditions as a greedy choice gives."""
        divisors = case.divisors(program)
        if divisors is None:
            return None
        conditions: list[Any] = []
        for divisor in divisors:
            known = case.with_units(conditions)
            options = case.coefficients(divisor)
            if any(known.is_unit(option) for option in options):
                continue
            factored = [
                [f for f, _ in option.factor()[1] if not known.is_unit(f)] for option in options
            ]
            usable = [fs for fs in factored if all(known.solvable_for(f) is not None for f in fs)]
            if not usable:
                return None
            conditions += min(usable, key=lambda fs: sum(_weight(f) for f in fs))
        return _Needs(program, conditions)

    def draw(self, target: dict[Cell, int]) -> Program | None:
        """Draw a program: fill forced entries, guess the others."""
        rng = self.rng
        value: dict[Entry, int] = {}
        unknown = {cell: list(over) for cell, over in self.at.items()}
        rests = dict(target)  # of each cell, without the products that are known
        program: Program = []
        parameters = 0
        zero_share = rng.choice([0.15, 0.4, 0.6])
        order = [self.cells[q] for q in rng.permutation(len(self.cells))]

        def put(entry: Entry, x: int) -> None:
            value[entry] = x
            side, q, _ = entry
            for i, j in self.reach.get(entry, ()):
                if q in unknown[i, j]:
                    other = value.get(("v", q, j) if side == "u" else ("u", q, i))
                    if x == 0 or other is not None:
                        unknown[i, j].remove(q)
                        rests[i, j] = (rests[i, j] - x * (other or 0)) % PRIME

        def guess(entry: Entry, allow_zero: bool) -> None:
            nonlocal parameters
            roll = rng.random()
            if allow_zero and roll < zero_share:
                put(entry, 0)
                program.append(["set", *entry, 0])
            elif roll > 0.7 and parameters < PARAMETERS:
                put(entry, int(rng.integers(1, PRIME)))
                program.append(["set", *entry, f"t{parameters}"])
                parameters += 1
            else:
                put(entry, 1)
                program.append(["set", *entry, 1])

        while True:
            forced = None
            open_cells = []
            for cell in order:
                over = unknown[cell]
                if not over:
                    if rests[cell]:
                        return None
                elif len(over) == 1:
                    forced = (cell, over[0], rests[cell])
                    break
                else:
                    open_cells.append((cell, over))
            if forced is not None:
                (i, j), q, rest = forced
                u_entry, v_entry = ("u", q, i), ("v", q, j)
                u, v = value.get(u_entry), value.get(v_entry)
                if u is None and v is None:
                    guess(u_entry if rng.random() < 0.5 else v_entry, allow_zero=rest == 0)
                    continue
                missing, partner = (u_entry, v) if u is None else (v_entry, u)
                assert partner
                put(missing, rest * pow(partner, -1, PRIME) % PRIME)
                if rest == 0:
                    program.append(["set", *missing, 0])
                else:
                    program.append(["solve", *missing, [i, j]])
                continue
            if not open_cells:
                return program
            (i, j), over = open_cells[int(rng.integers(len(open_cells)))]
            q = over[int(rng.integers(len(over)))]
            options = [e for e in (("u", q, i), ("v", q, j)) if e not in value]
            guess(options[int(rng.integers(len(options)))], allow_zero=True)


def _weight(poly: Any) -> int:
    return 1 if len(poly.to_dict()) == 1 else 4


def _cost(needs: _Needs) -> int:
    return sum(_weight(f) for f in needs.conditions)
