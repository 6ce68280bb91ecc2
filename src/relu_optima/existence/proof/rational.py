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
        """Return the sum.

        Parameters
        ----------
        other : Rational
            Summand.

        Returns
        -------
        Rational
            Sum.
        """
        return reduced(
            self.top * other.bottom + other.top * self.bottom, self.bottom * other.bottom
        )

    def minus(self, other: Rational) -> Rational:
        """Return the difference.

        Parameters
        ----------
        other : Rational
            Subtrahend.

        Returns
        -------
        Rational
            Difference.
        """
        return self.plus(Rational(-other.top, other.bottom))

    def times(self, other: Rational) -> Rational:
        """Return the product.

        Parameters
        ----------
        other : Rational
            Factor.

        Returns
        -------
        Rational
            Product.
        """
        return reduced(self.top * other.top, self.bottom * other.bottom)

    def over(self, other: Rational) -> Rational:
        """Return the quotient.

        Parameters
        ----------
        other : Rational
            Divisor, nonzero.

        Returns
        -------
        Rational
            Quotient.
        """
        return reduced(self.top * other.bottom, self.bottom * other.top)


def reduced(top: Any, bottom: Any) -> Rational:
    """Cancel the common factor.

    Parameters
    ----------
    top, bottom : fmpq_mpoly
        Numerator and denominator.

    Returns
    -------
    Rational
        The quotient in lowest terms.
    """
    if top == 0:
        return Rational(top, bottom * 0 + 1)
    common = top.gcd(bottom)
    return Rational(top // common, bottom // common)
