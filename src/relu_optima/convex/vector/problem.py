"""Checked data of programs with several outputs, and the layout of class targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.convex.gates import as_finite, as_inputs, merge_patterns
from relu_optima.errors import BudgetError, SolveInputError

NUMBERS = 100_000_000  # of the blocks of all gates, inputs x outputs each: 0.8 GB an array


@dataclass(frozen=True)
class VectorProblem:
    """Inputs, targets (n, K), merged gates (d, P) and their patterns (n, P)."""

    X: np.ndarray
    Y: np.ndarray
    gates: np.ndarray
    patterns: np.ndarray


def as_targets(X: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check inputs and targets; one output may come as (n,)."""
    X = as_inputs(X)
    Y = np.asarray(Y)
    if Y.ndim == 1:
        Y = Y[:, None]
    n = X.shape[0]
    Y = as_finite(Y, "Y", 2, f"finite numbers of shape ({n},) or ({n}, K)")
    if Y.shape[0] != n:
        raise SolveInputError(
            f"it has {Y.shape[0]} rows", allowed=f"{n}, one for each row of X", where="Y"
        )
    for name, array in (("X", X), ("Y", Y)):
        largest = float(np.abs(array).max())
        if largest and not 1e-140 < largest < 1e140:
            raise SolveInputError(
                f"its largest entry is {largest:.3g}, whose square float64 cannot hold",
                allowed="a largest entry between 1e-140 and 1e140",
                where=name,
                fix="scale the data",
            )
    return X, Y


def make_vector_problem(X: np.ndarray, Y: np.ndarray, gates: np.ndarray) -> VectorProblem:
    """Check the arguments of a solve and merge equal patterns."""
    X, Y = as_targets(X, Y)
    d = X.shape[1]
    gates = as_finite(gates, "gates", 2, f"a ({d}, number of gates) array of finite numbers")
    if gates.shape[0] != d:
        raise SolveInputError(
            f"it has shape {gates.shape}",
            allowed=f"({d}, number of gates): one gate in each column",
            where="gates",
            fix="transpose it" if gates.shape[1] == d else "",
        )
    scale = np.abs(gates).max(axis=0)
    merged, patterns = merge_patterns(X, gates / np.where(scale > 0, scale, 1.0))
    if not patterns.shape[1]:
        raise SolveInputError(
            "every gate is off on every row",
            where="gates",
            allowed="at least one gate that is on for a row of X",
        )
    count, K = patterns.shape[1], Y.shape[1]
    if count * d * K > NUMBERS:
        raise BudgetError(
            f"{count} patterns x {d} inputs x {K} outputs are {count * d * K:.3g} numbers",
            allowed=f"{NUMBERS:.3g}",
            where="gates",
            fix=f"list at most {NUMBERS // (d * K)} gates, or use fewer inputs or outputs",
        )
    return VectorProblem(X, Y, merged, patterns)


def one_hot(labels: np.ndarray, classes: int | None = None) -> np.ndarray:
    """Turn class numbers into indicators, one column for each class.

    Parameters
    ----------
    labels : array of int, shape (n,)
        Class numbers 0, ..., K - 1; every class has a row.
    classes : int, optional
        K; the largest label plus one if left out.

    Returns
    -------
    array, shape (n, K)
        1 for the class of the row, else 0.

    Raises
    ------
    SolveInputError
        If labels are not whole numbers from 0, if there is one class only, or a class is empty.
    """
    found = np.asarray(labels)
    if found.ndim != 1 or not found.size or found.dtype.kind not in "iuf":
        raise SolveInputError(
            f"labels of shape {found.shape} and type {found.dtype}",
            allowed="one whole number for each row",
            where="labels",
        )
    whole = found.astype(np.int64)
    count = int(whole.max()) + 1 if classes is None else int(classes)
    if (whole != found).any() or whole.min() < 0 or whole.max() >= count:
        raise SolveInputError(
            f"labels from {found.min()} to {found.max()}",
            allowed=f"whole numbers 0, ..., {max(count, 1) - 1}",
            where="labels",
        )
    sizes = np.bincount(whole, minlength=count)
    if count < 2 or (sizes == 0).any():
        problem = (
            f"class {int(np.argmin(sizes))} has no row" if count >= 2 else "there is one class only"
        )
        raise SolveInputError(
            problem, allowed="two classes or more, each with a row", where="labels"
        )
    return np.asarray((whole[:, None] == np.arange(count)).astype(np.float64))
