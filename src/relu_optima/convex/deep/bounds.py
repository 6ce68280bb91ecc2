r"""What no network of a given depth can be better than, by other code than the closed forms.

Let f(X) be the outputs on X with ‖X Xᵀ‖ ≤ 1 + δ, W_1 … W_L the layers, A = f(X).

*Linear networks.* A = X W_1 ⋯ W_L, so Σ_i s_i(A)^{2/L} ≤ Σ_i Π_l s_i(W_l)^{2/L} (1 + δ)^{1/L}
(Horn's inequality) ≤ (1 + δ)^{1/L} Σ_l ‖W_l‖_F² / L (arithmetic and geometric mean). With
von Neumann's trace inequality, ‖A - Y‖_F² ≥ Σ_i (s_i(A) - σ_i(Y))², the objective is at least

    Σ_i min_{s ≥ 0} ½(σ_i - s)² + (λ' L / 2) s^{2/L},   λ' = λ (1 + δ)^{-1/L}.

*ReLU networks.* With H = (…(X W_1)₊ … W_{L-1})₊ and A = H W_L: ‖A‖_* ≤ ‖H‖_F ‖W_L‖_F, and
‖(B W)₊‖_F ≤ ‖B W‖_F ≤ ‖B‖ ‖W‖_F layer by layer, so ‖A‖_* ≤ (1 + δ)^{1/2} Π_l ‖W_l‖_F and
Σ_l ‖W_l‖_F² ≥ L (1 + δ)^{-1/L} ‖A‖_*^{2/L}. The objective is at least

    min_{a ≥ 0} ½ Σ_i (σ_i - a_i)² + (λ' L / 2) (Σ_i a_i)^{2/L}.

For L = 2 both are one bound, and the aligned network attains it; for L ≥ 3 they differ, and between
them lies what is not known of ReLU networks.

All numbers here are found as roots in t = s^{1/L}, where λ - σ t^{L-2} + t^{2L-2} = 0, enclosed in
balls of python-flint (Arb), and the values are evaluated on the balls: lower ends are proved.
"""

from __future__ import annotations

from collections.abc import Sequence

import flint
import numpy as np

BITS = 128  # of the balls: twice a double and to spare for powers up to some hundred layers


def linear_bound(sigma: Sequence[float] | np.ndarray, lam: float, depth: int) -> float:
    """Bound the objective of linear networks from below; sigma are singular values of Y."""
    with _precision():
        values = [_scalar_bound(flint.arb(float(v)), flint.arb(lam), depth) for v in sigma]
        return _below(sum(values, flint.arb(0)))


def relu_bound(sigma: Sequence[float] | np.ndarray, lam: float, depth: int) -> float:
    """Bound the objective of ReLU networks from below; sigma are singular values of Y.

    For a given sum S of a the fit is least at a = (σ - θ)₊. While m values exceed θ = (Σ_m - S)/m,
    Σ_m the sum of the m largest, the objective is ½(Σ_m - S)²/m + ½ Σ_{i>m} σ_i² + (λL/2) S^{2/L}:
    the scalar problem with Σ_m, mλ in place of σ, λ. It has a continuous derivative in S, positive
    at S = Σσ, so the least value is that at S = 0 or at a stationary point inside its own range.
    """
    ordered = [flint.arb(v) for v in sorted((float(v) for v in sigma), reverse=True)]
    with _precision():
        rest = sum((v**2 / 2 for v in ordered), flint.arb(0))
        best = rest  # a = 0
        head = flint.arb(0)
        for m, v in enumerate(ordered, start=1):
            head, rest = head + v, rest - v**2 / 2
            t = _stationary(head, flint.arb(lam) * m, depth)
            if t is None:
                continue
            theta = (head - t**depth) / m
            following = ordered[m] if m < len(ordered) else flint.arb(0)
            if theta > v or theta < following:  # proved to lie outside its range
                continue
            value = (head - t**depth) ** 2 / (2 * m) + flint.arb(lam) * depth * t**2 / 2 + rest
            best = _lesser(best, value)
        return _below(best)


class _precision:
    """Work with balls of `BITS` bits, and leave the library as it was."""

    def __enter__(self) -> None:
        self.before = flint.ctx.prec
        flint.ctx.prec = BITS

    def __exit__(self, *_: object) -> None:
        flint.ctx.prec = self.before


def _below(value: flint.arb) -> float:
    """Return a double that is not above the ball."""
    return float(np.nextafter(float(value.lower()), -np.inf)) if value != 0 else 0.0


def _scalar_bound(sigma: flint.arb, lam: flint.arb, depth: int) -> flint.arb:
    """Enclose the scalar minimum: its value at 0 or at the larger stationary point."""
    t = _stationary(sigma, lam, depth)
    if t is None:
        return sigma**2 / 2
    return _lesser(sigma**2 / 2, (sigma - t**depth) ** 2 / 2 + lam * depth * t**2 / 2)


def _stationary(sigma: flint.arb, lam: flint.arb, depth: int) -> flint.arb | None:
    """Enclose the larger root in t, or return None where no minimum lies off 0.

    The left side p(t) = λ + t^{L-2} (t^L - σ) falls up to t_m with t_m^L = σ (L - 2) / (2L - 2) and
    rises after it. If p(t_m) ≥ 0 the objective rises throughout. Where the sign of p(t_m) cannot be
    told the two roots all but meet and the objective rises but for less than can be told: its value
    at 0 is the least in either case.
    """
    if not sigma > 0:
        return None

    def side(t: flint.arb) -> flint.arb:
        return lam + t ** (depth - 2) * (t**depth - sigma)

    low = flint.arb(((sigma * (depth - 2) / (2 * depth - 2)).root(depth)).mid())
    high = flint.arb(sigma.root(depth).upper())
    if not side(low) < 0:
        return None
    for _ in range(2 * BITS):
        for part in (0.5, 0.375):  # a middle that is the root itself tells no side
            middle = flint.arb((low + (high - low) * part).mid())
            value = side(middle)
            if value < 0 or value > 0:
                break
        else:
            break
        low, high = (middle, high) if value < 0 else (low, middle)
    return low.union(high)


def _lesser(a: flint.arb, b: flint.arb) -> flint.arb:
    return a if float(a.lower()) <= float(b.lower()) else b
