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

Cell = tuple[int, int]
Entry = tuple[str, int, int]  # (side, piece, row or column)
MAX_PARAMETERS = 24


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
        """Return a case with more knowledge.

        Parameters
        ----------
        cells : dict of Cell to Rational
            Values of the cells.
        units : list of fmpq_mpoly
            Nonzero polynomials.

        Returns
        -------
        Case
            The new case.
        """
        return Case(self.names, cells, units, self.ring)


def start_case(cells: list[Cell]) -> Case:
    """Return the case in which nothing is known about A.

    Parameters
    ----------
    cells : list of Cell
        Observed cells.

    Returns
    -------
    Case
        Every cell is a variable.
    """
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


def zero_branch(case: Case, condition: Any, pivot: Cell) -> Case:
    """Return the case in which a polynomial, linear in one cell, vanishes.

    Parameters
    ----------
    case : Case
        What is known so far.
    condition : fmpq_mpoly
        Polynomial alpha a + beta in the cells, alpha a product of units.
    pivot : Cell
        The cell a to solve for.

    Returns
    -------
    Case
        With a = -beta / alpha put in everywhere.

    Raises
    ------
    ValueError
        If the condition is not of this form.
    """
    variable = case.names[pivot]
    alpha, beta = linear_parts(case, condition, variable)
    if alpha == 0 or not is_unit(case, alpha):
        raise ValueError("a condition cannot be solved for its cell")
    value = reduced(-beta, alpha)
    cells = {c: _substitute(case, x, variable, value) for c, x in case.cells.items()}
    units = []
    for unit in case.units:
        new = _substitute(case, Rational(unit, case.ring.constant(1)), variable, value)
        units.append(new.top)
    return case.branch(cells, units)


def linear_parts(case: Case, poly: Any, variable: int) -> tuple[Any, Any]:
    """Split a polynomial into alpha x + beta.

    Parameters
    ----------
    case : Case
        Ring.
    poly : fmpq_mpoly
        Polynomial.
    variable : int
        Number of x.

    Returns
    -------
    (fmpq_mpoly, fmpq_mpoly)
        alpha and beta; alpha is 0 if x occurs with a higher power or not at all.
    """
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
    if parts[1].top == 0:
        raise ValueError("a condition makes a denominator vanish")
    return parts[0].over(parts[1])


def is_unit(case: Case, poly: Any) -> bool:
    """Say whether a polynomial in the cells is a product of known nonzero quantities.

    Parameters
    ----------
    case : Case
        What is known.
    poly : fmpq_mpoly
        Polynomial.

    Returns
    -------
    bool
        True if dividing by the units leaves a nonzero constant.
    """
    if poly == 0:
        return False
    for unit in case.units:
        while unit != 0 and not unit.is_constant():
            quotient, remainder = divmod(poly, unit)
            if remainder != 0:
                break
            poly = quotient
    return bool(poly.is_constant())


def coefficients(case: Case, poly: Any) -> list[Any]:
    """List the coefficients of a polynomial in the parameters.

    Parameters
    ----------
    case : Case
        Ring.
    poly : fmpq_mpoly
        Polynomial in cells and parameters.

    Returns
    -------
    list of fmpq_mpoly
        Polynomials in the cells.
    """
    split = len(case.names)
    parts: dict[tuple[int, ...], dict[tuple[int, ...], Any]] = {}
    for monomial, coefficient in poly.to_dict().items():
        inner = monomial[:split] + (0,) * (len(monomial) - split)
        parts.setdefault(tuple(monomial[split:]), {})[inner] = coefficient
    return [case.ring.from_dict(part) for _, part in sorted(parts.items())]


