"""Multipliers that prove a dual vector feasible, as a solver hands them to whoever checks it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Evidence:
    """Multipliers rho >= 0 of cone rows, for those blocks whose correlations need them.

    For any rho >= 0 the length of ``X_b'nu + A_b'rho`` bounds that of the projection of
    ``X_b'nu`` on the cone of block b, so evidence can be loose but never wrong.

    Attributes
    ----------
    blocks : array of int, shape (m,)
        Distinct blocks, adding ones first: block b has pattern b mod P and sign -1 from P on.
    starts : array of int, shape (m + 1,)
        Entries of the k-th block are those from starts[k] to starts[k + 1].
    rows : array of int, shape (k,)
        Rows of X.
    rho : array, shape (k,)
        Their multipliers, of cone rows scaled to unit length.
    """

    blocks: np.ndarray
    starts: np.ndarray
    rows: np.ndarray
    rho: np.ndarray
