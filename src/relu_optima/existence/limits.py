"""Draw limits of members: first-order curves through a point where the product vanishes.

Take p_q, v_q with sum_q p_q v_q^T = 0 on the observed cells. Then
A = sum_q p_q w_q^T + s_q v_q^T is the limit of sum_q (p_q / eps + s_q)(v_q + eps w_q)^T, for any
w_q, s_q on the supports. Candidates have entries -1, 0, 1 and few nonzeros, so that refutations
stay short.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Matrix = np.ndarray
MAX_FRUITLESS = 200  # some windows have no nonzero curve at all


@dataclass(frozen=True)
class Candidate:
    """A limit and the four vectors of each piece that make its curve.

    Attributes
    ----------
    u_pole, u_shift : array of int, shape (q, m)
        The curve is u = u_pole / eps + u_shift.
    v_base, v_shift : array of int, shape (q, n)
        v = v_base + eps * v_shift.
    limit : array of int, shape (m, n)
        A on the observed cells, 0 elsewhere.
    """

    u_pole: Matrix
    u_shift: Matrix
    v_base: Matrix
    v_shift: Matrix
    limit: Matrix


def candidates(
    rows: Sequence[Matrix], columns: Sequence[Matrix], observed: Matrix, rng: np.random.Generator
) -> Iterator[Candidate]:
    """Draw candidate limits until many draws in a row bear none."""
    S, T = np.array(rows), np.array(columns)
    fruitless = 0
    while fruitless < MAX_FRUITLESS:
        fruitless += 1
        if rng.random() < 0.5:
            for candidate in _draw(S, T, observed, rng):
                fruitless = 0
                yield candidate
        else:
            for c in _draw(T, S, observed.T, rng):
                fruitless = 0
                # transposing exchanges the sides: u = s + eps w, v = p / eps + q; multiplying u
                # by 1 / eps and v by eps brings it back to the standard form
                yield Candidate(c.v_base, c.v_shift, c.u_pole, c.u_shift, c.limit.T)


def _draw(S: Matrix, T: Matrix, observed: Matrix, rng: np.random.Generator) -> Iterator[Candidate]:
    q, n = T.shape
    m = S.shape[1]
    active = np.zeros(q, bool)
    size = min(q, 2 + int(rng.integers(0, 3) == 0) + int(rng.integers(0, 6) == 0))
    active[rng.permutation(q)[:size]] = True
    density = rng.choice([0.3, 0.6, 0.9])
    base = np.where(rng.random((q, n)) < density, _signs(rng, (q, n)), 0) * T * active[:, None]
    pole = np.zeros((q, m), np.int64)
    used = np.asarray(base.any(axis=1))
    for i in range(m):
        inside = np.flatnonzero(S[:, i] & used)
        if not len(inside) or len(inside) > 5:
            continue
        options = _kernel(base[inside][:, observed[i]])
        if len(options) and rng.random() < 0.7:
            pole[inside, i] = options[rng.integers(len(options))]
    if not pole.any():
        return
    for _ in range(4):
        keep = rng.choice([0.25, 0.5, 0.8])
        w = np.where(rng.random((q, n)) < keep, _signs(rng, (q, n)), 0) * T
        s = np.where(rng.random((q, m)) < keep, _signs(rng, (q, m)), 0) * S
        w *= np.asarray(pole.any(axis=1))[:, None]
        s *= used[:, None]
        limit = (pole.T @ w + s.T @ base) * observed
        if limit.any():
            yield Candidate(pole, s, base, w, limit)


def _signs(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    signs: Matrix = np.where(rng.random(shape) < 0.75, 1, -1)
    return signs


def _kernel(vectors: Matrix) -> Matrix:
    """List nonzero combinations with coefficients -1, 0, 1 that vanish."""
    coefficients = _combinations(len(vectors))
    vanishing: Matrix = coefficients[~(coefficients @ vectors).any(axis=1)]
    return vanishing


_CACHE: dict[int, Matrix] = {}


def _combinations(size: int) -> Matrix:
    if size not in _CACHE:
        every = np.array(list(itertools.product((-1, 0, 1), repeat=size)), dtype=np.int64)
        _CACHE[size] = every[every.any(axis=1)]
    return _CACHE[size]
