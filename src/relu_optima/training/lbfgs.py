"""Full-batch L-BFGS on the canonical objective, in float64, through scipy."""

from __future__ import annotations

import numpy as np
import torch

from relu_optima.training.measures import logged, sizes
from relu_optima.training.normalisation import folded
from relu_optima.training.objective import Objective
from relu_optima.training.problem import Problem, Trained
from relu_optima.training.stack import initial_parameters


def minimise(
    objective: Objective, theta: np.ndarray, lam: float, iterations: int
) -> tuple[np.ndarray, list[tuple[int, np.ndarray]]]:
    """Run L-BFGS until it can gain no more or the iterations are used up."""
    from scipy.optimize import minimize

    path: list[tuple[int, np.ndarray]] = []

    def keep(intermediate: np.ndarray) -> None:
        path.append((len(path) + 1, intermediate.copy()))

    options = {"maxiter": iterations, "maxfun": 20 * iterations + 100, "ftol": 0.0, "gtol": 1e-12}
    result = minimize(
        objective, theta, args=(lam,), jac=True, method="L-BFGS-B", callback=keep, options=options
    )
    return np.asarray(result.x, dtype=float), path


def describe(problem: Problem, objective: Objective, theta: np.ndarray) -> dict[str, float]:
    """Compute a line of the series."""
    weights, biases = objective.unpack(theta)
    loss = 2 * objective(theta, 0.0)[0] / problem.Y.size
    return sizes(problem, weights, biases, loss, problem.masks) | logged(problem, weights, biases)


def train_lbfgs(problem: Problem) -> Trained:
    """Train one network by L-BFGS from a random start."""
    config = problem.config
    objective = Objective(problem)
    generator = torch.Generator().manual_seed(problem.seed)
    start = objective.pack(*initial_parameters(problem, problem.masks, generator))
    theta, path = (
        (start, [])
        if config.epochs == 0
        else minimise(objective, start, problem.lam, config.epochs)
    )
    points = [(0, start), *path]
    lines = []
    status, epochs = "ok", 0
    for k, point in points:
        norm = float(np.linalg.norm(point))
        if not np.isfinite(norm) or norm > config.divergence_norm:
            status = "diverged"
            break
        theta, epochs = point, k
        if k % config.log_every == 0 or k == points[-1][0]:
            value = objective(point, problem.lam)[0]
            line = {"epoch": float(k), **describe(problem, objective, point), "objective": value}
            lines.append(line)
    weights, biases = objective.unpack(theta)
    scales = (biases[0], biases[1]) if config.batch_norm else None
    if scales is not None:
        weights, biases = folded(weights, *scales, problem.X)
    return Trained(
        weights=weights,
        biases=list(biases),
        masks=[m.astype(np.uint8) for m in problem.masks],
        series={name: np.array([line[name] for line in lines]) for name in lines[0]},
        status=status,
        epochs=epochs,
        relu=config.activation == "relu",
        norm=scales,
    )
