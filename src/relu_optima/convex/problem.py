"""A checked convex program: data, merged patterns and strength, as every backend receives it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from relu_optima.convex.conjugate import scaled_loss
from relu_optima.convex.gates import as_finite, as_inputs, merge_patterns
from relu_optima.convex.loss import Loss, make_loss
from relu_optima.errors import SolveInputError


@dataclass(frozen=True)
class Problem:
    """Convex program of one formulation on one data set.

    Attributes
    ----------
    X : array, shape (n, d)
        Inputs.
    y : array, shape (n,)
        Targets.
    gates : array, shape (d, P)
        Gates of distinct non-zero patterns.
    patterns : array of bool, shape (n, P)
        Their patterns, the diagonals of D_i.
    formulation : str
        ``relu`` or ``gated``.
    loss : Loss or None
        None for the squared loss without an intercept.
    """

    X: np.ndarray
    y: np.ndarray
    gates: np.ndarray
    patterns: np.ndarray
    formulation: str
    loss: Loss | None = None

    @cached_property
    def digest(self) -> str:
        """Hash of X and y, taken once: a later change in place does not change it."""
        return data_digest(self.X, self.y)

    @cached_property
    def scales(self) -> tuple[float, float]:
        """Largest sizes of the entries of X and of y."""
        return float(np.abs(self.X).max()), float(np.abs(self.y).max())

    def scaled(self) -> Problem:
        """Return the problem with entries of size one."""
        x, y = self.scales
        return Problem(
            self.X / x,
            self.y / y,
            self.gates,
            self.patterns,
            self.formulation,
            scaled_loss(self.loss, y),
        )


def data_digest(X: np.ndarray, y: np.ndarray) -> str:
    """Hash the numbers of a data set, whatever their memory layout."""
    X, y = (np.ascontiguousarray(a, dtype=np.float64) for a in (X, y))
    lines = hashlib.blake2b(repr((X.shape, y.size)).encode(), digest_size=16)
    for array in (X, y):
        lines.update((array + 0.0).data)  # -0.0 and 0.0 are one number
    return lines.hexdigest()


def make_problem(
    X: np.ndarray,
    y: np.ndarray,
    gates: np.ndarray,
    formulation: str,
    *,
    loss: str = "squared",
    delta: float = 1.0,
    class_weight: str | None = None,
    intercept: bool = False,
) -> Problem:
    """Check the arguments of a solve and merge equal patterns."""
    X = as_inputs(X)
    n, d = X.shape
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    y = as_finite(y, "y", 1, f"{n} finite numbers, one for each row of X")
    if y.shape != (n,):
        raise SolveInputError(f"it has shape {y.shape}", allowed=f"({n},)", where="y")
    gates = as_finite(gates, "gates", 2, f"a ({d}, number of gates) array of finite numbers")
    if gates.shape[0] != d:
        raise SolveInputError(
            f"it has shape {gates.shape}",
            allowed=f"({d}, number of gates): one gate in each column",
            where="gates",
            fix="transpose it" if gates.shape[1] == d else "",
        )
    if formulation not in ("relu", "gated"):
        raise SolveInputError(
            f"unknown program {formulation!r}", allowed="relu, gated", where="convex.formulation"
        )
    for name, array in (("X", X), ("y", y)):
        largest = float(np.abs(array).max())
        if largest and not 1e-140 < largest < 1e140:
            raise SolveInputError(
                f"its largest entry is {largest:.3g}, whose square float64 cannot hold",
                allowed="a largest entry between 1e-140 and 1e140",
                where=name,
                fix="scale the data",
            )
    # the sign of a projection does not depend on the length of the gate
    scale = np.abs(gates).max(axis=0)
    gates = gates / np.where(scale > 0, scale, 1.0)
    merged, patterns = merge_patterns(X, gates)
    made = make_loss(y, loss=loss, delta=delta, class_weight=class_weight, intercept=intercept)
    return Problem(X, y, merged, patterns, formulation, made)


def check_lambda(lam: float) -> float:
    """Check a canonical regularisation strength."""
    try:
        value = float(lam)
    except (TypeError, ValueError):
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise SolveInputError(f"it is {lam!r}", allowed="a finite number > 0", where="convex.lam")
    return value
