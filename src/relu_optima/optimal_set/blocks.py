"""The convex ReLU program seen as one group lasso: a list of signed blocks with cones.

Formulation ``relu`` has two blocks for each activation pattern D_i, X_b = +-D_i X with the cone
K_i = {u : (2 D_i - I) X u >= 0}; formulation ``gated`` has one free block D_i X.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from relu_optima.convex.solution import Solution
from relu_optima.errors import SolveInputError
from relu_optima.optimal_set.projection import Projection, project_on_cone


class ConvexSolution(Protocol):
    """What the analyses need of a solved convex program (`relu_optima.convex.Solution` has it)."""

    @property
    def gates(self) -> np.ndarray:
        """Gate vectors, shape (d, P)."""

    @property
    def v(self) -> np.ndarray:
        """Blocks that add, shape (P, d)."""

    @property
    def w(self) -> np.ndarray:
        """Blocks that subtract, shape (P, d)."""

    @property
    def lam(self) -> float:
        """Canonical regularisation strength."""

    @property
    def formulation(self) -> str:
        """``relu`` or ``gated``."""


@dataclass(frozen=True)
class StoredSolution:
    """A convex solution read back from its record.

    Attributes
    ----------
    gates : array, shape (d, P)
        Gate vectors.
    v, w : array, shape (P, d)
        Adding and subtracting blocks.
    lam : float
        Canonical regularisation strength.
    formulation : str
        ``relu`` or ``gated``.
    """

    gates: np.ndarray
    v: np.ndarray
    w: np.ndarray
    lam: float
    formulation: str


@dataclass(frozen=True)
class Blocks:
    """Blocks b = (pattern i, sign s) of one program on one data set.

    Attributes
    ----------
    X : array, shape (n, d)
        Training inputs.
    y : array, shape (n,)
        Training targets.
    lam : float
        Canonical regularisation strength.
    gates : array, shape (d, P)
        Gate vectors.
    patterns : array of bool, shape (P, n)
        Diagonal of each D_i.
    signs : array, shape (B,)
        +1 or -1 of each block.
    pattern_of : array of int, shape (B,)
        Pattern index of each block.
    constrained : bool
        True for ``relu`` (cones), False for ``gated``.
    unit_rows : array, shape (n, d)
        Rows of X scaled to unit length; zero rows stay zero.
    """

    X: np.ndarray
    y: np.ndarray
    lam: float
    gates: np.ndarray
    patterns: np.ndarray
    signs: np.ndarray
    pattern_of: np.ndarray
    constrained: bool
    unit_rows: np.ndarray

    @property
    def count(self) -> int:
        """Number of blocks."""
        return int(self.signs.size)

    @cached_property
    def gram(self) -> np.ndarray:
        """Inner products XX' of the training inputs, shape (n, n)."""
        return np.asarray(self.X @ self.X.T)

    def correlations(self, theta: np.ndarray) -> np.ndarray:
        """Return X_b' theta for all blocks."""
        product = (self.patterns * theta) @ self.X
        return np.asarray(self.signs[:, None] * product[self.pattern_of])

    def cone_rows(self, block: int) -> np.ndarray:
        """Return the unit rows of (2 D_i - I) X of a block."""
        side = np.where(self.patterns[self.pattern_of[block]], 1.0, -1.0)
        return np.asarray(side[:, None] * self.unit_rows)

    def project(
        self,
        block: int,
        g: np.ndarray,
        stop_norm: float = 0.0,
        guess: np.ndarray | None = None,
    ) -> Projection:
        """Project a point on the cone of a block."""
        if not self.constrained:
            d = g.size
            empty = np.zeros(0, dtype=int)
            return Projection(g.copy(), empty, np.zeros(0), np.zeros((d, 0)), True)
        return project_on_cone(self.cone_rows(block), g, stop_norm, guess)

    def apply(self, block: int, u: np.ndarray) -> np.ndarray:
        """Return X_b u."""
        mask = self.patterns[self.pattern_of[block]]
        out = self.X @ u
        return np.asarray(self.signs[block] * (out * (mask if u.ndim == 1 else mask[:, None])))

    def weights(self, solution: ConvexSolution) -> np.ndarray:
        """Arrange the weights of a solution by block."""
        if self.constrained:
            return np.concatenate([solution.v, solution.w])
        return np.asarray(solution.v, dtype=float)

    def fit(self, weights: np.ndarray) -> np.ndarray:
        """Return the fit of block weights on the training inputs."""
        total = np.zeros(self.X.shape[0])
        for block in np.flatnonzero(np.linalg.norm(weights, axis=1) > 0):
            total += self.apply(int(block), weights[block])
        return total


def blocks_of(solution: ConvexSolution, X: np.ndarray, y: np.ndarray) -> Blocks:
    """Check a solution against its data and list the blocks of its program."""
    X = np.asarray(X, dtype=float)
    y = np.asarray(y, dtype=float)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if isinstance(solution, Solution):
        if solution.loss is not None:
            raise SolveInputError(
                f"a solution with the loss {solution.loss.name}"
                + (" and an intercept" if solution.loss.intercept else ""),
                allowed="the squared loss without an intercept",
                where="solution",
            )
        solution.check_data(X, y)
    gates = np.asarray(solution.gates, dtype=float)
    _check(X, y, gates, solution)
    count = gates.shape[1]
    patterns = (X @ gates > 0).T
    constrained = solution.formulation == "relu"
    index = np.arange(count)
    lengths = np.linalg.norm(X, axis=1)
    unit_rows = X / np.where(lengths > 0, lengths, 1.0)[:, None]
    return Blocks(
        X=X,
        y=y,
        lam=float(solution.lam),
        gates=gates,
        patterns=patterns,
        signs=np.repeat([1.0, -1.0], count) if constrained else np.ones(count),
        pattern_of=np.concatenate([index, index]) if constrained else index,
        constrained=constrained,
        unit_rows=unit_rows,
    )


def _check(X: np.ndarray, y: np.ndarray, gates: np.ndarray, solution: ConvexSolution) -> None:
    if X.ndim != 2 or X.size == 0:
        raise SolveInputError(f"X has shape {X.shape}", allowed="a non-empty (n, d) array")
    if y.shape != (X.shape[0],):
        raise SolveInputError(
            f"y has shape {y.shape}",
            allowed=f"({X.shape[0]},): one scalar target for each row of X",
            fix="analyse one output at a time",
        )
    if gates.ndim != 2 or gates.shape[0] != X.shape[1]:
        raise SolveInputError(
            f"the solution has gates of shape {gates.shape}, the data {X.shape[1]} features",
            allowed="a solution of the program on these data",
        )
    for name in ("v", "w"):
        shape = np.shape(getattr(solution, name))
        if shape != gates.T.shape:
            raise SolveInputError(
                f"{name} of the solution has shape {shape}", allowed=f"{gates.T.shape}"
            )
    arrays: Iterable[np.ndarray] = (X, y, gates, solution.v, solution.w)
    if not all(np.isfinite(a).all() for a in arrays):
        raise SolveInputError("X, y or the solution hold NaN or infinite values")
    if not (np.isfinite(solution.lam) and solution.lam > 0):
        raise SolveInputError(f"lam is {solution.lam}", allowed="lam > 0", where="convex.lam")
    if solution.formulation not in ("relu", "gated"):
        raise SolveInputError(
            f"unknown formulation {solution.formulation!r}",
            allowed="relu, gated",
            where="convex.formulation",
        )
