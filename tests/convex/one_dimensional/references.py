"""Slow, plain solutions of the one-dimensional programs, made from their definitions."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp


def ramps(x: np.ndarray) -> np.ndarray:
    """Return the ramps to the right and to the left of every point, one in each column."""
    right = np.maximum(x[:, None] - x[None, :], 0.0)
    return np.hstack([right, np.maximum(x[None, :] - x[:, None], 0.0)])


def ramp_lasso(x, y, beta, loss="squared", weights=None, delta=1.0) -> tuple[float, np.ndarray]:
    """Solve the program over all ramps at data points with Clarabel."""
    w = np.ones(x.size) if weights is None else weights
    A = ramps(x)
    c, b = cp.Variable(A.shape[1]), cp.Variable()
    f = A @ c + b
    fit = {
        "squared": lambda: 0.5 * cp.sum(cp.multiply(w, cp.square(f - y))),
        "hinge": lambda: cp.sum(cp.multiply(w, cp.pos(1 - cp.multiply(y, f)))),
        "logistic": lambda: cp.sum(cp.multiply(w, cp.logistic(-cp.multiply(y, f)))),
        "huber": lambda: 0.5 * cp.sum(cp.multiply(w, cp.huber(f - y, delta))),
    }[loss]()
    program = cp.Problem(cp.Minimize(fit + beta * cp.norm1(c)))
    program.solve(
        solver=cp.CLARABEL, tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13, max_iter=400
    )
    return float(program.value), np.asarray(f.value)


def least_width(x: np.ndarray, f: np.ndarray, norm: float) -> int:
    """Count the neurons of the narrowest network with values f and penalty `norm`, by a MILP.

    A neuron is a side, a sign and the two neighbouring points between which its kink lies; it
    gives both a non-negative ramp of that side and sign.
    """
    A = ramps(x)
    n, scale = x.size, norm
    if norm < 1e-12:
        return 0
    blocks = [(sign, side * n + k) for side in (0, 1) for sign in (1.0, -1.0) for k in range(n - 1)]
    m = len(blocks)
    columns = np.hstack([sign * A[:, [k, k + 1]] for sign, k in blocks]) * scale
    # variables: two shares of each block, the constant, the switches
    ones = np.hstack([np.ones(2 * m), 0.0, np.zeros(m)])
    spread = np.ptp(f)
    fit = np.hstack([columns / spread, np.ones((n, 1)), np.zeros((n, m))])
    target = (f - f.mean()) / spread
    gate = np.hstack([np.kron(np.eye(m), [1.0, 1.0]), np.zeros((m, 1)), -2 * np.eye(m)])
    result = milp(
        np.hstack([np.zeros(2 * m + 1), np.ones(m)]),
        constraints=[
            LinearConstraint(fit, target - 1e-9, target + 1e-9),
            LinearConstraint(ones[None, :], 0.0, 1 + 1e-9),
            LinearConstraint(gate, -np.inf, 0.0),
        ],
        integrality=np.hstack([np.zeros(2 * m + 1), np.ones(m)]),
        bounds=Bounds(
            np.hstack([np.zeros(2 * m), -np.inf, np.zeros(m)]),
            np.hstack([np.full(2 * m, 2.0), np.inf, np.ones(m)]),
        ),
    )
    assert result.success, result.message
    return round(result.fun)
