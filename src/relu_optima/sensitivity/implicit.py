"""Derivatives of the optimum by the implicit function theorem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, block_diag, cho_factor, cho_solve

from relu_optima.errors import DegenerateError
from relu_optima.optimal_set.blocks import ConvexSolution
from relu_optima.optimal_set.description import describe
from relu_optima.optimal_set.model_set import OptimalSet
from relu_optima.sensitivity.faces import Face, faces_of


@dataclass(frozen=True)
class Sensitivity:
    """First-order response of the unique optimum w_b, b = 1..k, to lam and to the data.

    Attributes
    ----------
    optimal : OptimalSet
        The optimum.
    weights : array, shape (k, d)
        Block weights w_b = beta_b u_b of the active neurons (boundary duplicates merged).
    signs : array, shape (k,)
        Their output signs.
    d_lam : array, shape (k, d)
        d w_b / d lam.
    d_y : array, shape (k, d, n)
        d w_b / d y_j.
    d_weight : array, shape (k, d, n)
        d w_b / d omega_j at omega = 1, where the loss is 0.5 sum_j omega_j (f(x_j) - y_j)^2.
    d_fit_lam : array, shape (n,)
        d fit / d lam.
    hat : array, shape (n, n)
        d fit / d y, symmetric and positive semi-definite.
    degrees_of_freedom : float
        Its trace.
    leave_one_out : array, shape (n,)
        First-order prediction at x_j of the network trained without sample j,
        fit_j - h_jj / (1 - h_jj) (y_j - fit_j); NaN where the leverage h_jj is 1 to 1e-6, i.e.
        where the network could follow the sample at will.
    min_slack : float
        Smallest relative slack 1 - |v_b| / lam of an inactive block.
    min_multiplier : float
        Smallest multiplier of a binding data row, relative to lam (inf without binding rows).
    min_coefficient : float
        Smallest coefficient beta_b relative to their sum (inf without neurons).
    lam_low, lam_high : float
        Interval around lam on which, to first order, no neuron enters or leaves and no data row
        binds or unbinds.
    """

    optimal: OptimalSet
    weights: np.ndarray
    signs: np.ndarray
    d_lam: np.ndarray
    d_y: np.ndarray
    d_weight: np.ndarray
    d_fit_lam: np.ndarray
    hat: np.ndarray
    degrees_of_freedom: float
    leave_one_out: np.ndarray
    min_slack: float
    min_multiplier: float
    min_coefficient: float
    lam_low: float
    lam_high: float

    def predict_weights(self, lam: float) -> tuple[np.ndarray, np.ndarray]:
        """First-order prediction of the block weights at another lam.

        Parameters
        ----------
        lam : float
            Regularisation strength.

        Returns
        -------
        v, w : array, shape (P, d)
            Adding and subtracting blocks; a neuron predicted to vanish stays at zero.
        """
        beta = np.zeros(self.optimal.start.size)
        v, w = self.optimal.weights(beta)
        problem = self.optimal.problem
        count = problem.gates.shape[1]
        blocks = np.concatenate([v, w]) if problem.constrained else v
        moved = self.weights + (lam - problem.lam) * self.d_lam
        alive = np.einsum("bd,bd->b", moved, self.weights) > 0
        for index, weight, keep in zip(self.optimal.support, moved, alive, strict=True):
            if keep:
                member = self.optimal.members[index][0]
                blocks[self.optimal.equicorrelation.blocks[member]] = weight
        return (blocks[:count], blocks[count:]) if problem.constrained else (blocks, w)

    def d_prediction(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Derivatives of the prediction at new inputs.

        Parameters
        ----------
        X : array, shape (m, d)
            Inputs that lie on no neuron's hyperplane.

        Returns
        -------
        d_lam : array, shape (m,)
            With respect to lam.
        d_y : array, shape (m, n)
            With respect to each training target.
        d_weight : array, shape (m, n)
            With respect to each sample weight.
        """
        X = np.asarray(X, dtype=float)
        n = self.hat.shape[0]
        d_lam, d_y, d_weight = np.zeros(len(X)), np.zeros((len(X), n)), np.zeros((len(X), n))
        gates = self.optimal.gates[self.optimal.support] if len(self.signs) else self.weights
        for b, sign in enumerate(self.signs):
            gate = self.weights[b] if self.optimal.problem.constrained else gates[b]
            rows = sign * (X @ gate > 0)[:, None] * X
            d_lam += rows @ self.d_lam[b]
            d_y += rows @ self.d_y[b]
            d_weight += rows @ self.d_weight[b]
        return d_lam, d_y, d_weight


def jacobian(
    solution: ConvexSolution,
    X: np.ndarray,
    y: np.ndarray,
    *,
    slack_tol: float = 1e-12,
    merge_tol: float = 1e-5,
) -> Sensitivity:
    """Differentiate the optimum of a convex ReLU program.

    With u_b the unit directions, N_b a basis of the moves along the face of neuron b,
    B = [X_b N_b] and H = B'B + lam blkdiag(N_b'(I - u_b u_b')N_b / beta_b), which is positive
    definite exactly where the contributions X_b u_b are independent:
    dw/dlam = -N H^{-1} N'u, dw/dy = N H^{-1} B', dw/domega_j = N H^{-1} B_j (y_j - fit_j).

    Parameters
    ----------
    solution : ConvexSolution
        Solved program, e.g. `relu_optima.convex.Solution`.
    X : array, shape (n, d)
        Training inputs.
    y : array, shape (n,)
        Training targets.
    slack_tol, merge_tol : float, > 0
        Tolerances of `relu_optima.optimal_set.describe`.

    Returns
    -------
    Sensitivity
        Derivatives with the region in which they hold.

    Raises
    ------
    SolveInputError
        If the solution and the data do not belong together.
    DegenerateError
        If the optimum is not unique or lies at a breakpoint; the message says which.
    """
    return differentiate(describe(solution, X, y, slack_tol=slack_tol, merge_tol=merge_tol))


