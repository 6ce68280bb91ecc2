"""Refute polynomial equations modulo a prime by solving them one variable at a time.

Input: polynomials that must vanish, and variables that must not. Sound steps, over every field:
divide by monomials of nonzero variables; a monomial with one possibly-zero variable makes it zero;
add multiples of equations; where a variable occurs once, linearly, with a coefficient that is a
monomial of nonzero variables, solve for it and substitute. The equations are contradictory if one
becomes a nonzero constant (times nonzero variables), or something nonzero becomes zero. The order
of the steps is fixed. What is refuted here is proved over the rationals by the checker.
"""

from __future__ import annotations

PRIME = 2_147_483_647
Monomial = tuple[int, ...]  # exponents, negative ones only for nonzero variables
Polynomial = dict[Monomial, int]  # coefficients modulo `PRIME`, not 0
MAX_TERMS = 40
MAX_STEPS = 60


class Refuted(Exception):
    """The equations have no solution."""


def refutes(equations: list[Polynomial], nonzero: set[int], variables: int) -> bool:
    """Try to show that equations have no solution."""
    system = _System(equations, nonzero, variables)
    try:
        for _ in range(MAX_STEPS):
            system.simplify()
            system.combine()
            if not system.solve_one():
                return False
    except Refuted:
        return True
    return False


