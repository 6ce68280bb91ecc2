"""Public entry points of the solver: `solve` and `lambda_max`, and the checks they share."""

from __future__ import annotations

import time
from typing import Literal, overload

import numpy as np

from relu_optima.convex.newton import Callback
from relu_optima.convex.problem import Problem, check_lambda, make_problem
from relu_optima.convex.proximal_newton import loss_lambda_max, solve_loss
from relu_optima.convex.session import Session
from relu_optima.convex.shallow import ShallowSolution
from relu_optima.convex.solution import Solution
from relu_optima.errors import SolveInputError

BACKENDS = ("auto", "newton", "clarabel", "cuda")
ONLY_OVER_ALL = {"gates": "all", "formulation": "relu", "loss": "squared", "backend": "auto"}


def lambda_max(
    X: np.ndarray,
    y: np.ndarray,
    gates: np.ndarray,
    formulation: str = "relu",
    *,
    loss: str = "squared",
    delta: float = 1.0,
    class_weight: str | None = None,
) -> float:
    """Return the smallest regularisation strength whose optimum is the zero network.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    y : array, shape (n,)
        Targets.
    gates : array, shape (d, P)
        Gate vectors.
    formulation : {"relu", "gated"}, default "relu"
        Which program.
    loss : str, default "squared"
        Loss, see `relu_optima.convex.solve`.
    delta : float, default 1.0
        Parameter of the Huber loss.
    class_weight : {None, "balanced"}, default None
        Weights of the rows.

    Returns
    -------
    float
        h(y) = max over blocks of |Proj_K(+-X'D_i y)|; h(-l'(0)) for another loss.

    Raises
    ------
    SolveInputError
        If an argument has no meaning.
    """
    problem = make_problem(
        X, y, gates, formulation, loss=loss, delta=delta, class_weight=class_weight
    )
    return Session(problem).lambda_max() if problem.loss is None else loss_lambda_max(problem)


@overload
def solve(
    X: np.ndarray,
    y: np.ndarray,
    gates: Literal["all"],
    lam: float,
    *,
    formulation: str = "relu",
    tol: float = 1e-6,
    time_limit: float | None = None,
) -> ShallowSolution: ...


@overload
def solve(
    X: np.ndarray,
    y: np.ndarray,
    gates: np.ndarray,
    lam: float,
    *,
    formulation: str = "relu",
    tol: float = 1e-6,
    time_limit: float | None = None,
    warm_start: Solution | None = None,
    backend: str = "auto",
    callback: Callback | None = None,
    loss: str = "squared",
    delta: float = 1.0,
    class_weight: str | None = None,
) -> Solution: ...


