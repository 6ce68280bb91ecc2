"""Numerical rank and null spaces, decided on columns of unit length."""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr, svd

RANK_TOL = 1e-9  # relative singular value of unit columns below which they are dependent
ENTRY_TOL = 1e-13  # entries of an orthonormal null basis below this are rounding


def rank(columns: np.ndarray, tolerance: float = RANK_TOL) -> int:
    """Numerical rank of a matrix after scaling its columns to unit length."""
    return int(columns.shape[1] - null_basis(columns, tolerance).shape[1])


def null_basis(columns: np.ndarray, tolerance: float = RANK_TOL) -> np.ndarray:
    """Orthonormal basis of the null space, decided on columns of unit length."""
    k = columns.shape[1]
    if k == 0:
        return np.zeros((0, 0))
    norms = np.linalg.norm(columns, axis=0)
    norms = np.where(norms > 0, norms, 1.0)
    scaled = columns / norms
    if columns.shape[0] > k:
        scaled = qr(scaled, mode="r")[0][:k]
    _, singular, right = svd(scaled, full_matrices=True)
    found = int(np.sum(singular > tolerance * singular[0])) if singular.size else 0
    null = right[found:].T / norms[:, None]
    if null.shape[1]:
        null = qr(null, mode="economic")[0]
        null[np.abs(null) < ENTRY_TOL] = 0.0
    return np.asarray(null)
