"""Choose lam: by a validation set, by k-fold cross-validation, or by approximate leave-one-out.

All three score the same grid and say how many programs they solved. Leave-one-out costs nothing
beyond the path itself: the implicit function theorem predicts every held-out fit from one solve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from relu_optima.convex.gates import merge_patterns
from relu_optima.errors import DegenerateError, SolveInputError
from relu_optima.optimal_set.scores import mse
from relu_optima.sensitivity.grid import Knot, grid_path
from relu_optima.sensitivity.program import Program


@dataclass(frozen=True)
class Selection:
    """Scores of a grid of lam and the choice they lead to.

    Attributes
    ----------
    method : str
        ``validation``, ``kfold`` or ``leave_one_out``.
    lams : array, shape (m,)
        The grid.
    scores : array, shape (m,)
        Estimated mean squared error; NaN where the method gives none.
    lam : float
        Value with the smallest score; the largest such value if several tie.
    solves : int
        Programs solved for this method.
    """

    method: str
    lams: np.ndarray
    scores: np.ndarray
    lam: float
    solves: int


def by_validation(knots: Sequence[Knot], X: np.ndarray, y: np.ndarray) -> Selection:
    """Score the min-norm model of every knot on a validation set.

    Parameters
    ----------
    knots : sequence of Knot
        A path.
    X : array, shape (m, d)
        Validation inputs.
    y : array, shape (m,)
        Validation targets.

    Returns
    -------
    Selection
        Mean squared error on the validation set.
    """
    target = np.asarray(y, dtype=float).reshape(-1)
    scores = [mse(k.optimal.predict(k.optimal.min_norm(), X), target) for k in knots]
    return _choose("validation", knots, scores, len(knots))


def by_leave_one_out(knots: Sequence[Knot]) -> Selection:
    """Score every knot by its approximate leave-one-out error.

    Parameters
    ----------
    knots : sequence of Knot
        A path with derivatives.

    Returns
    -------
    Selection
        Mean of (y_j - prediction without sample j)^2; NaN at knots without derivatives and where
        a leverage is 1.

    Raises
    ------
    DegenerateError
        If no knot has a score.
    """
    scores = [leave_one_out_mse(knot) for knot in knots]
    return _choose("leave_one_out", knots, scores, len(knots))


def leave_one_out_mse(knot: Knot) -> float:
    """Approximate leave-one-out error at one knot."""
    if knot.sensitivity is None:
        return float("nan")
    return float(np.mean((knot.optimal.problem.y - knot.sensitivity.leave_one_out) ** 2))


def by_kfold(program: Program, lams: np.ndarray, folds: int, seed: int) -> Selection:
    """Score a grid by k-fold cross-validation with the gates held fixed.

    Parameters
    ----------
    program : Program
        The program on all samples.
    lams : array, shape (m,)
        Decreasing values; on a fold with a share s of the samples the program is solved at s lam,
        so that the balance of error and penalty is that of the full data.
    folds : int
        Number of folds, 2 to n.
    seed : int
        Seed of the shuffle.

    Returns
    -------
    Selection
        Mean squared error over all held-out samples.

    Raises
    ------
    SolveInputError
        If the number of folds is not between 2 and n.
    """
    n = program.y.size
    if not 2 <= folds <= n:
        raise SolveInputError(
            f"{folds} folds of {n} samples", allowed=f"2 to {n}", where="sensitivity.folds"
        )
    order = np.random.default_rng(seed).permutation(n)
    errors = np.zeros((len(lams), n))
    knots: list[Knot] = []
    for held in np.array_split(order, folds):
        kept = np.setdiff1d(order, held)
        gates = merge_patterns(program.X[kept], program.gates)[0]
        part = replace(program, X=program.X[kept], y=program.y[kept], gates=gates)
        knots = grid_path(part, np.asarray(lams) * kept.size / n, derivatives=False)
        for index, knot in enumerate(knots):
            found = knot.optimal.predict(knot.optimal.min_norm(), program.X[held])
            errors[index, held] = (found - program.y[held]) ** 2
    scores = errors.mean(axis=1)
    best = int(np.argmin(scores))
    lams = np.asarray(lams, dtype=float)
    return Selection("kfold", lams, scores, float(lams[best]), folds * len(lams))


def _choose(method: str, knots: Sequence[Knot], scores: list[float], solves: int) -> Selection:
    lams, values = np.array([k.lam for k in knots]), np.array(scores)
    if not np.isfinite(values).any():
        raise DegenerateError(
            f"{method} gives no score at any of {len(knots)} knots",
            where="sensitivity.degrees_of_freedom",
            fix="every knot is degenerate: select by validation or k-fold instead",
        )
    return Selection(method, lams, values, float(lams[int(np.nanargmin(values))]), solves)
