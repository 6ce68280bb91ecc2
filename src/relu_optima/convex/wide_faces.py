"""Faces of cones in many features, by LAPACK: there its calls cost less than loops do."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

WIDE = 100  # features from which on a face is large enough
WORK = 64  # columns that LAPACK may work on at a time
DEPENDENT = (
    1e-9  # length of the new part of a unit row below which it adds nothing, as in `kernels`
)


def factorise_rows(rows: np.ndarray, face: np.ndarray) -> bool:
    """Write the factor of a face, as `kernels` keeps it; False if its rows depend on each other.

    With rows' = Q'R the basis is Q and the combinations that give it are the inverse of R'.
    """
    k, d = rows.shape
    packed, tau, _, _ = lapack.dgeqrf(rows.T, lwork=WORK * k, overwrite_a=1)
    R = np.triu(packed[:k])
    if k > d or np.abs(R.diagonal()).min() < DEPENDENT:
        return False
    inverse, _ = lapack.dtrtri(R, lower=0)
    Q, _, _ = lapack.dorgqr(packed, tau, lwork=WORK * k, overwrite_a=1)
    face[:k, :d] = Q.T
    face[:, d:] = 0.0
    face[:k, d : d + k] = inverse.T
    return True


def complete_wide(basis: np.ndarray, q: np.ndarray, out: np.ndarray) -> None:
    """Write an orthonormal basis of the directions of a face that starts with q, one of them."""
    k, d = basis.shape
    out[0] = q
    if k + 1 == d:
        return
    packed, tau, _, _ = lapack.dgeqrf(np.vstack([basis, q]).T, lwork=WORK * (k + 1), overwrite_a=1)
    rest = np.zeros((d, d - k - 1), order="F")
    rest[np.arange(k + 1, d), np.arange(d - k - 1)] = 1.0
    rest, _, _ = lapack.dormqr("L", "N", packed, tau, rest, WORK * d, overwrite_c=1)
    out[1:] = rest.T