class _System:
    def __init__(self, equations: list[Polynomial], nonzero: set[int], variables: int) -> None:
        self.equations = [dict(f) for f in equations if f]
        self.nonzero = set(nonzero)
        self.variables = variables
        self.inequations: list[Polynomial] = []

    def simplify(self) -> None:
        """Draw the consequences of monomial equations until nothing changes."""
        changed = True
        while changed:
            changed = False
            kept = []
            for equation in self.equations:
                f = self._without_unit_content(equation)
                if not f:
                    continue
                if len(f) == 1:
                    (monomial,) = f
                    free = [x for x, e in enumerate(monomial) if e]
                    if not free:
                        raise Refuted
                    if len(free) == 1:
                        self._substitute(free[0], {}, self.equations)
                        changed = True
                        break
                kept.append(f)
            else:
                self.equations = kept
            for h in self.inequations:
                if not h:
                    raise Refuted
                if len(h) == 1:
                    (monomial,) = h
                    new = {x for x, e in enumerate(monomial) if e} - self.nonzero
                    if new:
                        self.nonzero |= new
                        changed = True

    def _without_unit_content(self, f: Polynomial) -> Polynomial:
        """Divide by the largest monomial of nonzero variables; all exponents become >= 0."""
        if not f:
            return f
        shift = [min(m[x] for m in f) if x in self.nonzero else 0 for x in range(self.variables)]
        if not any(shift):
            return f
        return {tuple(e - s for e, s in zip(m, shift, strict=True)): c for m, c in f.items()}

    def combine(self) -> None:
        """Bring the equations to row echelon form as vectors over their monomials."""
        if len(self.equations) > 40:
            return
        order = sorted({m for f in self.equations for m in f}, key=lambda m: (-sum(m), m))
        rows = [dict(f) for f in self.equations]
        done: list[Polynomial] = []
        for monomial in order:
            pivot = next((f for f in rows if monomial in f), None)
            if pivot is None:
                continue
            rows.remove(pivot)
            lead = pivot[monomial]
            inverse = pow(lead, -1, PRIME)
            pivot = {m: c * inverse % PRIME for m, c in pivot.items()}
            rows = [self._cancel(f, pivot, monomial) for f in rows]
            done = [self._cancel(f, pivot, monomial) for f in done]
            done.append(pivot)
        if any(not any(m) for f in done if len(f) == 1 for m in f):
            raise Refuted
        # keep the sparser of the two forms, so that combining never hides a short equation
        extra = [f for f in done if len(f) <= MAX_TERMS]
        self.equations = [*extra]

    @staticmethod
    def _cancel(f: Polynomial, pivot: Polynomial, monomial: Monomial) -> Polynomial:
        factor = f.get(monomial)
        if not factor:
            return f
        out = dict(f)
        for m, c in pivot.items():
            total = (out.get(m, 0) - factor * c) % PRIME
            if total:
                out[m] = total
            else:
                out.pop(m, None)
        return out

    def solve_one(self) -> bool:
        """Eliminate the variable whose solution is shortest."""
        best: tuple[int, int, int] | None = None
        for q, f in enumerate(self.equations):
            if len(f) > MAX_TERMS // 4:
                continue
            for x in range(self.variables):
                holding = [m for m in f if m[x]]
                if len(holding) != 1 or holding[0][x] not in (1, -1):
                    continue
                rest = [e for y, e in enumerate(holding[0]) if y != x and y not in self.nonzero]
                if any(rest) or (holding[0][x] == -1 and len(f) > 2):
                    continue
                if x in self.nonzero and len(f) > 2 and self._has_negative(x):
                    continue
                # prefer short solutions, and variables that carry no inequation
                cost = (2 * len(f) + (x in self.nonzero), q, x)
                if best is None or cost < best:
                    best = cost
        if best is None:
            return False
        _, q, x = best
        f = self.equations.pop(q)
        (holding_x,) = [m for m in f if m[x]]
        coefficient = f[holding_x]
        solution: Polynomial = {}
        for m, c in f.items():
            if m != holding_x:
                # x^e * a * lead + m = 0 with e = +-1; for e = -1 there is one other term
                exponent = holding_x[x]
                quotient = tuple(e - a for e, a in zip(m, holding_x, strict=True))
                if exponent == 1:
                    clean = tuple(0 if y == x else e for y, e in enumerate(quotient))
                    solution[clean] = -c * pow(coefficient, -1, PRIME) % PRIME
                else:
                    clean = tuple(0 if y == x else -e for y, e in enumerate(quotient))
                    solution[clean] = -coefficient * pow(c, -1, PRIME) % PRIME
        if x in self.nonzero:
            self.inequations.append(solution)
        self._substitute(x, solution, self.equations)
        return True

    def _has_negative(self, x: int) -> bool:
        return any(m[x] < 0 for f in [*self.equations, *self.inequations] for m in f)

    def _substitute(self, x: int, solution: Polynomial, equations: list[Polynomial]) -> None:
        if not solution and x in self.nonzero:
            raise Refuted
        kept = []
        for f in equations:
            g = self._with(f, x, solution)
            if len(g) <= MAX_TERMS:
                kept.append(g)
        equations[:] = kept
        self.inequations = [
            g for h in self.inequations if len(g := self._with(h, x, solution)) <= MAX_TERMS
        ]

    def _with(self, f: Polynomial, x: int, solution: Polynomial) -> Polynomial:
        if all(not m[x] for m in f):
            return f
        out: Polynomial = {}
        for m, c in f.items():
            rest = tuple(0 if y == x else e for y, e in enumerate(m))
            for m2, c2 in _power(solution, m[x], self.variables).items():
                product = tuple(a + b for a, b in zip(rest, m2, strict=True))
                total = (out.get(product, 0) + c * c2) % PRIME
                if total:
                    out[product] = total
                else:
                    out.pop(product, None)
        return out


def _power(f: Polynomial, exponent: int, variables: int) -> Polynomial:
    if exponent < 0:  # only monomials are inverted
        ((m, c),) = f.items()
        return {tuple(exponent * e for e in m): pow(c, exponent, PRIME)}
    out: Polynomial = {(0,) * variables: 1}
    for _ in range(exponent):
        product: Polynomial = {}
        for m, c in out.items():
            for m2, c2 in f.items():
                key = tuple(a + b for a, b in zip(m, m2, strict=True))
                product[key] = (product.get(key, 0) + c * c2) % PRIME
        out = {m: c for m, c in product.items() if c}
    return out
