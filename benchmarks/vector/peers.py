"""Other ways to the same numbers: conic solvers on the published program, and training."""

from __future__ import annotations

import warnings

import numpy as np


def conic_relaxation(X: np.ndarray, Y: np.ndarray, lam: float, tolerance: float) -> float:
    """Value of the relaxation as published: a matrix for each cell, all rows of each cone, SCS.

    Parameters
    ----------
    X, Y : array
        Inputs and targets.
    lam : float
        Strength.
    tolerance : float
        SCS's eps.

    Returns
    -------
    float
        What the solver says.
    """
    import cvxpy as cp

    from relu_optima.convex import enumerate_patterns

    n, d = X.shape
    total, penalty, constraints = np.eye(n), 0.0, []
    for gate in enumerate_patterns(X).T:
        on = (X @ gate > 0).astype(float)
        U = cp.Variable((d, d), PSD=True)
        A = (2 * on - 1)[:, None] * X
        constraints.append(A @ U @ A.T >= 0)
        masked = on[:, None] * X
        total = total + 2 * (masked @ U @ masked.T)
        penalty = penalty + cp.trace(U)
    program = cp.Problem(
        cp.Minimize(0.5 * cp.matrix_frac(Y, total) + lam**2 * penalty), constraints
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program.solve(solver=cp.SCS, eps=tolerance, max_iters=20_000)
    return float(program.value)


def train_as_published(
    X: np.ndarray, Y: np.ndarray, lam: float, *, width: int = 1000, epochs: int = 8000
) -> float:
    """Objective after SGD as the paper's experiments are configured in their re-release.

    Full batches, learning rate 0.01 halved on a plateau, momentum 0.95.

    Parameters
    ----------
    X, Y : array
        Inputs and targets.
    lam : float
        Strength.
    width, epochs : int
        Hidden neurons and steps.

    Returns
    -------
    float
        Penalised objective, layers balanced.
    """
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)
    inputs, targets = torch.tensor(X), torch.tensor(Y)
    first = torch.nn.Linear(X.shape[1], width, bias=False, dtype=torch.float64)
    second = torch.nn.Linear(width, Y.shape[1], bias=False, dtype=torch.float64)
    weights = [first.weight, second.weight]
    optimiser = torch.optim.SGD(weights, lr=1e-2, momentum=0.95)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=100)
    for _ in range(epochs):
        optimiser.zero_grad()
        error = second(torch.relu(first(inputs))) - targets
        norm = sum((w**2).sum() for w in weights)
        loss = 0.5 * (error**2).sum() + 0.5 * lam * norm
        loss.backward()
        optimiser.step()
        schedule.step(loss.detach())
    U, V = first.weight.detach().numpy(), second.weight.detach().numpy().T
    error = np.maximum(X @ U.T, 0.0) @ V - Y
    weights_sum = float((np.linalg.norm(U, axis=1) * np.linalg.norm(V, axis=1)).sum())
    return 0.5 * float(np.sum(error**2)) + lam * weights_sum


def pyscnn_one_vs_all(
    X: np.ndarray, Y: np.ndarray, gates: np.ndarray, lam: float, tolerance: float
) -> float:
    """Objective of pyscnn's gated solver on its own penalty, in our scale.

    Parameters
    ----------
    X, Y : array
        Inputs and targets.
    gates : array
        Gate vectors.
    lam : float
        Strength.
    tolerance : float
        Of its gradient; what it reaches is not known before.

    Returns
    -------
    float
        Objective; needs the packages of benchmarks/convex/requirements-peers.txt.
    """
    from scnn.metrics import Metrics
    from scnn.models import ConvexGatedReLU
    from scnn.optimize import optimize_model
    from scnn.regularizers import NeuronGL1
    from scnn.solvers import RFISTA

    model = ConvexGatedReLU(gates, c=Y.shape[1])
    solver = RFISTA(model, max_iters=20_000, tol=tolerance)
    quiet = Metrics(metric_freq=10**9, objective=False, grad_norm=False, time=False)
    # its loss is the mean over all entries of Y
    fitted, _ = optimize_model(
        model, solver, quiet, X, Y, regularizer=NeuronGL1(lam / Y.size), return_convex=True,
        unitize_data=False, dtype="float64",
    )  # fmt: skip
    blocks = np.asarray(fitted.parameters[0])
    on = (X @ np.asarray(fitted.G) > 0).astype(float)
    fit = np.einsum("np,kpn->nk", on, blocks @ X.T)
    penalty = float(np.linalg.norm(blocks, axis=2).sum())
    return 0.5 * float(np.sum((fit - Y) ** 2)) + lam * penalty
