"""Regularisation paths: one solve for each strength, each starting from the last."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from relu_optima.convex.problem import check_lambda, make_problem
from relu_optima.convex.session import Session
from relu_optima.convex.solution import Solution
from relu_optima.convex.solver import check_options
from relu_optima.errors import SolveInputError


def regularization_path(
    X: np.ndarray,
    y: np.ndarray,
    gates: np.ndarray,
    lams: Sequence[float],
    *,
    formulation: str = "relu",
    tol: float = 1e-6,
    time_limit: float | None = None,
    backend: str = "auto",
) -> list[Solution]:
    """Solve the program for several strengths, warm-started from large to small.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    y : array, shape (n,)
        Targets.
    gates : array, shape (d, P)
        Gate vectors.
    lams : sequence of float
        Canonical strengths, in any order.
    formulation : {"relu", "gated"}, default "relu"
        Which program.
    tol : float, default 1e-6
        Relative duality gap of every point.
    time_limit : float, optional
        Wall-clock limit of each solve in seconds.
    backend : str, default "auto"
        Method, see `relu_optima.convex.solve`.

    Returns
    -------
    list of Solution
        One solution for each strength, in the order given.

    Raises
    ------
    SolveInputError
        If there is no strength or an argument has no meaning.
    """
    values = [check_lambda(lam) for lam in lams]
    if not values:
        raise SolveInputError("it is empty", allowed="at least one strength > 0", where="lams")
    check_options(tol, time_limit, backend)
    session = Session(make_problem(X, y, gates, formulation))
    out: dict[int, Solution] = {}
    for index in sorted(range(len(values)), key=lambda k: -values[k]):
        out[index] = session.solve(
            values[index], tol, time_limit, backend, None, started=time.process_time()
        )
    return [out[k] for k in range(len(values))]
