"""Minimise over the cone of one activation pattern: past the kinks where L-BFGS stalls.

While the signs of all hidden pre-activations stay as they are, a network with one hidden layer is
a polynomial in its parameters, and the signs are linear constraints on the first layer. Sequential
quadratic programming solves this smooth problem; its value there is the true objective.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relu_optima.training.lbfgs import minimise
from relu_optima.training.objective import Objective

# dense quadratic programs of this size take milliseconds
MAX_PARAMETERS = 200
MAX_CONSTRAINTS = 300
ON_A_KINK = 1e-7  # a preactivation, relative to the largest, that is taken for zero


class ConeProblem:
    """The objective with the activation pattern of one point held fixed."""

    def __init__(self, objective: Objective, theta: np.ndarray, ties_active: bool) -> None:
        self.objective = objective
        weights, biases = objective.unpack(theta)
        Z = objective.problem.X @ weights[0].T
        if biases:
            Z = Z + biases[0]
        edge = ON_A_KINK * max(float(np.abs(Z).max()), 1e-300)
        self.active = np.where(np.abs(Z) <= edge, ties_active, edge < Z)
        self.signs = np.where(self.active, 1.0, -1.0)
        self.jacobian = self._constraint_matrix(theta.size)

    def _constraint_matrix(self, size: int) -> np.ndarray:
        """Return the matrix that maps parameters to signed pre-activations."""
        problem = self.objective.problem
        rows, neurons = self.active.shape
        out = np.zeros((rows * neurons, size))
        column = 0
        mask = problem.masks[0].astype(bool)
        for j in range(neurons):
            for i in np.flatnonzero(mask[j]):
                out[j::neurons, column] = problem.X[:, i] * self.signs[:, j]
                column += 1
        if problem.config.biases:
            first_bias = sum(int(m.sum()) for m in problem.masks)
            for j in range(neurons):
                out[j::neurons, first_bias + j] = self.signs[:, j]
        return out

    def __call__(self, theta: np.ndarray, lam: float) -> tuple[float, np.ndarray]:
        """Evaluate the polynomial and its gradient."""
        return self.objective.evaluate(theta, lam, self.active)


def minimise_past_kinks(
    objective: Objective, theta: np.ndarray, lam: float, iterations: int, rounds: int = 6
) -> tuple[np.ndarray, int]:
    """Alternate L-BFGS with minimisation over the cone it stopped in, while that helps."""
    best, path = minimise(objective, theta, lam, iterations)
    value, steps = objective(best, lam)[0], len(path)
    hidden = objective.problem.widths[1:-1]
    constraints = objective.problem.X.shape[0] * sum(hidden)
    if len(hidden) != 1 or theta.size > MAX_PARAMETERS or constraints > MAX_CONSTRAINTS:
        return best, steps
    for _ in range(rounds):
        before = value
        for ties_active in (False, True):
            point = _on_cone(ConeProblem(objective, best, ties_active), best, lam)
            found = objective(point, lam)[0]
            if found < value:
                best, value = point, found
        point, path = minimise(objective, best, lam, iterations)
        steps += len(path)
        found = objective(point, lam)[0]
        if found < value:
            best, value = point, found
        if before - value <= 1e-9 * before:
            break
    return best, steps


def _on_cone(problem: ConeProblem, theta: np.ndarray, lam: float) -> np.ndarray:
    from scipy.optimize import minimize

    # in units of the penalty, so that the stopping tolerance means the same at every level
    def scaled(point: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = problem(point, lam)
        return value / lam, gradient / lam

    constraint: dict[str, Any] = {
        "type": "ineq",
        "fun": lambda point: problem.jacobian @ point,
        "jac": lambda _: problem.jacobian,
    }
    result = minimize(
        scaled,
        theta,
        jac=True,
        method="SLSQP",
        constraints=[constraint],
        options={"maxiter": 300, "ftol": 1e-10},
    )
    point = np.asarray(result.x, dtype=float)
    return point if np.isfinite(point).all() else theta
