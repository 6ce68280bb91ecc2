"""Describe the whole optimal set of a solved convex program."""

from __future__ import annotations

import numpy as np

from relu_optima.errors import DegenerateError
from relu_optima.optimal_set.blocks import Blocks, ConvexSolution, blocks_of
from relu_optima.optimal_set.model_set import OptimalSet
from relu_optima.optimal_set.polytope import polytope
from relu_optima.optimal_set.rank import RANK_TOL
from relu_optima.optimal_set.refine import Equicorrelation, refine


def describe(
    solution: ConvexSolution,
    X: np.ndarray,
    y: np.ndarray,
    *,
    slack_tol: float = 1e-12,
    merge_tol: float = 1e-5,
    rank_tol: float = RANK_TOL,
) -> OptimalSet:
    """Describe all optima of the convex program that a solution belongs to.

    The solution only selects the program and starts the refinement; the set does not depend on
    which optimum the solver returned. Fit and residual are unique, and with
    v_b = Proj_{K_b}(X_b' r) the optimal models are w_b = beta_b v_b / lam on the blocks with
    |v_b| = lam (Mishkin and Pilanci 2023, Proposition 3.2, here without a choice of dual).

    Parameters
    ----------
    solution : ConvexSolution
        Solved program, e.g. `relu_optima.convex.Solution`.
    X : array, shape (n, d)
        Training inputs.
    y : array, shape (n,)
        Training targets.
    slack_tol : float, > 0
        Relative slack up to which a block belongs to the equicorrelation set (ten times the
        residual of the refinement if that is larger).
    merge_tol : float, > 0
        Distance below which unit directions of one sign are the same neuron.
    rank_tol : float, > 0
        Relative singular value below which contributions to the fit are dependent.

    Returns
    -------
    OptimalSet
        The polytope with its directions. For lam >= lambda_max it is the zero network alone,
        without directions.

    Raises
    ------
    SolveInputError
        If solution and data do not belong together.
    DegenerateError
        If the solution is too inaccurate to be refined; the message names the tolerance.
    """
    problem = blocks_of(solution, X, y)
    weights = problem.weights(solution)
    equicorrelation = refine(problem, weights, slack_tol)
    directions, signs, members = _merge(problem, equicorrelation, merge_tol)
    columns = _columns(problem, equicorrelation, directions, signs, members)
    fit = problem.y - equicorrelation.theta
    allowed = max(1e-8, 100 * equicorrelation.residual, 1e-3 * merge_tol)
    allowed *= float(np.linalg.norm(problem.y))
    body = polytope(columns, fit, allowed, rank_tol)
    error = body.fit - problem.y
    penalty = float(body.start.sum())
    start = body.nearest(_coefficients(problem, weights, equicorrelation, members))
    described = OptimalSet(
        problem=problem,
        equicorrelation=equicorrelation,
        directions=directions,
        signs=signs,
        members=members,
        body=body,
        start=start,
        objective=0.5 * float(error @ error) + problem.lam * penalty,
        penalty=penalty,
    )
    _check_value(described, weights)
    return described


def _merge(
    problem: Blocks, equicorrelation: Equicorrelation, tolerance: float
) -> tuple[np.ndarray, np.ndarray, tuple[tuple[int, ...], ...]]:
    """Merge blocks that share a direction and a sign (boundary duplicates).

    The block that explains most of the fit comes first and gives the direction.
    """
    d = problem.X.shape[1]
    groups: list[list[int]] = []
    directions: list[np.ndarray] = []
    signs: list[float] = []
    for position in np.argsort(-equicorrelation.multipliers, kind="stable"):
        point = equicorrelation.projections[position].point
        unit = point / np.linalg.norm(point)
        sign = float(problem.signs[equicorrelation.blocks[position]])
        for index, other in enumerate(directions):
            same = problem.constrained and signs[index] == sign
            if same and np.linalg.norm(unit - other) <= tolerance:
                groups[index].append(int(position))
                break
        else:
            groups.append([int(position)])
            directions.append(unit)
            signs.append(sign)
    order = sorted(range(len(groups)), key=lambda index: min(groups[index]))
    return (
        np.array([directions[i] for i in order]).reshape(len(order), d),
        np.array([signs[i] for i in order]),
        tuple(tuple(groups[i]) for i in order),
    )


def _columns(
    problem: Blocks,
    equicorrelation: Equicorrelation,
    directions: np.ndarray,
    signs: np.ndarray,
    members: tuple[tuple[int, ...], ...],
) -> np.ndarray:
    """Contribution of each unit direction to the fit."""
    n = problem.X.shape[0]
    if problem.constrained:
        return np.asarray(signs * np.maximum(problem.X @ directions.T, 0.0)).reshape(n, len(signs))
    blocks = [int(equicorrelation.blocks[m[0]]) for m in members]
    columns = [problem.apply(b, u) for b, u in zip(blocks, directions, strict=True)]
    return np.array(columns).reshape(len(columns), n).T


def _coefficients(
    problem: Blocks,
    weights: np.ndarray,
    equicorrelation: Equicorrelation,
    members: tuple[tuple[int, ...], ...],
) -> np.ndarray:
    """Length of the given solution along each direction."""
    lengths = np.linalg.norm(weights[equicorrelation.blocks], axis=1)
    return np.array([lengths[list(m)].sum() for m in members])


def _check_value(described: OptimalSet, weights: np.ndarray) -> None:
    """The refined value must not exceed the value of the feasible point it came from."""
    problem = described.problem
    error = problem.fit(weights) - problem.y
    given = 0.5 * float(error @ error)
    given += problem.lam * float(np.linalg.norm(weights, axis=1).sum())
    slack = 1e-7 * max(given, 1e-300)
    infeasible = problem.constrained and described.objective > given + slack
    if infeasible and _violation(problem, weights) <= 1e-9:
        raise DegenerateError(
            f"the refined objective {described.objective:.12g} exceeds that of the given "
            f"feasible solution, {given:.12g}",
            where="convex.tol",
            fix="solve again with a smaller convex.tol",
        )


def _violation(problem: Blocks, weights: np.ndarray) -> float:
    """Largest violation of a cone row relative to the weight."""
    worst = 0.0
    for b in np.flatnonzero(np.linalg.norm(weights, axis=1) > 0):
        low = float((problem.cone_rows(int(b)) @ weights[b]).min())
        worst = max(worst, -low / float(np.linalg.norm(weights[b])))
    return worst
