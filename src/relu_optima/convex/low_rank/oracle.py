"""Oracles of column generation over patterns: exact up to rank three, heuristic beyond."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.convex.low_rank.pricing import Pricer
from relu_optima.convex.products import row_norms

MOST = 20  # maxima whose patterns join in a round: more make the master dearer than a round
ASCENTS = 64  # random starts of the heuristic
STEPS = 50  # of one ascent


@dataclass(frozen=True)
class Patterns:
    """An upper bound on the largest correlation, and gates whose patterns may join.

    Attributes
    ----------
    bound : float
        Upper bound on max |N'(X u)_+| over unit vectors u.
    gates : array, shape (d, g)
        Interior points of cells.
    """

    bound: float
    gates: np.ndarray


class ExactOracle:
    """Prices all patterns of data of rank at most three."""

    def __init__(self, pricer: Pricer, most: int = MOST) -> None:
        self.pricer, self.most = pricer, most
        self.pricings = 0

    def price(self, N: np.ndarray, above: float) -> Patterns:
        """Price exactly; the patterns are those around the largest local maxima."""
        self.pricings += 1
        found = self.pricer.price(N, above=above, most=self.most)
        return Patterns(found.bound, self.pricer.gates(found.directions))


class AscentOracle:
    r"""Looks for patterns by ascent from random directions, in any dimension.

    What it offers need not be the best there is; its bound holds for all neurons, by

    .. math:: (t)_+ = \tfrac12 (t + |t|), \qquad
        \lVert N^\top (X u)_+ \rVert \le \tfrac12 \lVert N^\top X \rVert_2
        + \tfrac12 \lVert N^\top |X u| \rVert,

    and the last norm, like the first, is at most :math:`\lVert N \rVert_2 \lVert X \rVert_2`; for
    one output at most the larger, over the two signs, of
    :math:`(\sum_i \nu_i^\pm)^{1/2} \lambda_{\max}(\sum_i \nu_i^\pm x_i x_i^\top)^{1/2}`
    (Cauchy-Schwarz).
    """

    def __init__(self, X: np.ndarray, seed: int, most: int = MOST) -> None:
        self.X, self.most = X, most
        self._size = float(np.linalg.norm(X, 2))
        self._draw = np.random.default_rng(seed)
        self.pricings = 0

    def price(self, N: np.ndarray, above: float) -> Patterns:
        """Ascend from random directions and keep the best patterns above the level."""
        self.pricings += 1
        X = self.X
        U = self._draw.standard_normal((X.shape[1], ASCENTS))
        for _ in range(STEPS):
            hidden = np.maximum(X @ U, 0.0)
            outer = N.T @ hidden  # (K, starts): the output weights that suit each neuron
            outer /= np.maximum(np.linalg.norm(outer, axis=0), 1e-300)
            step = X.T @ ((X @ U > 0) * (N @ outer))
            U = U / np.linalg.norm(U, axis=0) + step / max(float(np.abs(step).max()), 1e-300)
        U /= np.linalg.norm(U, axis=0)
        values = np.linalg.norm(N.T @ np.maximum(X @ U, 0.0), axis=0)
        order = np.argsort(-values, kind="stable")[: self.most]
        return Patterns(self.bound(N), np.ascontiguousarray(U[:, order[values[order] > above]]))

    def bound(self, N: np.ndarray) -> float:
        """Bound the largest correlation of all neurons."""
        X = self.X
        linear = float(np.linalg.norm(N.T @ X, 2))
        if N.shape[1] > 1:
            whole = float(np.linalg.norm(N, 2)) * self._size
        else:
            sides = []
            for side in (np.maximum(N[:, 0], 0.0), np.maximum(-N[:, 0], 0.0)):
                top = float(np.linalg.eigvalsh(X.T @ (side[:, None] * X))[-1])
                sides.append(np.sqrt(side.sum() * max(top, 0.0)))
            whole = max(sides)
        rounding = 1e-13 * float(row_norms(N) @ row_norms(X))
        return min(whole, 0.5 * (linear + whole)) + rounding