def differentiate(optimal: OptimalSet) -> Sensitivity:
    """Differentiate a described optimum, see `jacobian`."""
    problem = optimal.problem
    n, d = problem.X.shape
    faces = faces_of(optimal)
    k = len(faces)
    sizes = [f.basis.shape[1] for f in faces]
    lift = block_diag(*[f.basis for f in faces]) if k else np.zeros((0, 0))
    design = np.hstack([_rows(optimal, f) @ f.basis for f in faces]) if k else np.zeros((n, 0))
    unit = np.concatenate([f.basis.T @ f.unit for f in faces]) if k else np.zeros(0)
    curvature = [
        problem.lam / f.beta * (np.eye(size) - np.outer(f.basis.T @ f.unit, f.basis.T @ f.unit))
        for f, size in zip(faces, sizes, strict=True)
    ]
    hessian = design.T @ design + (block_diag(*curvature) if k else np.zeros((0, 0)))
    response = _solve(hessian, np.hstack([-unit[:, None], design.T]), problem.lam)
    residual = problem.y - optimal.fit
    moved = (lift @ response).reshape(k, d, n + 1)
    hat = design @ response[:, 1:]
    leverage = np.diag(hat)
    leverage = np.where(leverage > 1 - 1e-6, np.nan, leverage)
    d_fit = design @ response[:, 0]
    low, high = _valid_interval(optimal, faces, moved[:, :, 0], d_fit)
    multipliers = [float(f.multipliers.min()) for f in faces if f.rows.size]
    betas = [f.beta for f in faces]
    return Sensitivity(
        optimal=optimal,
        weights=np.array([f.beta * f.unit for f in faces]).reshape(k, d),
        signs=np.array([f.sign for f in faces]),
        d_lam=moved[:, :, 0],
        d_y=moved[:, :, 1:],
        d_weight=moved[:, :, 1:] * residual,
        d_fit_lam=d_fit,
        hat=hat,
        degrees_of_freedom=float(np.trace(hat)),
        leave_one_out=optimal.fit - leverage / (1 - leverage) * residual,
        min_slack=optimal.min_slack,
        min_multiplier=min(multipliers) / problem.lam if multipliers else float("inf"),
        min_coefficient=min(betas) / sum(betas) if betas else float("inf"),
        lam_low=low,
        lam_high=high,
    )


def _rows(optimal: OptimalSet, face: Face) -> np.ndarray:
    """Signed, gated data matrix X_b of a neuron."""
    return np.asarray(face.sign * face.mask[:, None] * optimal.problem.X)


def _solve(hessian: np.ndarray, right: np.ndarray, lam: float) -> np.ndarray:
    if not hessian.size:
        return np.zeros((0, right.shape[1]))
    try:
        factor = cho_factor(hessian)
    except LinAlgError as error:
        raise DegenerateError(
            "the optimality system is singular: contributions of the neurons are dependent",
            where=f"lam = {lam:.6g}",
            fix="use another lam, or a larger optimal_set.merge_tol",
        ) from error
    return np.asarray(cho_solve(factor, right))


def _valid_interval(
    optimal: OptimalSet, faces: list[Face], d_weights: np.ndarray, d_fit: np.ndarray
) -> tuple[float, float]:
    """First-order interval of lam without a change of the active structure."""
    problem = optimal.problem
    lam = problem.lam
    values: list[np.ndarray] = []
    slopes: list[np.ndarray] = []
    for face, moved in zip(faces, d_weights, strict=True):
        d_unit = (moved - face.unit * float(face.unit @ moved)) / face.beta
        values.append(np.array([face.beta]))
        slopes.append(np.array([float(face.unit @ moved)]))
        if not problem.constrained:
            continue
        rows = problem.cone_rows(face.block)
        free = rows @ face.unit > 1e-8
        values.append(rows[free] @ (face.beta * face.unit))
        slopes.append(rows[free] @ moved)
        if face.rows.size:  # A_J' rho = lam u - X_b' r
            change = face.unit + lam * d_unit + _rows(optimal, face).T @ d_fit
            d_rho = np.linalg.lstsq(rows[face.rows].T, change, rcond=None)[0]
            values.append(face.multipliers)
            slopes.append(d_rho)
    residual = problem.y - optimal.fit
    correlations = problem.correlations(residual)
    outside = np.setdiff1d(np.arange(problem.count), optimal.equicorrelation.blocks)
    near = outside[~optimal.equicorrelation.bounded[outside]]
    for block in near:
        point = problem.project(int(block), correlations[block]).point
        norm = float(np.linalg.norm(point))
        if norm > 0:
            drift = float(problem.apply(int(block), point / norm) @ -d_fit)
            values.append(np.array([lam - norm]))
            slopes.append(np.array([1 - drift]))
    if not values:
        return 0.0, float("inf")
    value, slope = np.concatenate(values), np.concatenate(slopes)
    falling, rising = slope < 0, slope > 0
    high = lam + float(np.min(value[falling] / -slope[falling], initial=np.inf))
    low = lam - float(np.min(value[rising] / slope[rising], initial=np.inf))
    return max(low, 0.0), high
