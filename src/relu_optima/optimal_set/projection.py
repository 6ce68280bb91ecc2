"""Exact projection on a polyhedral cone, with the face and the multipliers it lands on.

The optimal set needs more than the projected point: which rows bind and how hard they push
decides the faces on which the optimum moves when the problem is perturbed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, solve_triangular

from relu_optima.errors import DegenerateError

ROW_TOL = 1e-13  # a row is violated when a'p < -ROW_TOL * |g| for a unit row a
RANK_TOL = 1e-10  # a unit row is dependent on the face below this distance


@dataclass(frozen=True)
class Projection:
    """Projection p of g on the cone {u : A u >= 0}, that is p = g + A' rho with rho >= 0.

    Attributes
    ----------
    point : array, shape (d,)
        The projected point p.
    rows : array of int, shape (k,)
        Independent binding rows that hold p on its face.
    multipliers : array, shape (k,)
        Their rho >= 0, with respect to rows of A scaled to unit length.
    basis : array, shape (d, k)
        Orthonormal basis of the span of those rows.
    exact : bool
        False if the search stopped early because the norm fell below the given level; then
        ``point`` is only an upper bound in norm.
    """

    point: np.ndarray
    rows: np.ndarray
    multipliers: np.ndarray
    basis: np.ndarray
    exact: bool


def project_on_cone(rows: np.ndarray, g: np.ndarray, stop_norm: float = 0.0) -> Projection:
    """Project g on {u : A u >= 0} by the dual active-set method of Goldfarb and Idnani.

    Minimises |u - g|^2 over A u >= 0. Every iterate is u = g + A' rho with rho >= 0, so its norm
    is an upper bound of the norm of the projection; this allows a rigorous early stop.

    Parameters
    ----------
    rows : array, shape (m, d)
        Rows of A, each of unit length (or zero: never binding).
    g : array, shape (d,)
        Point to project.
    stop_norm : float, >= 0
        Stop as soon as the norm of the iterate falls below this level.

    Returns
    -------
    Projection
        The point with its face.

    Raises
    ------
    DegenerateError
        If the active-set method does not end within ``50 d + 200`` steps.
    """
    d = g.size
    scale = float(np.linalg.norm(g))
    active: list[int] = []
    rho = np.zeros(0)
    basis, upper = np.zeros((d, 0)), np.zeros((0, 0))
    u = g.copy()
    if scale == 0.0:
        return Projection(u, np.zeros(0, dtype=int), rho, basis, True)
    entering, gained = -1, 0.0
    for _ in range(50 * d + 200):
        if entering < 0:
            if np.linalg.norm(u) < stop_norm:
                return Projection(u, np.array(active, dtype=int), rho, basis, False)
            values = rows @ u
            values[active] = np.inf
            entering, gained = int(np.argmin(values)), 0.0
            if values[entering] >= -ROW_TOL * scale:
                break
        row = rows[entering]
        inner = basis.T @ row
        step = row - basis @ inner
        step -= basis @ (basis.T @ step)
        length = float(step @ step)
        slope = solve_triangular(upper, inner) if active else np.zeros(0)
        ratios = np.full(len(active), np.inf)
        np.divide(rho, slope, out=ratios, where=slope > 0)
        blocking = int(np.argmin(ratios)) if active else -1
        dual_step = ratios[blocking] if active else np.inf
        primal_step = -float(row @ u) / length if length > RANK_TOL**2 else np.inf
        t = min(dual_step, primal_step)
        if not np.isfinite(t):  # the row repeats the face: what is left is rounding
            entering = -1
            break
        rho = np.maximum(rho - t * slope, 0.0)
        gained += t
        if dual_step < primal_step:
            active.pop(blocking)
            rho = np.delete(rho, blocking)
        else:
            active.append(entering)
            rho = np.append(rho, gained)
            entering = -1
        basis, upper = qr(rows[active].T, mode="economic") if active else (np.zeros((d, 0)), upper)
        if entering >= 0:
            u = g + rows[active].T @ rho + gained * row
        else:
            u = g - basis @ (basis.T @ g)
            u -= basis @ (basis.T @ u)
    else:
        raise DegenerateError(
            f"the projection on a cone of {rows.shape[0]} rows did not end",
            fix="remove duplicated or nearly parallel rows of the data",
        )
    if active:  # A_J' rho = -Q Q' g, solved afresh to shed the rounding of the updates
        rho = np.maximum(solve_triangular(upper, -(basis.T @ g)), 0.0)
    return Projection(u, np.array(active, dtype=int), rho, basis, True)
