"""The regularisation path on a grid of lam: warm-started, with a certificate at every knot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.errors import DegenerateError, SolveInputError
from relu_optima.optimal_set.model_set import OptimalSet
from relu_optima.pruning.exact import reduce_exactly
from relu_optima.sensitivity.implicit import Sensitivity, differentiate
from relu_optima.sensitivity.program import Program


@dataclass(frozen=True)
class Knot:
    """The optimum at one lam.

    Attributes
    ----------
    lam : float
        Canonical regularisation strength.
    optimal : OptimalSet
        All optima at this lam.
    sensitivity : Sensitivity or None
        Derivatives, where they exist.
    degenerate : str
        Why there are no derivatives; empty where there are.
    """

    lam: float
    optimal: OptimalSet
    sensitivity: Sensitivity | None
    degenerate: str

    @property
    def n_minimal(self) -> int:
        """Neurons of a minimal optimal network (Algorithm 1 from the starting point)."""
        return int(
            (reduce_exactly(self.optimal.body.columns, self.optimal.start, "max")[-1] > 0).sum()
        )


def grid_path(program: Program, lams: np.ndarray, *, derivatives: bool = True) -> list[Knot]:
    """Solve a program on a decreasing grid of lam, each knot started from the one before.

    Parameters
    ----------
    program : Program
        The program.
    lams : array, shape (m,)
        Positive, strictly decreasing values.
    derivatives : bool
        Whether to differentiate at each knot.

    Returns
    -------
    list of Knot
        One for each lam.

    Raises
    ------
    SolveInputError
        If the grid is empty, not decreasing or not positive.
    """
    knots: list[Knot] = []
    near = None
    for lam in check_grid(lams):
        near = program.solve(float(lam), near)
        knots.append(knot_of(near, derivatives=derivatives))
    return knots


def check_grid(lams: np.ndarray) -> np.ndarray:
    """Check a grid of lam."""
    lams = np.asarray(lams, dtype=float)
    if lams.ndim != 1 or not lams.size or lams.min() <= 0 or np.any(np.diff(lams) >= 0):
        raise SolveInputError(
            "the grid of lam is not a decreasing list of positive numbers",
            where="sensitivity.n_lams",
        )
    return lams


def knot_of(optimal: OptimalSet, *, derivatives: bool = True) -> Knot:
    """Turn an optimal set into a knot of a path."""
    sensitivity, reason = None, "not asked for"
    if derivatives:
        try:
            sensitivity, reason = differentiate(optimal), ""
        except DegenerateError as error:
            reason = error.problem
    return Knot(optimal.problem.lam, optimal, sensitivity, reason)


def finite_difference_dof(program: Program, optimal: OptimalSet, step: float) -> float:
    """Degrees of freedom tr(d fit / d y) by central differences of independent solves.

    Parameters
    ----------
    program : Program
        The program.
    optimal : OptimalSet
        Its optimum at the lam in question.
    step : float, > 0
        Step relative to the norm of y.

    Returns
    -------
    float
        Sum over j of (fit_j(y + h e_j) - fit_j(y - h e_j)) / (2 h).
    """
    h = step * max(float(np.linalg.norm(program.y)), 1e-300)
    total = 0.0
    for j in range(program.y.size):
        shifted = program.y.copy()
        shifted[j] += h
        above = program.with_targets(shifted).resolve(optimal).fit[j]
        shifted[j] -= 2 * h
        below = program.with_targets(shifted).resolve(optimal).fit[j]
        total += float(above - below) / (2 * h)
    return total


def slope_violation(lams: np.ndarray, values: np.ndarray, penalties: np.ndarray) -> float:
    """Largest violation of p* concave with slope R between neighbouring knots.

    For lam_1 > lam_2 concavity with dp*/dlam = R gives
    R_1 (lam_1 - lam_2) <= p_1 - p_2 <= R_2 (lam_1 - lam_2).
    """
    steps, rises = -np.diff(lams), -np.diff(values)
    low, high = penalties[:-1] * steps, penalties[1:] * steps
    crossed = np.maximum(low - rises, rises - high)
    return float(max(crossed.max(initial=0.0), 0.0)) / max(
        float(np.abs(values).max(initial=0.0)), 1e-300
    )
