"""Rational functions in lowest terms, over polynomials of python-flint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Rational:
    """A quotient of polynomials in lowest terms."""

    top: Any
    bottom: Any

    def plus(self, other: Rational) -> Rational:
        """Return the sum."""
        return reduced(
            self.top * other.bottom + other.top * self.bottom, self.bottom * other.bottom
        )

    def minus(self, other: Rational) -> Rational:
        """Return the difference."""
        return self.plus(Rational(-other.top, other.bottom))

    def times(self, other: Rational) -> Rational:
        """Return the product."""
        return reduced(self.top * other.top, self.bottom * other.bottom)

    def over(self, other: Rational) -> Rational:
        """Return the quotient."""
        return reduced(self.top * other.bottom, self.bottom * other.top)


def reduced(top: Any, bottom: Any) -> Rational:
    """Cancel the common factor."""
    if top == 0:
        return Rational(top, bottom * 0 + 1)
    common = top.gcd(bottom)
    return Rational(top // common, bottom // common)
