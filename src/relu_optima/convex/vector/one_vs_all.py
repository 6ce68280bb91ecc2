r"""One program for each output, with one strength: the group lasso of pyscnn for several outputs.

.. math:: \min_{V_i} \tfrac12 \Big\lVert \sum_i D_i X V_i - Y \Big\rVert_F^2
          + \lambda \sum_i \sum_k \lVert V_i e_k \rVert_2

The penalty separates the outputs, so this is another model than the nuclear norm of
`relu_optima.convex.vector.gated`: no neuron is shared by two outputs, and its value is never less
(||V||_* <= sum_k |V e_k|). The ReLU program has two cone-constrained blocks a gate and output.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.certificate import relative_gap
from relu_optima.convex.problem import check_lambda
from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution
from relu_optima.convex.solution import Solution
from relu_optima.convex.solver import lambda_max, solve
from relu_optima.convex.vector.problem import make_vector_problem


def solve_one_vs_all(
    X: np.ndarray,
    Y: np.ndarray,
    gates: np.ndarray,
    lam: float,
    *,
    formulation: str = "gated",
    tol: float = 1e-6,
    time_limit: float | None = None,
) -> ShallowSolution:
    r"""Solve one scalar program for each output.

    .. math:: \min \sum_k \Bigl( \tfrac12 \lVert f_k(X) - y_k \rVert^2
              + \lambda \sum_b \lVert u_{kb} \rVert_2 \Bigr)

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    Y : array, shape (n, K) or (n,)
        Targets.
    gates : array, shape (d, P)
        Gate vectors in columns.
    lam : float
        Canonical regularisation strength, positive; one for all outputs.
    formulation : {"gated", "relu"}, default "gated"
        Which neurons.
    tol : float, default 1e-6
        Relative duality gap of each output's program, and so of the sum.
    time_limit : float, optional
        Wall-clock limit in seconds of each output.

    Returns
    -------
    ShallowSolution
        All networks as one, whose neurons feed one output each.

    Raises
    ------
    SolveInputError
        If an argument has no meaning.
    BudgetError
        If the blocks of all gates have more than 1e8 numbers.

    References
    ----------
    Mishkin, Sahiner, Pilanci 2022, "Fast convex optimization for two-layer ReLU networks: Part 1".
    """
    problem = make_vector_problem(X, Y, gates)
    lam = check_lambda(lam)
    found = [
        solve(problem.X, y, problem.gates, lam, formulation=formulation, tol=tol,
              time_limit=time_limit)
        for y in problem.Y.T
    ]  # fmt: skip
    network = _together(found)
    objective = network.objective(problem.X, problem.Y, lam)
    bound = sum(s.dual_objective for s in found)
    words = [s.status for s in found]
    status = next((w for w in ("time_limit", "inaccurate") if w in words), "optimal")
    return ShallowSolution(
        X=problem.X,
        Y=problem.Y,
        lam=lam,
        network=network,
        objective=objective,
        dual_objective=bound,
        gap=relative_gap(objective, bound, problem.Y.ravel()),
        kkt_residual=max(s.kkt_residual for s in found),
        violation=max(s.violation for s in found),
        dual=np.column_stack([s.dual for s in found]),
        status=status,
        exact=False,
        method="one_vs_all",
        formulation=formulation,
        gates=problem.gates,
        parts=tuple(found),
        counts={"newton": sum(s.counts.get("newton", 0) for s in found)},
        seconds=sum(s.seconds for s in found),
    )


def one_vs_all_lambda_max(
    X: np.ndarray, Y: np.ndarray, gates: np.ndarray, formulation: str = "gated"
) -> float:
    """Return the smallest strength at which the networks of all outputs are zero.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    Y : array, shape (n, K) or (n,)
        Targets.
    gates : array, shape (d, P)
        Gate vectors in columns.
    formulation : {"gated", "relu"}, default "gated"
        Which neurons.

    Returns
    -------
    float
        Largest of the outputs' own.

    Raises
    ------
    SolveInputError
        If an argument has no meaning.
    """
    problem = make_vector_problem(X, Y, gates)
    return max(lambda_max(problem.X, y, problem.gates, formulation) for y in problem.Y.T)


def _together(found: list[Solution]) -> ShallowNetwork:
    """One network of all outputs' networks."""
    networks = [s.network() for s in found]
    U = np.vstack([net.W1 for net in networks])
    owner = np.repeat(np.arange(len(networks)), [len(net.w2) for net in networks])
    V = np.zeros((len(U), len(networks)))
    V[np.arange(len(U)), owner] = np.concatenate([net.w2 for net in networks])
    listed = [net.gates for net in networks if net.gates is not None]
    gates = np.hstack(listed) if len(listed) == len(networks) else None
    return ShallowNetwork(U, V, gates)
