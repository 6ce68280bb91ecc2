"""Solve a convex ReLU program to a certified gap: checks, trivial cases, choice of the backend."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from relu_optima.convex.certificate import certify, dual_norm, project_on_cone
from relu_optima.convex.problem import Problem, check_lambda, make_problem
from relu_optima.convex.reference import solve_reference
from relu_optima.convex.solution import Solution
from relu_optima.errors import SolveInputError

BACKENDS = ("auto", "clarabel")


def lambda_max(X: np.ndarray, y: np.ndarray, gates: np.ndarray, formulation: str = "relu") -> float:
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

    Returns
    -------
    float
        h(y) = max over blocks of |Proj_K(+-X'D_i y)|.

    Raises
    ------
    SolveInputError
        If an argument has no meaning.
    """
    problem = make_problem(X, y, gates, formulation)
    return _lambda_max(problem)


def _lambda_max(problem: Problem) -> float:
    if problem.patterns.shape[1] == 0:
        return 0.0
    return dual_norm(problem.X, problem.y, problem.gates, problem.formulation)


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
) -> Solution:
    r"""Solve the convex ReLU or gated ReLU program over the given gates.

    .. math:: \min \tfrac12 \lVert f(X) - y \rVert^2 + \lambda \sum_b \lVert u_b \rVert_2

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    y : array, shape (n,)
        Targets.
    gates : array, shape (d, P)
        Gate vectors in columns; equal and all-zero activation patterns are merged.
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
    backend : {"auto", "clarabel"}, default "auto"
        Method.

    Returns
    -------
    Solution
        The point with its certificate.

    Raises
    ------
    SolveInputError
        If an argument has no meaning; the message names it.
    """
    start = time.process_time()
    problem = make_problem(X, y, gates, formulation)
    lam = check_lambda(lam)
    _check_options(tol, time_limit, backend)
    if not problem.y.any() or problem.patterns.shape[1] == 0 or lam >= _lambda_max(problem):
        return _zero_solution(problem, lam, start)
    # Clarabel starts cold: a warm start cannot help it
    return _solve_by_clarabel(problem, lam, tol, time_limit, start)


def _zero_solution(problem: Problem, lam: float, start: float) -> Solution:
    """Return the zero network, optimal because y itself is dual feasible."""
    zero = np.zeros((problem.patterns.shape[1], problem.X.shape[1]))
    energy = 0.5 * float(problem.y @ problem.y)
    return Solution(
        gates=problem.gates,
        v=zero,
        w=zero.copy(),
        lam=lam,
        formulation=problem.formulation,
        objective=energy,
        dual_objective=energy,
        gap=0.0,
        kkt_residual=0.0,
        violation=0.0,
        dual=problem.y.copy(),
        status="optimal",
        seconds=time.process_time() - start,
        backend="closed_form",
    )


def _solve_by_clarabel(
    problem: Problem, lam: float, tol: float, time_limit: float | None, start: float
) -> Solution:
    """Solve by the reference, repair its small infeasibilities, certify."""
    scale_x = float(np.abs(problem.X).max())
    scale_y = float(np.abs(problem.y).max())
    scaled = Problem(
        problem.X / scale_x,
        problem.y / scale_y,
        problem.gates,
        problem.patterns,
        problem.formulation,
    )
    wall = time.perf_counter()
    answer = solve_reference(
        scaled, lam / (scale_x * scale_y), tol=min(1e-9, 0.01 * tol), time_limit=time_limit
    )
    late = time_limit is not None and time.perf_counter() - wall >= time_limit
    zero = np.zeros((problem.patterns.shape[1], problem.X.shape[1]))
    v, w = (zero, zero.copy()) if answer is None else (answer.v, answer.w)
    if problem.formulation == "relu":
        v, w = (_into_cones(scaled, u) for u in (v, w))
    v, w = (u * (scale_y / scale_x) for u in (v, w))
    proof = certify(problem.X, problem.y, problem.gates, lam, v, w, problem.formulation)
    good = proof.gap <= tol and proof.violation <= 1e-9
    return Solution(
        gates=problem.gates,
        v=v,
        w=w,
        lam=lam,
        formulation=problem.formulation,
        objective=proof.objective,
        dual_objective=proof.dual_objective,
        gap=proof.gap,
        kkt_residual=proof.kkt_residual,
        violation=proof.violation,
        dual=proof.dual,
        status="optimal" if good else "time_limit" if late else "inaccurate",
        seconds=time.process_time() - start,
        backend="clarabel",
        counts={"iterations": 0 if answer is None else answer.iterations},
    )


def _into_cones(problem: Problem, blocks: np.ndarray) -> np.ndarray:
    """Project interior-point blocks on their cones and drop those that are numerically zero."""
    lengths = np.linalg.norm(problem.X, axis=1)
    rows = problem.X / np.where(lengths > 0, lengths, 1.0)[:, None]
    norms = np.linalg.norm(blocks, axis=1)
    out = np.zeros_like(blocks)
    for i in np.flatnonzero(norms > 1e-7 * norms.max(initial=0.0)):
        cone = np.where(problem.patterns[:, i], 1.0, -1.0)[:, None] * rows
        if (cone @ blocks[i]).min() >= -1e-12 * norms[i]:
            out[i] = blocks[i]  # a projection could only add rounding
        else:
            out[i] = project_on_cone(cone, blocks[i])[0]
    return out


def _check_options(tol: float, time_limit: float | None, backend: str) -> None:
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


Callback = Callable[[dict[str, float]], bool | None]
