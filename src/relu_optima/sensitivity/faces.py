"""The smooth piece of the solution that an optimum lies on: active neurons and their faces.

Near a non-degenerate optimum every active neuron moves within the subspace cut out by the data
hyperplanes it is pinned to. This module reads that structure off and says why it is not smooth
where it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space

from relu_optima.errors import DegenerateError
from relu_optima.optimal_set.model_set import OptimalSet

BINDING_TOL = 1e-8  # |x'u| / |x| below which a data row binds
MULTIPLIER_TOL = 1e-9  # multiplier relative to lam below which a binding row does not push


@dataclass(frozen=True)
class Face:
    """One active neuron with the subspace it can move in.

    Attributes
    ----------
    index : int
        Direction of the optimal set.
    block : int
        A block of the program that holds it.
    unit : array, shape (d,)
        Unit direction u.
    beta : float
        Coefficient, so that w = beta u.
    sign : float
        Output sign.
    mask : array of bool, shape (n,)
        Activation pattern of the block.
    rows : array of int
        Data rows it is pinned to, one independent set.
    multipliers : array
        Multipliers of those rows, relative to unit rows.
    basis : array, shape (d, d - rank)
        Orthonormal basis of the subspace of its moves.
    """

    index: int
    block: int
    unit: np.ndarray
    beta: float
    sign: float
    mask: np.ndarray
    rows: np.ndarray
    multipliers: np.ndarray
    basis: np.ndarray


def faces_of(optimal: OptimalSet) -> list[Face]:
    """List the active neurons of a unique, non-degenerate optimum."""
    where = f"lam = {optimal.problem.lam:.6g}"
    if not optimal.is_unique:
        raise DegenerateError(
            f"the optimal set has dimension {optimal.dimension}: its points have no derivative",
            where=where,
            fix="use another lam, or ask optimal_set.describe for the whole set",
        )
    idle = np.setdiff1d(np.arange(len(optimal.signs)), optimal.support)
    if idle.size or (
        not len(optimal.signs) and optimal.min_slack <= optimal.equicorrelation.tolerance
    ):
        raise DegenerateError(
            "a neuron enters or leaves the network exactly here: the derivative is one-sided",
            where=where,
            fix="use a slightly larger or smaller lam",
        )
    return [_face(optimal, int(index), where) for index in optimal.support]


def _face(optimal: OptimalSet, index: int, where: str) -> Face:
    problem, found = optimal.problem, optimal.equicorrelation
    unit = optimal.directions[index]
    block = int(found.blocks[optimal.members[index][0]])
    d = unit.size
    rows, multipliers, basis = np.zeros(0, dtype=int), np.zeros(0), np.eye(d)
    if problem.constrained:
        touched = np.abs(problem.unit_rows @ unit) <= BINDING_TOL
        touched &= np.linalg.norm(problem.unit_rows, axis=1) > 0.5
        bound = problem.unit_rows[touched]
        wanted = int(np.linalg.matrix_rank(bound, tol=1e-9)) if touched.any() else 0
        for member in optimal.members[index]:
            projection = found.projections[member]
            pushing = projection.multipliers > MULTIPLIER_TOL * problem.lam
            if pushing.sum() < wanted:
                raise DegenerateError(
                    f"neuron {index} touches a data hyperplane that does not hold it: "
                    "the derivative is one-sided",
                    where=where,
                    fix="use a slightly larger or smaller lam",
                )
        first = found.projections[optimal.members[index][0]]
        rows, multipliers = first.rows, first.multipliers
        if wanted:
            basis = null_space(bound, rcond=1e-9)
    return Face(
        index=index,
        block=block,
        unit=unit,
        beta=float(optimal.start[index]),
        sign=float(optimal.signs[index]),
        mask=problem.patterns[problem.pattern_of[block]],
        rows=rows,
        multipliers=multipliers,
        basis=np.asarray(basis),
    )