def solve(
    X: np.ndarray,
    y: np.ndarray,
    gates: np.ndarray | str,
    lam: float,
    *,
    formulation: str = "relu",
    tol: float = 1e-6,
    time_limit: float | None = None,
    warm_start: Solution | None = None,
    backend: str = "auto",
    callback: Callback | None = None,
    loss: str = "squared",
    delta: float = 1.0,
    class_weight: str | None = None,
) -> Solution | ShallowSolution:
    r"""Solve the convex ReLU or gated ReLU program over the given gates.

    .. math:: \min \tfrac12 \lVert f(X) - y \rVert^2 + \lambda \sum_b \lVert u_b \rVert_2

    or with another loss in place of half the squared error.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    y : array, shape (n,)
        Targets.
    gates : array, shape (d, P), or "all"
        Gate vectors in columns; equal and all-zero activation patterns are merged. "all" stands
        for every activation pattern: the network's global optimum, by
        `relu_optima.convex.solve_all`, which takes no other method and no warm start.
    lam : float
        Canonical regularisation strength, positive (see `relu_optima.convex.scaling`).
    formulation : {"relu", "gated"}, default "relu"
        Which program.
    tol : float, default 1e-6
        Relative duality gap at which to stop, in (0, 1).
    time_limit : float, optional
        Wall-clock limit in seconds; the best point so far is returned.
    warm_start : Solution, optional
        Solution of a similar program, e.g. of a neighbouring strength.
    backend : {"auto", "newton", "clarabel", "cuda"}, default "auto"
        ``newton`` is the method of `relu_optima.convex.newton`; ``auto`` lets Clarabel try small
        problems that it could not finish; ``cuda`` solves the gated program on a graphics card
        (`relu_optima.convex.gpu`), from nothing, and certifies it on the processor.
    callback : callable, optional
        Called by ``newton`` after each outer iteration with a dict of ``outer``, ``objective``,
        ``dual_objective``, ``gap`` and ``working_set``; returning True stops the solve.
    loss : {"squared", "logistic", "squared_hinge", "huber"}, default "squared"
        Loss, summed over the rows (`relu_optima.convex.loss` has the formulas); the second and
        third ask for labels -1 and +1. Others than the squared one are solved by
        `relu_optima.convex.proximal_newton`, without backend and callback.
    delta : float, default 1.0
        Residual from which on the Huber loss is linear.
    class_weight : {None, "balanced"}, default None
        Weigh the rows of a label inversely to their share, each class n / 2 in all.

    Returns
    -------
    Solution or ShallowSolution
        The point with its certificate; the latter over all patterns.

    Raises
    ------
    SolveInputError
        If an argument has no meaning; the message names it.
    """
    start = time.process_time()
    if isinstance(gates, str):
        asked = {"gates": gates, "formulation": formulation, "loss": loss, "backend": backend}
        extras = (warm_start, callback, class_weight)
        if asked != ONLY_OVER_ALL or any(e is not None for e in extras):
            raise SolveInputError(
                " ".join(f"{name}={value!r}" for name, value in asked.items()),
                allowed='gates="all" for ReLU neurons and the squared loss, without warm_start, '
                "backend, callback and class_weight",
                where="gates",
            )
        from relu_optima.convex.low_rank.all_patterns import solve_all

        return solve_all(X, y, lam, tol=tol, time_limit=time_limit)
    problem = make_problem(
        X, y, gates, formulation, loss=loss, delta=delta, class_weight=class_weight
    )
    check_options(tol, time_limit, backend)
    if problem.loss is not None:
        _check_other_loss(problem, loss, backend, callback, warm_start)
        top = loss_lambda_max(problem)
        lam = check_lambda(lam)
        return solve_loss(
            problem, lam, tol, time_limit, started=start, zero_from=top, start=warm_start
        )
    session = Session(problem)
    if warm_start is not None:
        session.start_from(warm_start)
    solution = session.solve(check_lambda(lam), tol, time_limit, backend, callback, started=start)
    return session.with_evidence(solution)


def _check_other_loss(
    problem: Problem,
    loss: str,
    backend: str,
    callback: Callback | None,
    warm_start: Solution | None,
) -> None:
    """Refuse what only the method for the squared loss can do."""
    if callback or backend != "auto":
        raise SolveInputError(
            f"backend={backend!r} or a callback with loss={loss!r}",
            allowed="neither: other losses than the squared one have one method",
            where="loss",
        )
    if warm_start is not None and not np.array_equal(warm_start.gates, problem.gates):
        raise SolveInputError(
            "a solution over other gates",
            allowed=f"a solution over the same {problem.gates.shape[1]} gates",
            where="warm_start",
        )


def check_options(tol: float, time_limit: float | None, backend: str) -> None:
    """Check how a solve is to be done."""
    if not 0 < tol < 1:
        raise SolveInputError(f"it is {tol!r}", allowed="0 < tol < 1", where="convex.tol")
    if time_limit is not None and not time_limit > 0:
        raise SolveInputError(
            f"it is {time_limit!r}", allowed="seconds > 0, or none", where="convex.time_limit"
        )
    if backend not in BACKENDS:
        raise SolveInputError(
            f"unknown method {backend!r}", allowed=", ".join(BACKENDS), where="convex.backend"
        )
