"""Cases of a matrix A, and what formulas for its factors divide by (rule C6, search side).

The checker (`existence.proof.filling`) runs the formulas itself and shares none of this code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import flint

from relu_optima.existence.proof.rational import Rational

Cell = tuple[int, int]
PARAMETERS = 24  # free parameters of a program, as many as the checker has
Program = list[list[Any]]


@dataclass(frozen=True)
class Case:
    """What is known about A.

    Attributes
    ----------
    names : dict of Cell to int
        Variable of each observed cell.
    cells : dict of Cell to Rational
        Value of each cell.
    units : tuple of fmpq_mpoly
        Polynomials that do not vanish.
    ring : fmpq_mpoly_ctx
        Polynomials in the cells, then the parameters.
    """

    names: dict[Cell, int]
    cells: dict[Cell, Rational]
    units: tuple[Any, ...]
    ring: Any

    def with_units(self, polys: list[Any]) -> Case:
        """Return the case in which more polynomials do not vanish."""
        return replace(self, units=(*self.units, *polys))

    def is_unit(self, poly: Any) -> bool:
        """Say whether a polynomial is a product of what is known not to vanish."""
        if poly == 0:
            return False
        for unit in self.units:
            while not unit.is_constant():
                quotient, remainder = divmod(poly, unit)
                if remainder != 0:
                    break
                poly = quotient
        return bool(poly.is_constant())

    def solvable_for(self, poly: Any) -> Cell | None:
        """Find a cell in which a polynomial is linear, with a coefficient that does not vanish."""
        for cell, variable in self.names.items():
            if poly.degrees()[variable] == 1 and self.is_unit(poly.derivative(variable)):
                return cell
        return None

    def where_zero(self, poly: Any, pivot: Cell) -> Case | None:
        """Return the case in which a polynomial vanishes."""
        variable = self.names[pivot]
        slope = poly.derivative(variable)
        value = Rational(slope * self.ring.gens()[variable] - poly, slope)
        units = tuple(self._put(unit, variable, value)[0] for unit in self.units)
        if any(unit == 0 for unit in units):
            return None
        cells = {}
        for cell, old in self.cells.items():
            (top, a), (bottom, b) = (
                self._put(part, variable, value) for part in (old.top, old.bottom)
            )
            power = slope ** abs(a - b)
            top, bottom = (top, bottom * power) if a > b else (top * power, bottom)
            common = top.gcd(bottom)
            cells[cell] = Rational(top // common, bottom // common)
        return replace(self, cells=cells, units=units)

    def _put(self, poly: Any, variable: int, value: Rational) -> tuple[Any, int]:
        """Numerator with ``value`` put in for a variable, over ``value.bottom`` to a power."""
        degree = poly.degrees()[variable]
        total = self.ring.constant(0)
        for monomial, coefficient in poly.to_dict().items():
            e = monomial[variable]
            rest = tuple(0 if q == variable else x for q, x in enumerate(monomial))
            term = self.ring.from_dict({rest: coefficient})
            total += term * value.top**e * value.bottom ** (degree - e)
        return total, degree

    def coefficients(self, poly: Any) -> list[Any]:
        """Split a polynomial in cells and parameters by its monomials in the parameters."""
        split = len(self.names)
        parts: dict[tuple[int, ...], dict[tuple[int, ...], Any]] = {}
        for monomial, coefficient in poly.to_dict().items():
            cells = (*monomial[:split], *(0,) * (len(monomial) - split))
            parts.setdefault(tuple(monomial[split:]), {})[cells] = coefficient
        return [self.ring.from_dict(part) for _, part in sorted(parts.items())]

    def divisors(self, program: Program) -> list[Any] | None:
        """List what a program divides by, as polynomials."""
        one = self.ring.constant(1)
        parameters = self.ring.gens()[len(self.names) :]
        value: dict[tuple[str, int, int], Rational] = {}
        rest = dict(self.cells)
        out = []
        for kind, side, piece, place, argument in program:
            entry = (side, piece, place)
            if kind == "set":
                number = (
                    parameters[int(argument[1:])]
                    if isinstance(argument, str)
                    else self.ring.constant(argument)
                )
                value[entry] = Rational(number, one)
            else:
                i, j = argument
                partner = value["v", piece, j] if side == "u" else value["u", piece, i]
                if partner.top == 0:
                    return None
                out.append(partner.top)
                value[entry] = rest[i, j].over(partner)
            # what this entry completes is taken from its cells at once
            for other, known in value.items():
                if other[0] != side and other[1] == piece:
                    cell = (place, other[2]) if side == "u" else (other[2], place)
                    if cell in rest:
                        rest[cell] = rest[cell].minus(value[entry].times(known))
        return out

    def write(self, poly: Any) -> list[list[Any]]:
        """Write a polynomial in the cells as the checker reads it."""
        cell_of = {q: cell for cell, q in self.names.items()}
        return [
            [str(c), [[*cell_of[q], int(e)] for q, e in enumerate(monomial) if e]]
            for monomial, c in sorted(poly.to_dict().items())
        ]


def whole_case(cells: list[Cell]) -> Case:
    """Return the case in which nothing is known about A."""
    names = [f"a{i}_{j}" for i, j in cells] + [f"t{q}" for q in range(PARAMETERS)]
    ring = flint.fmpq_mpoly_ctx.get(names, "lex")
    variables, one = ring.gens(), ring.constant(1)
    return Case(
        {cell: q for q, cell in enumerate(cells)},
        {cell: Rational(variables[q], one) for q, cell in enumerate(cells)},
        (),
        ring,
    )