def run_program(
    case: Case,
    pieces: list[tuple[int, list[int], list[int]]],
    steps: list[list[Any]],
) -> list[Any]:
    """Run a program and check that it produces A.

    Parameters
    ----------
    case : Case
        What is known about A.
    pieces : list of (int, list of int, list of int)
        Neuron, rows and columns of each piece.
    steps : list
        ``["set", side, piece, index, value]`` or ``["solve", side, piece, index, [i, j]]``.

    Returns
    -------
    list of fmpq_mpoly
        Numerators of the divisors; the program is valid where none of them vanishes.

    Raises
    ------
    ValueError
        If a step is illegal or a cell comes out wrong.
    """
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
        kind, side, piece, index, argument = step
        entry = (side, piece, index)
        _, rows, columns = pieces[piece]
        if side not in ("u", "v") or index not in (rows if side == "u" else columns):
            raise ValueError("a step names an entry outside its piece")
        if entry in value:
            raise ValueError("an entry is set twice")
        if kind == "set":
            if isinstance(argument, str):
                number = int(argument[1:])
                if not 0 <= number < MAX_PARAMETERS:
                    raise ValueError("there is no such parameter")
                value[entry] = Rational(variables[len(case.names) + number], one)
            else:
                value[entry] = Rational(ring.constant(int(argument)), one)
        elif kind == "solve":
            cell = (int(argument[0]), int(argument[1]))
            if cell not in at or piece not in at[cell] or cell[side == "v"] != index:
                raise ValueError("an entry is solved from a cell it is not in")
            partner = ("v", piece, cell[1]) if side == "u" else ("u", piece, cell[0])
            if partner not in value or value[partner].top == 0:
                raise ValueError("an entry is solved without its partner")
            divisors.append(value[partner].top)
            value[entry] = rest(cell, piece).over(value[partner])
        else:
            raise ValueError(f"there is no step {kind!r}")
    if any(rest(cell, None).top != 0 for cell in at):
        raise ValueError("the factors do not produce A")
    return divisors


def check_filling(
    pieces: list[tuple[int, list[int], list[int]]], observed: np.ndarray, data: dict[str, Any]
) -> list[str]:
    """Check rule C6.

    Parameters
    ----------
    pieces : list of (int, list of int, list of int)
        The component.
    observed : array of bool
        Observed cells of the whole pattern.
    data : dict
        ``tree`` of cases.

    Returns
    -------
    list of str
        Problems; empty if every A is produced.
    """
    cells = sorted(
        {(i, j) for _, rows, columns in pieces for i in rows for j in columns if observed[i, j]}
    )
    return _check_tree(start_case(cells), pieces, data["tree"])


def _check_tree(case: Case, pieces: list[Any], tree: dict[str, Any]) -> list[str]:
    if "fill" in tree:
        for divisor in run_program(case, pieces, tree["fill"]):
            if not any(is_unit(case, c) for c in coefficients(case, divisor)):
                return ["C6: a formula may divide by zero"]
        return []
    pivot = (int(tree["cell"][0]), int(tree["cell"][1]))
    condition = read_condition(case, tree["condition"])
    return [
        *_check_tree(zero_branch(case, condition, pivot), pieces, tree["zero"]),
        *_check_tree(case.branch(case.cells, [*case.units, condition]), pieces, tree["nonzero"]),
    ]


def read_condition(case: Case, terms: list[list[Any]]) -> Any:
    """Read a polynomial in the cells.

    Parameters
    ----------
    case : Case
        Ring.
    terms : list
        ``[coefficient, [[i, j, power], ...]]``.

    Returns
    -------
    fmpq_mpoly
        The polynomial.
    """
    total = case.ring.constant(0)
    variables = case.ring.gens()
    for coefficient, powers in terms:
        top, _, bottom = str(coefficient).partition("/")
        term = case.ring.constant(flint.fmpq(int(top), int(bottom or 1)))
        for i, j, power in powers:
            if power < 1:
                raise ValueError("a condition has a negative power")
            term *= variables[case.names[i, j]] ** power
        total += term
    return total


def write_condition(case: Case, poly: Any) -> list[list[Any]]:
    """Write a polynomial in the cells as `read_condition` reads it.

    Parameters
    ----------
    case : Case
        Ring.
    poly : fmpq_mpoly
        Polynomial.

    Returns
    -------
    list
        JSON value.
    """
    cell_of = {q: cell for cell, q in case.names.items()}
    return [
        [str(c), [[*cell_of[q], int(e)] for q, e in enumerate(monomial) if e]]
        for monomial, c in sorted(poly.to_dict().items())
    ]
