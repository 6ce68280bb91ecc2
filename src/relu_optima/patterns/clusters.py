r"""Clusters of points, at most n of which meet a hyperplane: where a ReLU network must be affine.

If for any n + 1 clusters det(1, x) keeps one strict sign over all choices of vertices, no
hyperplane meets n + 1 of their hulls: the determinant is affine in each point, so it keeps the
sign over the hulls. A network with r hidden neurons then is affine on all but r n hulls.

The clusters are simplices around the points (s, s^2, ..., s^n), s = -T, ..., T, of the moment
curve: the centre, and the centre moved by h_j along axis j.

*Closed bound.* Let h_j = h T^{j-1}. Expand the determinant over the set Q of rows that moved: a row
that moved along axis j is h_j e_j, so the term is zero or the product of the h_j times a minor of
the other points without the columns J of Q, which is a Schur polynomial times a Vandermonde
determinant. All differences of the s are at least 1, so relative to the Vandermonde determinant of
the centres the term is at most

    prod_{j in J} h_j  s_lambda(1, ..., 1) T^{|lambda|} = h^q T^{q (n-1) - q (q-1) / 2} s_lambda(1)

with q = |J|, and s_lambda(1, ..., 1) = prod_{a<b} (E_b - E_a) / (b - a) for the exponents
E = {0, ..., n} \ J that are left. If the sum over q of binom(n + 1, q) times the largest such term
is below 1, no sign can change. (0 is never in J: no row loses its 1.)
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np

from relu_optima.errors import BudgetError

MAX_DETERMINANTS = 20_000  # up to here exact enumeration finds larger clusters than the bound
MAX_DIMENSION = 16  # the bound looks at every set of columns

Vertices = list[list[Fraction]]


def separated_clusters(n: int, count: int) -> np.ndarray:
    """Place simplices such that no hyperplane meets n + 1 of them."""
    middle = count // 2
    steps = [p - middle for p in range(count)]
    top = max(abs(s) for s in steps) or 1
    base = [[Fraction(s) ** (j + 1) for j in range(n)] for s in steps]
    moves = _moves(base, n, top)
    unit = math.ceil(math.log2(max(top, 2)))
    scale = [Fraction(1, 2 ** (unit * (j + 1))) for j in range(n)]
    exact = [
        [[x * s for x, s in zip(vertex, scale, strict=True)] for vertex in _simplex(c, moves)]
        for c in base
    ]
    points = np.array(exact, dtype=float)
    if [[[Fraction(x) for x in v] for v in c] for c in points.tolist()] != exact:
        raise BudgetError(
            f"{count} clusters in dimension {n} are closer than float64 can tell",
            allowed="fewer neurons or a window with fewer inputs",
            fix="use counterexample_dataset(), which is small for every pattern",
        )
    return points


def _moves(base: Vertices, n: int, top: int) -> list[Fraction]:
    """Choose how far the vertices of a cluster lie from its centre, along each axis."""
    if n == 2:
        # x2 - x1 = d, x3 - x2 = e >= 1: the determinant of the centres is d e (d + e) >= d + e,
        # vertices change it by at most h (4 T + 2)(d + e) + 2 h^2 < d + e for this h
        return [Fraction(1, 2 ** math.ceil(math.log2(4 * top + 4)))] * 2
    if math.comb(len(base), n + 1) * (n + 1) ** (n + 1) <= MAX_DETERMINANTS:
        h = Fraction(1, 4)
        while not clusters_are_separated([_simplex(c, [h] * n) for c in base]):
            h /= 2
        return [h] * n
    h = provable_move(n, top)
    return [h * top**j for j in range(n)]


def provable_move(n: int, top: int) -> Fraction:
    """Return the largest power of 1/2 for which the closed bound above stays below 1."""
    if n > MAX_DIMENSION:
        raise BudgetError(f"dimension {n}", allowed=f"at most {MAX_DIMENSION}")
    factors = []
    for q in range(1, n + 1):
        schur = max(
            _schur_at_ones([e for e in range(n + 1) if e not in removed])
            for removed in itertools.combinations(range(1, n + 1), q)
        )
        factors.append(
            math.comb(n + 1, q) * schur * Fraction(top) ** (q * (n - 1) - q * (q - 1) // 2)
        )
    h = Fraction(1, 2)
    while sum(f * h**q for q, f in enumerate(factors, start=1)) >= 1:
        h /= 2
    return h


def _schur_at_ones(exponents: list[int]) -> Fraction:
    pairs = itertools.combinations(enumerate(exponents), 2)
    return math.prod((Fraction(y - x, b - a) for (a, x), (b, y) in pairs), start=Fraction(1))


def _simplex(centre: list[Fraction], moves: list[Fraction]) -> Vertices:
    return [
        centre,
        *([x + (h if j == q else 0) for j, x in enumerate(centre)] for q, h in enumerate(moves)),
    ]


def clusters_are_separated(clusters: list[Vertices]) -> bool:
    """Check the sign condition by enumeration in exact arithmetic."""
    n = len(clusters[0][0])
    for chosen in itertools.combinations(clusters, n + 1):
        signs = {
            (d > 0) - (d < 0)
            for vertices in itertools.product(*chosen)
            for d in [determinant([[Fraction(1), *v] for v in vertices])]
        }
        if len(signs) != 1 or 0 in signs:
            return False
    return True


def determinant(matrix: list[list[Fraction]]) -> Fraction:
    """Compute an exact determinant by elimination."""
    rows = [list(row) for row in matrix]
    out = Fraction(1)
    for q in range(len(rows)):
        pivot = next((p for p in range(q, len(rows)) if rows[p][q]), None)
        if pivot is None:
            return Fraction(0)
        if pivot != q:
            rows[q], rows[pivot] = rows[pivot], rows[q]
            out = -out
        out *= rows[q][q]
        for p in range(q + 1, len(rows)):
            factor = rows[p][q] / rows[q][q]
            rows[p] = [x - factor * y for x, y in zip(rows[p], rows[q], strict=True)]
    return out
