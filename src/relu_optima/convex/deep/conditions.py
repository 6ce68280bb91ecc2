"""What the closed forms ask of data, checked and refused by name."""

from __future__ import annotations

import numpy as np

from relu_optima.errors import SolveInputError

ORTHONORMAL = 1e-8  # on X Xᵀ - I: its effect on the value, at most that relatively, is in the bound


def check_data(X: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Accept finite arrays (n, d) and (n,) or (n, K) as float64."""
    X, Y = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    Y = Y[:, None] if Y.ndim == 1 else Y
    if X.ndim != 2 or Y.ndim != 2 or len(X) != len(Y) or X.size == 0 or Y.size == 0:
        raise SolveInputError(
            f"shapes {X.shape} and {Y.shape}", where="X, Y", allowed="(n, d) and (n,) or (n, K)"
        )
    for name, array in (("X", X), ("Y", Y)):
        if not np.isfinite(array).all():
            raise SolveInputError("there are NaN or infinite entries", where=name)
    return X, Y


def orthonormality(X: np.ndarray) -> float:
    """Return the norm of X Xᵀ - I (of Frobenius: above the largest singular value)."""
    return float(np.linalg.norm(X @ X.T - np.eye(len(X))))


def check_orthonormal(X: np.ndarray) -> float:
    """Accept orthonormal rows; return how far they are from it."""
    n, d = X.shape
    if n > d:
        raise SolveInputError(
            f"{n} rows in {d} dimensions cannot be orthonormal",
            where="X",
            allowed="n <= d and |X X' - I| <= 1e-8",
            fix="keep fewer rows (dataset.max_rows)",
        )
    error = orthonormality(X)
    if not error <= ORTHONORMAL:
        raise SolveInputError(
            f"|X X' - I| is {error:.3g}",
            where="X",
            allowed=f"at most {ORTHONORMAL:g}",
            fix="whiten the rows (dataset.whiten=zca_rows)",
        )
    return error


def check_one_hot(Y: np.ndarray) -> list[int]:
    """Accept one-hot rows with no class empty; return the class sizes by column."""
    if not np.isin(Y, (0.0, 1.0)).all() or not (Y.sum(axis=1) == 1).all():
        raise SolveInputError(
            "the targets are not one-hot", where="Y", allowed="rows with one 1 and zeros"
        )
    sizes = [int(v) for v in Y.sum(axis=0)]
    if min(sizes) < 1:
        raise SolveInputError(
            f"class {sizes.index(0)} has no row", where="Y", fix="leave out empty classes"
        )
    return sizes


def is_one_hot(Y: np.ndarray) -> bool:
    """Tell whether every row has one 1 and zeros."""
    return bool(np.isin(Y, (0.0, 1.0)).all() and (Y.sum(axis=1) == 1).all())


def centred_rank(X: np.ndarray) -> int:
    """Return the rank of X with its column means taken off."""
    P = X - X.mean(axis=0)
    return int(np.linalg.matrix_rank(P, tol=1e-10 * max(float(np.linalg.norm(P, 2)), 1e-300)))


def rank_one(X: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return (c, a) with X = c aᵀ, |a| = 1 and c ≥ 0, or None if X is not of this form."""
    lengths = np.linalg.norm(X, axis=1)
    longest = int(np.argmax(lengths))
    size = float(np.linalg.norm(lengths))
    if size == 0:
        return None
    a = X[longest] / lengths[longest]
    c = X @ a
    if np.linalg.norm(X - np.outer(c, a)) > 1e-12 * size or c.min() < -1e-12 * size:
        return None
    return np.maximum(c, 0.0), a
