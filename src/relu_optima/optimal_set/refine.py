"""Refine a solved program to rounding accuracy, and read off which blocks can carry weight.

A certified relative gap of 1e-6 leaves an error of about 1e-3 in the residual, too much to tell
an active block from one with a small slack. The dual program

    min_theta 0.5 |theta - y|^2   subject to   |Proj_{K_b}(X_b' theta)| <= lam for all b

has a unique solution, the residual, whether or not the optimal weights are unique; so it is
refined by sequential quadratic programming: locally |Proj|^2 is a quadratic on the face of the
cone, the Hessian of the Lagrangian is positive definite, and each step is one non-negative
least-squares problem in the multipliers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, null_space, solve_triangular, svd
from scipy.optimize import nnls

from relu_optima.convex.cones import ConeProjector
from relu_optima.errors import DegenerateError
from relu_optima.optimal_set.blocks import Blocks
from relu_optima.optimal_set.projection import Projection

NEAR = 0.02  # blocks whose relative slack is below this take part in the quadratic programs
MAX_STEPS = 60
CONVERGED = 3e-14  # relative step of theta
LOCAL = 1e-4  # optimality error below which full steps are taken


Map = Callable[[np.ndarray], np.ndarray]
Faces = dict[int, np.ndarray]  # block -> rows that bound its last projection


@dataclass(frozen=True)
class Equicorrelation:
    """The dual optimum and the blocks that can be active at it.

    Attributes
    ----------
    theta : array, shape (n,)
        Residual y - fit, the unique dual optimum.
    slack : array, shape (B,)
        1 - |Proj_{K_b}(X_b' theta)| / lam of every block, a lower bound where ``bounded``.
    bounded : array of bool, shape (B,)
        True where ``slack`` was not resolved beyond the level 0.1.
    blocks : array of int, shape (k,)
        Blocks with slack at most ``tolerance``: the equicorrelation set.
    projections : tuple of Projection
        Projection of X_b' theta on the cone of each block of the set.
    multipliers : array, shape (k,)
        One non-negative combination of the blocks that explains the fit.
    residual : float
        Largest violation of the optimality conditions, relative to ``lam`` and ``|y|``.
    tolerance : float
        Slack up to which a block counts as a member.
    """

    theta: np.ndarray
    slack: np.ndarray
    bounded: np.ndarray
    blocks: np.ndarray
    projections: tuple[Projection, ...]
    multipliers: np.ndarray
    residual: float
    tolerance: float


def refine(blocks: Blocks, weights: np.ndarray, tolerance: float) -> Equicorrelation:
    """Refine a solution and find its equicorrelation set.

    Implements the characterisation E = {b : |Proj_{K_b}(X_b' r)| = lam} of Mishkin and Pilanci
    (2023, Section 3), in which the projection makes a choice of dual variables unnecessary.
    """
    scale = float(np.linalg.norm(blocks.y))
    if scale == 0.0:
        return _zero_solution(blocks, blocks.y, np.ones(blocks.count), tolerance)
    theta = blocks.y - blocks.fit(weights)
    mass = np.linalg.norm(weights, axis=1) / blocks.lam
    faces: Faces = {}
    projector = None
    if blocks.constrained:
        projector = ConeProjector(blocks.X, blocks.patterns, blocks.count)
    norms, bounded = _norms(blocks, theta, projector)
    working = np.flatnonzero((norms >= (1 - NEAR) * blocks.lam) | (mass > 1e-7 * mass.max()))
    projections = _project_all(blocks, theta, working, faces)
    for _ in range(MAX_STEPS):
        theta, mass_working, step, projections = _newton(
            blocks, theta, working, mass[working], projections, faces
        )
        mass = np.zeros(blocks.count)
        mass[working] = mass_working
        if not np.isfinite(step):
            break
        if step <= 1e-6:
            norms, bounded = _norms(blocks, theta, projector)
            missing = np.setdiff1d(
                np.flatnonzero(norms >= (1 - NEAR) * blocks.lam), working, assume_unique=True
            )
            if step <= CONVERGED or (step <= 1e-12 and not missing.size):
                break
            if missing.size:
                working = np.union1d(working, missing)
                projections = _project_all(blocks, theta, working, faces)
    slack = 1 - norms / blocks.lam
    fit = blocks.y - theta
    largest = float(-slack.min(initial=0.0))
    if not np.isfinite(step) or step > 1e-9 or largest > 1e-8:
        raise DegenerateError(
            "the solution is too far from optimal to be refined: after "
            f"{MAX_STEPS} steps the dual constraint is violated by {largest:.1e} (relative)",
            where="convex.tol",
            allowed="a solution close enough for Newton's method to converge",
            fix="solve again with a smaller convex.tol, e.g. 1e-8",
        )
    if float(np.linalg.norm(fit)) <= 1e-11 * scale:
        return _zero_solution(blocks, theta, slack, tolerance, bounded)
    reached = max(largest, 0.0)
    members, member_projections, beta, error = _members(
        blocks, theta, slack, max(tolerance, 10 * reached)
    )
    residual = max(reached, error)
    tolerance = max(tolerance, 10 * residual)
    if error > 1e-8:
        raise DegenerateError(
            f"{len(members)} blocks within slack {tolerance:.1e} explain the fit only up to a "
            f"relative error of {error:.1e}",
            where="optimal_set.slack_tol",
            fix="solve again with a smaller convex.tol, or raise optimal_set.slack_tol",
        )
    return Equicorrelation(
        theta, slack, bounded, members, member_projections, beta, residual, tolerance
    )


def _norms(
    blocks: Blocks, theta: np.ndarray, projector: ConeProjector | None
) -> tuple[np.ndarray, np.ndarray]:
    """Norm of every projected correlation; below 0.9 lam only an upper bound, flagged."""
    correlations = blocks.correlations(theta)
    norms = np.linalg.norm(correlations, axis=1)
    if projector is None:
        return norms, np.zeros(norms.size, dtype=bool)
    near = np.flatnonzero(norms >= 0.9 * blocks.lam)
    points, _ = projector.project(near, correlations[near], 0.9 * blocks.lam)
    norms[near] = np.linalg.norm(points, axis=1)
    return norms, norms < 0.9 * blocks.lam


def _newton(
    blocks: Blocks,
    theta: np.ndarray,
    working: np.ndarray,
    mass: np.ndarray,
    projections: list[Projection],
    faces: Faces,
) -> tuple[np.ndarray, np.ndarray, float, list[Projection]]:
    """One step of sequential quadratic programming.

    Returns theta, multipliers, the length of the full step and the projections at the new theta.
    """
    lam, scale = blocks.lam, float(np.linalg.norm(blocks.y))
    jacobian = np.array(
        [blocks.apply(int(b), p.point) for b, p in zip(working, projections, strict=True)]
    ).reshape(len(working), theta.size)
    excess = _excess(projections, lam)
    half, back = _square_root(blocks, working, mass, projections)
    columns = half(jacobian.T)  # L^{-1} J' with H = L L'
    centre = half(theta - blocks.y)
    if not len(working):
        return blocks.y.copy(), mass, float(np.linalg.norm(blocks.y - theta)) / scale, []
    # Stabilised: |mass - old|^2 keeps the step small where the blocks are dependent.
    norms = np.linalg.norm(columns, axis=0)
    norms[norms == 0] = 1.0
    gradient = theta - blocks.y + jacobian.T @ mass
    complementarity = np.minimum(-excess / lam**2, mass * norms / scale)
    error = max(float(np.abs(complementarity).max()), float(np.linalg.norm(gradient)) / scale)
    delta = np.sqrt(min(max(error, 1e-16), 1.0))
    stacked = np.vstack([columns / norms, delta * np.eye(len(working))])
    shift = delta * mass * norms + excess / norms / delta
    target = np.concatenate([-centre, shift])
    new_mass = nnls(stacked, target, maxiter=30 * len(working) + 100)[0] / norms
    step = -back(columns @ new_mass + centre)

    def merit(moved: np.ndarray, violation: np.ndarray) -> float:
        """Augmented Lagrangian whose Newton step this is."""
        part = np.maximum(delta * mass * norms + violation / norms / delta, 0.0)
        return 0.5 * float((moved - blocks.y) @ (moved - blocks.y)) + 0.5 * float(part @ part)

    pushed = np.maximum(shift, 0.0) / norms / delta
    slope = float(step @ (theta - blocks.y)) + float(pushed @ (jacobian @ step))
    before, length = merit(theta, excess), 1.0
    while True:
        moved = theta + length * step
        projections = _project_all(blocks, moved, working, faces)
        after = merit(moved, _excess(projections, lam))
        if error <= LOCAL or slope >= 0 or after <= before + 1e-4 * length * slope:
            break
        if length < 1e-3:
            break
        length *= 0.5
    mass = mass + length * (new_mass - mass)
    return moved, mass, float(np.linalg.norm(step)) / scale, projections


def _project_all(
    blocks: Blocks, theta: np.ndarray, working: np.ndarray, faces: Faces
) -> list[Projection]:
    """Exact projections of the correlations of some blocks."""
    correlations = blocks.correlations(theta)
    projections = []
    for b in map(int, working):
        projection = blocks.project(b, correlations[b], guess=faces.get(b))
        faces[b] = projection.rows
        projections.append(projection)
    return projections


def _excess(projections: list[Projection], lam: float) -> np.ndarray:
    """Constraint values 0.5 (|Proj|^2 - lam^2)."""
    return np.array([0.5 * (float(p.point @ p.point) - lam**2) for p in projections])


def _face_basis(projection: Projection, theta_dim: int) -> np.ndarray:
    """Orthonormal basis of the directions along the face that holds the projection."""
    if projection.basis.shape[1] == 0:
        return np.eye(theta_dim)
    return np.asarray(null_space(projection.basis.T))


def _square_root(
    blocks: Blocks, working: np.ndarray, mass: np.ndarray, projections: list[Projection]
) -> tuple[Map, Map]:
    """Maps a -> L^{-1} a and a -> L^{-T} a for a square root L of the Hessian.

    H = I + sum_b mass_b X_b N_b N_b' X_b' with a basis N_b of the face of each projection: by
    Cholesky if that has many columns, else by the symmetric root from their SVD. Many columns are
    not formed: N_b N_b' = I - Q_b Q_b' with the few directions Q_b in which rows bind, and the part
    of I is the entrywise product of XX' and the weighted overlap of patterns.
    """
    n, d = blocks.X.shape
    used = np.flatnonzero(mass > 0)
    if not used.size:
        return (lambda a: a), (lambda a: a)
    if sum(d - projections[i].basis.shape[1] for i in used) > n // 3:
        masks = blocks.patterns[blocks.pattern_of[working[used]]].astype(float)
        hessian = (masks.T * mass[used]) @ masks
        hessian *= blocks.gram
        bound = [
            np.sqrt(mass[i]) * blocks.apply(int(working[i]), projections[i].basis) for i in used
        ]
        away = np.hstack(bound)
        hessian -= away @ away.T
        hessian[np.diag_indices(n)] += 1.0
        return _triangular(hessian)
    factor = np.hstack(
        [
            np.sqrt(mass[i]) * blocks.apply(int(working[i]), _face_basis(projections[i], d))
            for i in used
        ]
    )
    left, singular, _ = svd(factor, full_matrices=False)
    gain = 1 / np.sqrt(1 + singular**2) - 1

    def symmetric(a: np.ndarray) -> np.ndarray:
        inner = left.T @ a
        return np.asarray(a + left @ (gain[:, None] * inner if a.ndim == 2 else gain * inner))

    return symmetric, symmetric


def _triangular(hessian: np.ndarray) -> tuple[Map, Map]:
    """Cholesky factor as the square root."""
    lower = cholesky(hessian, lower=True)
    return (
        lambda a: np.asarray(solve_triangular(lower, a, lower=True)),
        lambda a: np.asarray(solve_triangular(lower, a, lower=True, trans=1)),
    )


def _members(
    blocks: Blocks, theta: np.ndarray, slack: np.ndarray, tolerance: float
) -> tuple[np.ndarray, tuple[Projection, ...], np.ndarray, float]:
    """Members of the equicorrelation set and how well they explain the fit."""
    members = np.flatnonzero(slack <= tolerance)
    correlations = blocks.correlations(theta)
    projections = tuple(blocks.project(int(b), correlations[b]) for b in members)
    fit = blocks.y - theta
    columns = np.array(
        [
            blocks.apply(int(b), p.point / np.linalg.norm(p.point))
            for b, p in zip(members, projections, strict=True)
        ]
    ).reshape(len(members), theta.size)
    if not len(members):
        return members, projections, np.zeros(0), float(np.linalg.norm(fit))
    beta = nnls(columns.T, fit, maxiter=30 * len(members) + 100)[0]
    error = float(np.linalg.norm(beta @ columns - fit)) / float(np.linalg.norm(blocks.y))
    return members, projections, beta, error


def _zero_solution(
    blocks: Blocks,
    theta: np.ndarray,
    slack: np.ndarray,
    tolerance: float,
    bounded: np.ndarray | None = None,
) -> Equicorrelation:
    """The optimum is the zero network (lam >= lambda_max or y = 0): nothing can be active."""
    flags = np.zeros(blocks.count, dtype=bool) if bounded is None else bounded
    none = np.zeros(0, dtype=int)
    return Equicorrelation(theta, slack, flags, none, (), np.zeros(0), 0.0, tolerance)
