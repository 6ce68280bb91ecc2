r"""Bounds over all activation patterns, also of supports whose patterns are too many to be listed.

**Lemma.** Let x_i be the rows of X_S and s > 0. Then for all unit vectors u

.. math:: 2 \, \nu^\top (X_S u)_+ \le \lVert X_S^\top \nu \rVert + \frac{a}{2 s}
          + \lambda_{\max} \Bigl( \frac{s}{2} A - B \Bigr), \qquad
          a = \sum_{\nu_i > 0} \nu_i \lVert x_i \rVert, \quad
          A = \sum_{\nu_i > 0} \frac{\nu_i x_i x_i^\top}{\lVert x_i \rVert}, \quad
          B = \sum_{\nu_i < 0} \frac{-\nu_i x_i x_i^\top}{\lVert x_i \rVert} .

*Proof.* 2 (z)_+ = z + |z|, and nu'X_S u <= |X_S'nu|. For z_i = x_i'u and r_i = |x_i| the mean of
squares gives |z_i| <= (s z_i^2 / r_i + r_i / s) / 2, and |z_i| <= r_i gives -|z_i| <= -z_i^2 / r_i.
Weighted by the positive and the negative part of nu, they sum to a / (2 s) + u'(s A / 2 - B) u. []

The same for -nu. With several outputs, N the matrix of their dual vectors, |N'(X_S u)_+| is at most
the length of the outputs' own bounds, and at most (|X_S'N| + |N| |X_S|) / 2 in operator norms,
since |(|X_S u|)| = |X_S u|.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from relu_optima.convex.shallow import ShallowSolution
from relu_optima.convex.sparse.certificate import EPS, support_height
from relu_optima.convex.sparse.listed_patterns import SupportGates

STEEPS = 1.3 ** np.arange(-2, 18)  # s, in units of what is best without B: the bound is convex in s
WEAKER = 3.0  # most by which the strength is lowered: the weaker, the longer it takes

Fed = Mapping[tuple[int, ...], tuple[int, ...]]  # outputs that neurons of each support feed
Gates = Mapping[tuple[int, ...], SupportGates]  # of the supports whose patterns are listed


class Program(Protocol):
    """A sparse program that can be solved at any strength."""

    @property
    def fed(self) -> Fed:
        """Outputs that neurons of each support feed."""

    @property
    def listed(self) -> Gates:
        """Gates of the supports whose patterns are listed."""

    def dual(self, lam: float, tol: float, time_limit: float | None) -> np.ndarray:
        """Return the dual point, shape (n, K), that bounds the program at a strength."""


def over_all_patterns(
    program: Program, solution: ShallowSolution, tol: float, time_limit: float | None
) -> tuple[float, np.ndarray]:
    """Bound a program of drawn patterns over all of them, and return the dual point that does.

    Shrunk to height lam the solution's own dual point loses much. That of a weaker strength is
    close to feasible as it is: tried is the one that the loose height asks for, within limits.
    """
    X, Y, lam, N = solution.X, solution.Y, solution.lam, solution.dual
    bound = all_patterns_bound(X, Y, program.fed, lam, N, program.listed)
    height = height_over_all(X, program.fed, N, program.listed)
    if height <= lam:
        return bound, N
    other = program.dual(lam / min(height / lam, WEAKER), tol, time_limit)
    better = all_patterns_bound(X, Y, program.fed, lam, other, program.listed)
    return (better, other) if better > bound else (bound, N)


def all_patterns_bound(
    X: np.ndarray, Y: np.ndarray, fed: Fed, lam: float, N: np.ndarray, listed: Gates
) -> float:
    """Lower bound over *all* patterns on the best network, from any dual candidate N.

    An output that no neuron feeds is a constant of the program.
    """
    height = height_over_all(X, fed, N, listed)
    reached = sorted({k for outputs in fed.values() for k in outputs})
    N, Y, rest = N[:, reached], Y[:, reached], np.delete(Y, reached, axis=1)
    square, product = float(np.sum(N * N)), float(np.sum(N * Y))
    share = max(0.0, product / square) if square else 0.0
    share = min(share, lam / height) if height > 0 else share
    return share * product - 0.5 * share**2 * square + 0.5 * float(np.sum(rest * rest))


def height_over_all(X: np.ndarray, fed: Fed, N: np.ndarray, listed: Gates) -> float:
    """Upper bound on |N'(X_S u)_+| over all supports and unit vectors u.

    By the lemma, but exactly where that is possible and the lemma's bound would be the largest.
    """
    parts = {s: (X[:, list(s)], N[:, list(outputs)]) for s, outputs in fed.items()}
    heights = {
        s: _height(*part, [loose_height(part[0], nu) for nu in part[1].T])
        for s, part in parts.items()
    }
    left = {s for s in fed if s not in listed or listed[s].exact}
    while (top := max(heights, key=heights.__getitem__)) in left:
        columns, part = parts[top]
        whole = (tuple(range(len(top))),)
        gates = {0: listed[top].gates} if top in listed else {}
        exact = [support_height(columns, nu, whole, gates) for nu in part.T]
        heights[top] = _height(columns, part, exact)
        left.remove(top)
    return heights[top]


def _height(columns: np.ndarray, N: np.ndarray, each: list[float]) -> float:
    """Upper bound on |N'(X_S u)_+| over all unit vectors u, from those of the single outputs."""
    if len(each) == 1:
        return each[0]
    joint = 0.5 * float(np.linalg.norm(columns.T @ N, 2))
    joint += 0.5 * float(np.linalg.norm(N, 2)) * float(np.linalg.norm(columns, 2))
    return min(float(np.linalg.norm(each)), joint) * (1 + 4 * len(N) * EPS)


def loose_height(columns: np.ndarray, nu: np.ndarray) -> float:
    """Upper bound on |nu'(X_S u)_+| over all unit vectors u, by the lemma."""
    lengths = np.linalg.norm(columns, axis=1)
    used = lengths > 0
    rows, lengths, nu = columns[used], lengths[used], nu[used]
    linear = float(np.linalg.norm(rows.T @ nu))
    spread = max(_spread(rows, lengths, nu), _spread(rows, lengths, -nu))
    slack = EPS * (4 * len(rows) + 64) * float(np.abs(nu) @ lengths)
    return 0.5 * (linear + spread) + slack


def _spread(rows: np.ndarray, lengths: np.ndarray, nu: np.ndarray) -> float:
    """Least bound on nu'|X_S u| that some s gives."""
    up, down = np.maximum(nu, 0.0), np.maximum(-nu, 0.0)
    a = float(up @ lengths)
    if a == 0.0:
        return 0.0
    A = (rows * (up / lengths)[:, None]).T @ rows
    B = (rows * (down / lengths)[:, None]).T @ rows
    s = np.sqrt(a / np.linalg.eigvalsh(A)[-1]) * STEEPS
    tops = np.linalg.eigvalsh(0.5 * s[:, None, None] * A - B)[:, -1]
    return max(0.0, float((0.5 * a / s + tops).min()))
