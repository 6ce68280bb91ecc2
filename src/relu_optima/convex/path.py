"""Regularisation paths: one solve for each strength, each starting from the last."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from relu_optima.convex.follow import MAX_ROWS, PathFollower
from relu_optima.convex.problem import check_lambda, make_problem
from relu_optima.convex.products import held
from relu_optima.convex.proximal_newton import loss_lambda_max, solve_loss
from relu_optima.convex.session import Session
from relu_optima.convex.solution import Solution
from relu_optima.convex.solver import check_options
from relu_optima.errors import SolveInputError

DENSE = 2_500_000  # entries of the patterns up to which a path holds them as numbers: 20 MB
MISSES = 2  # failures in a row after which the corrector is given up


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
    loss: str = "squared",
    delta: float = 1.0,
    class_weight: str | None = None,
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
    loss : str, default "squared"
        Loss, see `relu_optima.convex.solve`.
    delta : float, default 1.0
        Parameter of the Huber loss.
    class_weight : {None, "balanced"}, default None
        Weights of the rows.

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
    problem = make_problem(
        X, y, gates, formulation, loss=loss, delta=delta, class_weight=class_weight
    )
    order = sorted(range(len(values)), key=lambda k: -values[k])
    out: dict[int, Solution] = {}
    if problem.loss is not None:
        last: Solution | None = None
        zero_from = loss_lambda_max(problem)
        for index in order:
            started = time.process_time()
            last = solve_loss(
                problem,
                values[index],
                tol,
                time_limit,
                started=started,
                zero_from=zero_from,
                start=last,
            )
            out[index] = last
        return [out[k] for k in range(len(values))]
    walk = _Walk(Session(problem), backend)
    for index in order:
        out[index] = walk.solve(values[index], tol, time_limit)
    return [out[k] for k in range(len(values))]


class _Walk:
    """Solves from large strengths to small: by the corrector where it is of use, or in full."""

    def __init__(self, session: Session, backend: str) -> None:
        self.session, self.backend = session, backend
        problem = session.problem
        small = problem.formulation == "gated" and problem.y.size <= MAX_ROWS
        ours = backend in ("auto", "newton")
        self.follower: PathFollower | None = None
        self.misses = 0
        self.zero_from = np.inf  # strength from which on the optimum is zero
        if ours and not small and not session.trivial:
            self.zero_from = session.lambda_max()
        if ours and small and not session.trivial:
            scaled = session.problem.scaled()
            rows = held(scaled.patterns.T, DENSE)
            self.follower = PathFollower(scaled.X, scaled.y, rows)

    def solve(self, lam: float, tol: float, time_limit: float | None) -> Solution:
        started, begin = time.process_time(), time.perf_counter()
        session, follower = self.session, self.follower
        if lam >= self.zero_from:
            return session.zero_solution(lam, started)
        if follower is not None:
            before = dict(follower.counts)
            deadline = None if time_limit is None else begin + time_limit
            answer = follower.step(session.scaled_strength(lam), tol, deadline)
            if answer is not None:
                counts = {k: n - before[k] for k, n in follower.counts.items()}
                solution = session.solution_of(
                    answer, lam, tol, started=started, counts=counts, backend="follow"
                )
                if solution.status == "optimal":
                    self.misses = 0
                    return solution
        left = None if time_limit is None else begin + time_limit - time.perf_counter()
        solution = session.solve(lam, tol, left, self.backend, None, started=started)
        self.misses += 1
        if self.misses >= MISSES:
            self.follower = None
        elif follower is not None:
            follower.start_from(session.scaled_strength(lam), *session.scaled_point(solution))
        return solution
