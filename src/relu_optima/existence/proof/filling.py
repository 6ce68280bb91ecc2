r"""Rule C6: a component whose set is everything, by explicit formulas for the factors.

For every matrix A on the observed cells the certificate gives factors with that product. It is a
tree: case distinctions "cell (i, j) of A is zero, or not" (or a polynomial in the cells, linear in
one of them), and at each leaf a program that computes the entries one by one. A step either sets
an entry to an integer or to a free parameter t, or solves one cell equation for the one factor
that is missing, dividing by a factor already there. The checker runs the programs with rational
functions of the cells of A and of t, and checks every cell as an identity. A division is legal if
the divisor's numerator, as a polynomial in t, has a coefficient that is a product of quantities
known to be nonzero in this case: then it is nonzero for all t outside a proper algebraic subset,
so some choice of the parameters makes all divisions legal at once. All formulas are rational, so
they hold over the reals, and the set is the whole coordinate space, which is closed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import flint
import numpy as np

from relu_optima.existence.proof.rational import Rational, reduced
from relu_optima.existence.proof.values import fraction, index, integer

Cell = tuple[int, int]
Entry = tuple[str, int, int]  # (side, piece, row or column)
MAX_PARAMETERS = 24
MAX_POWER = 64  # of a cell in a condition; a hostile one would be multiplied out for hours


@dataclass
class Case:
    """What is known about A on a branch of the tree.

    Attributes
    ----------
    names : dict of Cell to int
        Variable number of each observed cell.
    cells : dict of Cell to Rational
        Value of each cell: its variable, 0, or what a polynomial condition makes of it.
    units : list of fmpq_mpoly
        Polynomials in the cells known to be nonzero.
    ring : fmpq_mpoly_ctx
        Polynomials in the cells and the parameters.
    """

    names: dict[Cell, int]
    cells: dict[Cell, Rational]
    units: list[Any]
    ring: Any = field(repr=False)

    def branch(self, cells: dict[Cell, Rational], units: list[Any]) -> Case:
        """Return a case with more knowledge."""
        return Case(self.names, cells, units, self.ring)


def _start_case(cells: list[Cell]) -> Case:
    """Return the case in which nothing is known about A."""
    names = [f"a{i}_{j}" for i, j in cells] + [f"t{q}" for q in range(MAX_PARAMETERS)]
    ring = flint.fmpq_mpoly_ctx.get(names, "lex")
    variables = ring.gens()
    one = ring.constant(1)
    return Case(
        {cell: q for q, cell in enumerate(cells)},
        {cell: Rational(variables[q], one) for q, cell in enumerate(cells)},
        [],
        ring,
    )


def _zero_branch(case: Case, condition: Any, pivot: Cell) -> Case | None:
    """Return the case in which a polynomial alpha a + beta, a the pivot, vanishes.

    A case in which something known to be nonzero vanishes is empty: None. In any other case no
    denominator vanishes: all of them divide products of what is known to be nonzero.
    """
    variable = case.names[pivot]
    alpha, beta = _linear_parts(case, condition, variable)
    if alpha == 0 or not _is_unit(case, alpha):
        raise ValueError("a condition cannot be solved for its cell")
    value = reduced(-beta, alpha)
    one = case.ring.constant(1)
    units = [_substitute(case, Rational(u, one), variable, value).top for u in case.units]
    if any(unit == 0 for unit in units):
        return None
    cells = {c: _substitute(case, x, variable, value) for c, x in case.cells.items()}
    return case.branch(cells, units)


def _linear_parts(case: Case, poly: Any, variable: int) -> tuple[Any, Any]:
    """Split a polynomial into alpha x + beta; alpha is 0 if x occurs otherwise."""
    alpha, beta = {}, {}
    for monomial, coefficient in poly.to_dict().items():
        if monomial[variable] == 0:
            beta[monomial] = coefficient
        elif monomial[variable] == 1:
            lowered = tuple(e - (q == variable) for q, e in enumerate(monomial))
            alpha[lowered] = coefficient
        else:
            return case.ring.constant(0), poly
    return case.ring.from_dict(alpha), case.ring.from_dict(beta)


def _substitute(case: Case, f: Rational, variable: int, value: Rational) -> Rational:
    parts = []
    for poly in (f.top, f.bottom):
        total = Rational(case.ring.constant(0), case.ring.constant(1))
        for monomial, coefficient in poly.to_dict().items():
            rest = tuple(0 if q == variable else e for q, e in enumerate(monomial))
            term = Rational(case.ring.from_dict({rest: coefficient}), case.ring.constant(1))
            for _ in range(monomial[variable]):
                term = term.times(value)
            total = total.plus(term)
        parts.append(total)
    return parts[0].over(parts[1])


def _is_unit(case: Case, poly: Any) -> bool:
    """Say whether dividing by known nonzero quantities leaves a nonzero constant."""
    if poly == 0:
        return False
    for unit in case.units:
        while unit != 0 and not unit.is_constant():
            quotient, remainder = divmod(poly, unit)
            if remainder != 0:
                break
            poly = quotient
    return bool(poly.is_constant())


def _coefficients(case: Case, poly: Any) -> list[Any]:
    """List the _coefficients, polynomials in the cells, at the monomials in the parameters."""
    split = len(case.names)
    parts: dict[tuple[int, ...], dict[tuple[int, ...], Any]] = {}
    for monomial, coefficient in poly.to_dict().items():
        inner = monomial[:split] + (0,) * (len(monomial) - split)
        parts.setdefault(tuple(monomial[split:]), {})[inner] = coefficient
    return [case.ring.from_dict(part) for _, part in sorted(parts.items())]


def _run_program(
    case: Case,
    pieces: list[tuple[int, list[int], list[int]]],
    steps: list[list[Any]],
) -> list[Any]:
    """Run a program and return the numerators of its divisors; raise ValueError if it is wrong."""
    ring = case.ring
    variables = ring.gens()
    zero, one = ring.constant(0), ring.constant(1)
    value: dict[Entry, Rational] = {}
    at: dict[Cell, list[int]] = {
        (i, j): [q for q, (_, r, c) in enumerate(pieces) if i in r and j in c]
        for i, j in case.cells
    }
    divisors = []

    def product(q: int, i: int, j: int) -> Rational | None:
        u, v = value.get(("u", q, i)), value.get(("v", q, j))
        for factor in (u, v):
            if factor is not None and factor.top == 0:
                return Rational(zero, one)
        return None if u is None or v is None else u.times(v)

    def rest(cell: Cell, without: int | None) -> Rational:
        total = case.cells[cell]
        for q in at[cell]:
            if q != without:
                known = product(q, *cell)
                total = total.minus(known if known is not None else Rational(zero, one))
                if known is None and without is not None:
                    raise ValueError("a cell is solved before its other products are known")
        return total

    for step in steps:
        kind, side, piece, place, argument = step
        entry = (side, piece, place)
        _, rows, columns = pieces[index(piece, len(pieces))]
        if side not in ("u", "v") or place not in (rows if side == "u" else columns):
            raise ValueError("a step names an entry outside its piece")
        if entry in value:
            raise ValueError("an entry is set twice")
        if kind == "set":
            if isinstance(argument, str):
                number = index(int(argument.removeprefix("t")), MAX_PARAMETERS)
                value[entry] = Rational(variables[len(case.names) + number], one)
            else:
                value[entry] = Rational(ring.constant(integer(argument)), one)
        elif kind == "solve":
            cell = (integer(argument[0]), integer(argument[1]))
            if cell not in at or piece not in at[cell] or cell[side == "v"] != place:
                raise ValueError("an entry is solved from a cell it is not in")
            partner = ("v", piece, cell[1]) if side == "u" else ("u", piece, cell[0])
            if partner not in value or value[partner].top == 0:
                raise ValueError("an entry is solved without its partner")
            divisors.append(value[partner].top)
            value[entry] = rest(cell, piece).over(value[partner])
        else:
            raise ValueError(f"a program has no step {kind!r}")
    if any(rest(cell, None).top != 0 for cell in at):
        raise ValueError("the factors do not produce A")
    return divisors


def check_filling(
    pieces: list[tuple[int, list[int], list[int]]], observed: np.ndarray, data: dict[str, Any]
) -> list[str]:
    """Check rule C6."""
    cells = sorted(
        {(i, j) for _, rows, columns in pieces for i in rows for j in columns if observed[i, j]}
    )
    return _check_tree(_start_case(cells), pieces, data["tree"])


def check_generic(
    pieces: list[tuple[int, list[int], list[int]]], observed: np.ndarray, program: list[list[Any]]
) -> list[str]:
    """Check formulas that hold wherever no divisor vanishes (no divisor is identically 0)."""
    cells = sorted(
        {(i, j) for _, rows, columns in pieces for i in rows for j in columns if observed[i, j]}
    )
    _run_program(_start_case(cells), pieces, program)
    return []


def _check_tree(case: Case, pieces: list[Any], tree: dict[str, Any]) -> list[str]:
    if "fill" in tree:
        for divisor in _run_program(case, pieces, tree["fill"]):
            if not any(_is_unit(case, c) for c in _coefficients(case, divisor)):
                return ["C6: a formula may divide by zero"]
        return []
    pivot = (integer(tree["cell"][0]), integer(tree["cell"][1]))
    condition = _read_condition(case, tree["condition"])
    zero, nonzero = (
        _zero_branch(case, condition, pivot),
        case.branch(case.cells, [*case.units, condition]),
    )
    problems = [] if zero is None else _check_tree(zero, pieces, tree["zero"])
    return [*problems, *_check_tree(nonzero, pieces, tree["nonzero"])]


def _read_condition(case: Case, terms: list[list[Any]]) -> Any:
    """Read ``[coefficient, [[i, j, power], ...]]`` terms of a polynomial in the cells."""
    total = case.ring.constant(0)
    variables = case.ring.gens()
    for coefficient, powers in terms:
        number = fraction(coefficient)
        term = case.ring.constant(flint.fmpq(number.numerator, number.denominator))
        for i, j, power in powers:
            if not 1 <= integer(power) <= MAX_POWER:
                raise ValueError("a condition has a power below 1 or a large one")
            term *= variables[case.names[i, j]] ** power
        total += term
    return total
