"""Derivatives against cvxpy's own differentiation of the cone program, where that applies.

It differentiates the solution map of the cone program, which needs a unique primal and dual point:
a neuron on a data hyperplane that two patterns share would be split in many ways, so those
problems are left to the finite differences.
"""

import cvxpy as cp
import numpy as np
import pytest

from relu_optima.sensitivity import jacobian
from tests.optimal_set.programs import WORKED_X, WORKED_Y, all_gates, solve

TIGHT = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}


def program(X, gates, formulation):
    """The program with lam and y as parameters, block by block as in its definition."""
    lam, target = cp.Parameter(nonneg=True), cp.Parameter(len(X))
    fit, penalty, blocks, constraints = 0, 0, [], []
    for gate in gates.T:
        mask = (X @ gate > 0).astype(float)
        signs = (1.0,) if formulation == "gated" else (1.0, -1.0)
        for sign in signs:
            block = cp.Variable(X.shape[1])
            fit = fit + sign * mask[:, None] * X @ block
            penalty = penalty + cp.norm(block)
            if formulation == "relu":
                constraints.append((2 * mask - 1)[:, None] * X @ block >= 0)
            blocks.append(block)
    value = 0.5 * cp.sum_squares(fit - target) + lam * penalty
    return cp.Problem(cp.Minimize(value), constraints), lam, target, fit


def fit_slopes(X, y, lam, gates, formulation):
    """d fit / d lam and d fit / d y by cvxpy's forward derivative of the cone program."""
    problem, strength, target, fit = program(X, gates, formulation)
    strength.value, target.value = lam, y
    problem.solve(solver=cp.DIFFCP, requires_grad=True, solve_method="CLARABEL", **TIGHT)
    columns = []
    for j in range(-1, len(y)):
        strength.delta = float(j < 0)
        target.delta = np.eye(len(y))[j] if j >= 0 else np.zeros(len(y))
        problem.derivative()
        moved = sum(a.delta @ part for a, part in _linear(fit))
        columns.append(moved)
    return columns[0], np.column_stack(columns[1:])


def _linear(fit):
    """Variables of a linear expression with their transposed matrices."""
    zero = {v: np.zeros(v.shape) for v in fit.variables()}
    pairs = []
    for variable in fit.variables():
        rows = []
        for e in np.eye(variable.size):
            for other, value in zero.items():
                other.value = value
            variable.value = e
            rows.append(fit.value)
        pairs.append((variable, np.array(rows)))
    return pairs


@pytest.mark.parametrize("formulation", ["gated", "relu"])
def test_the_worked_example(formulation):
    gates = all_gates(WORKED_X)
    lam = 0.3 if formulation == "relu" else 0.1
    found = jacobian(
        solve(WORKED_X, WORKED_Y, lam, formulation, gates=gates, tol=1e-10), WORKED_X, WORKED_Y
    )
    d_lam, hat = fit_slopes(WORKED_X, WORKED_Y, lam, gates, formulation)
    np.testing.assert_allclose(d_lam, found.d_fit_lam, atol=1e-4 * np.abs(found.d_fit_lam).max())
    np.testing.assert_allclose(hat, found.hat, atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_random_gated_programs(seed):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.uniform(-1, 1, 12), np.ones(12)])
    y = np.maximum(X[:, 0], 0) + 0.1 * rng.standard_normal(12)
    gates = np.array([[1.0, -0.2], [0.0, 1.0], [-1.0, 0.1]]).T
    found = jacobian(solve(X, y, 0.1, "gated", gates=gates, tol=1e-10), X, y)
    d_lam, hat = fit_slopes(X, y, 0.1, gates, "gated")
    np.testing.assert_allclose(d_lam, found.d_fit_lam, atol=1e-4 * np.abs(found.d_fit_lam).max())
    np.testing.assert_allclose(hat, found.hat, atol=1e-4)
