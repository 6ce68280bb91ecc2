"""Laurent polynomials in eps with rational coefficients, and sparse matrices of them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from relu_optima.existence.proof.values import fraction, integer

Laurent = dict[int, Fraction]  # power of eps -> nonzero coefficient
SparseMatrix = dict[tuple[int, int], Laurent]


def monomial(coefficient: int | Fraction, power: int = 0) -> Laurent:
    """Return ``coefficient * eps**power``."""
    return {power: Fraction(coefficient)} if coefficient else {}


def add(a: Laurent, b: Laurent) -> Laurent:
    """Return ``a + b``."""
    out = dict(a)
    for power, coefficient in b.items():
        total = out.get(power, Fraction(0)) + coefficient
        if total:
            out[power] = total
        else:
            out.pop(power, None)
    return out


def times(a: Laurent, b: Laurent) -> Laurent:
    """Return ``a * b``."""
    out: Laurent = {}
    for pa, ca in a.items():
        for pb, cb in b.items():
            out[pa + pb] = out.get(pa + pb, Fraction(0)) + ca * cb
    return {power: c for power, c in out.items() if c}


def matmul(a: SparseMatrix, b: SparseMatrix) -> SparseMatrix:
    """Multiply two sparse matrices of Laurent polynomials."""
    rows_of_b: dict[int, list[tuple[int, Laurent]]] = {}
    for (k, j), value in b.items():
        rows_of_b.setdefault(k, []).append((j, value))
    out: SparseMatrix = {}
    for (i, k), left in a.items():
        for j, right in rows_of_b.get(k, ()):
            out[i, j] = add(out.get((i, j), {}), times(left, right))
    return {cell: value for cell, value in out.items() if value}


def to_json(matrix: SparseMatrix) -> list[list[Any]]:
    """Write a sparse matrix as ``[row, column, {power: coefficient}]`` triples."""
    return [
        [i, j, {str(p): str(c) for p, c in sorted(matrix[i, j].items())}] for i, j in sorted(matrix)
    ]


def from_json(value: Any) -> SparseMatrix:
    """Read what `to_json` wrote."""
    out: SparseMatrix = {}
    for i, j, entry in value:
        cell = (integer(i), integer(j))
        if min(cell) < 0:
            raise ValueError(f"cell {cell} does not exist")
        if cell in out:
            raise ValueError(f"cell {cell} occurs twice")
        polynomial = {int(power): fraction(c) for power, c in entry.items()}
        out[cell] = {power: c for power, c in polynomial.items() if c}
    return out
