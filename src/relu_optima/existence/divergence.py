"""How fast parameters must grow along a certificate's curve, read from its Laurent polynomials."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from relu_optima.errors import DegenerateError
from relu_optima.existence.proof import laurent


@dataclass(frozen=True)
class Divergence:
    """Orders of a curve of factors whose product tends to a matrix that is no product.

    Attributes
    ----------
    error_order : int
        q: the product differs from its limit by the order eps^q.
    pole_order : int
        P: the largest sum of the pole orders of a neuron's column and row.
    """

    error_order: int
    pole_order: int

    @property
    def loss_exponent(self) -> Fraction:
        """Exponent of the squared error in the norm of the factors, -4 q / P."""
        return Fraction(-4 * self.error_order, self.pole_order)

    @property
    def decay_exponent(self) -> Fraction:
        r"""Exponent of the norm in the strength of weight decay, -P / (2 P + 4 q).

        The sum of :math:`N^{-4q/P}` and :math:`\lambda N^2` is least where N has that order.
        """
        return Fraction(-self.pole_order, 2 * self.pole_order + 4 * self.error_order)


def curve_divergence(product: dict[str, Any]) -> Divergence:
    """Read the orders of a certificate's curve."""
    proof = product["proof"]
    if product["answer"] != "not_closed" or len(proof.get("curve", ())) != 2:
        raise DegenerateError(
            f"the product set is {product['answer']!r}",
            where="divergence",
            allowed="patterns of two layers whose product set is proved not closed",
        )
    lower, upper = (laurent.from_json(layer) for layer in proof["curve"])
    poles: list[dict[int, int]] = [{}, {}]
    for side, factor in ((0, upper), (1, lower)):
        for (a, b), entry in factor.items():
            k = b if side == 0 else a
            poles[side][k] = max(poles[side].get(k, -(10**9)), *(-power for power in entry))
    both = poles[0].keys() & poles[1].keys()
    error = [power for e in laurent.matmul(upper, lower).values() for power in e if power > 0]
    return Divergence(min(error), max(poles[0][k] + poles[1][k] for k in both))
