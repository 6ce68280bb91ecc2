"""Prune a solved convex program with any method by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.config.plugins import load_plugin
from relu_optima.config.validate import config_of
from relu_optima.errors import DegenerateError, SolveInputError
from relu_optima.optimal_set.as_solved import as_solved
from relu_optima.optimal_set.blocks import ConvexSolution
from relu_optima.optimal_set.description import describe
from relu_optima.optimal_set.directions import Directions
from relu_optima.optimal_set.model_set import OptimalSet
from relu_optima.pruning.path import OBJECTIVE_TOL, PruningPath

if TYPE_CHECKING:
    from relu_optima.pruning.config import PruningConfig

EXACT_METHODS = ("optimal", "global_minimum")  # every model they visit must stay optimal


def prune(
    solution: ConvexSolution,
    X: np.ndarray,
    y: np.ndarray,
    method: str = "optimal",
    *,
    seed: int = 0,
    **options: Any,
) -> PruningPath:
    """Prune the network of a solved convex program.

    Parameters
    ----------
    solution : ConvexSolution
        Solved program, e.g. `relu_optima.convex.Solution`.
    X : array, shape (n, d)
        Training inputs.
    y : array, shape (n,)
        Training targets.
    method : str
        ``optimal``, ``optimal_ls``, ``magnitude``, ``gradient``, ``activation``, ``random`` or
        ``global_minimum``.
    seed : int
        Seed of methods that draw at random.
    **options
        Further fields of the method's ``Config``, e.g. ``rule="magnitude"``.

    Returns
    -------
    PruningPath
        Models from the start to the end of the method.

    Raises
    ------
    SolveInputError
        If an option does not exist or has a wrong value, or the solution does not fit the data.
    DegenerateError
        If the solution is too inaccurate, or an exact method cannot keep the objective within
        1e-8 relative.
    """
    config: PruningConfig = config_of("pruning", method, options, SolveInputError)
    optimal = describe(solution, X, y, slack_tol=config.slack_tol, merge_tol=config.merge_tol)
    network = start_of(optimal, solution, config)
    return follow(optimal, network, config, seed)


def start_of(optimal: OptimalSet, solution: ConvexSolution, config: PruningConfig) -> Directions:
    """Choose the network that is pruned."""
    if config.mode == "exact":
        return optimal
    return as_solved(optimal.problem, optimal.problem.weights(solution))


def follow(
    optimal: OptimalSet, network: Directions, config: PruningConfig, seed: int
) -> PruningPath:
    """Run one pruning method."""
    steps = load_plugin("pruning", config.method).steps(network, config, seed)
    path = PruningPath(config.method, optimal, network, steps)
    if config.method in EXACT_METHODS and not path.is_optimal.all():
        best = max(optimal.objective, 1e-300)
        change = float(np.abs(path.objective - optimal.objective).max()) / best
        raise DegenerateError(
            f"pruning would change the objective by {change:.1e} (relative)",
            allowed=f"{OBJECTIVE_TOL:.0e}",
            where="pruning.slack_tol",
            fix="solve again with a smaller convex.tol",
        )
    return path
