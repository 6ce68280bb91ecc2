r"""Other losses by proximal Newton steps, each a weighted squared program that `Session` solves.

At outputs f the second-order model of the loss is, up to a constant,

.. math:: \tfrac12 \sum_i h_i \bigl(\hat f_i - (f_i - g_i / h_i)\bigr)^2,
          \qquad g = l'(f), \quad h = l''(f) ,

the squared loss of inputs and targets whose rows are scaled by the square roots of h. A cone
K_b = {u : (2 D_b - I) X u >= 0} does not change when rows are scaled, and no pattern does, so the
solver for the squared loss takes the step as it stands, warm-started from the last one. A feasible
dual vector nu of the model gives the feasible vector sqrt(h) nu of the true program. With exact
steps the method converges quadratically (Lee, Sun & Saunders 2014); a line search along the
segment, on which f is linear because both ends lie in the same cones, makes it converge from
anywhere.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import numpy as np

from relu_optima.convex.certificate import certify
from relu_optima.convex.evidence import Evidence
from relu_optima.convex.loss import Loss
from relu_optima.convex.problem import Problem
from relu_optima.convex.products import combine, row_norms
from relu_optima.convex.session import Session
from relu_optima.convex.solution import Solution

MAX_STEPS = 100
# Least curvature of a row, in shares of the largest. Where the loss is flat or linear it damps how
# far one step moves the outputs, and changes no fixed point; a linear row enters the model's value
# with slope^2 / curvature, whose rounding a larger share keeps small. The logistic loss is strictly
# convex: only rounding asks for a bound.
LEAST_CURVATURE = {"logistic": 1e-8, "squared_hinge": 1e-3, "huber": 0.1}
SHARE = 0.1  # accuracy of a step, in shares of the gap that is left
FIRST, EXACT = 1e-2, 1e-12  # largest and least relative gap of a step
DECREASE = 1e-4  # of the model's, that a step must achieve (Armijo)


def loss_lambda_max(problem: Problem) -> float:
    """Return the smallest strength whose optimum is zero, h(-l'(0))."""
    loss = problem.loss
    assert loss is not None
    return Session(
        replace(problem, y=-loss.gradient(np.zeros_like(problem.y)), loss=None)
    ).lambda_max()


def solve_loss(
    problem: Problem,
    lam: float,
    tol: float,
    time_limit: float | None,
    *,
    started: float,
    zero_from: float,
    start: Solution | None = None,
) -> Solution:
    """Solve the program of `problem.loss` for one strength, from the zero network or a solution.

    From `zero_from` on, its `loss_lambda_max`, the zero network is the answer.
    """
    loss = problem.loss
    assert loss is not None
    began = time.perf_counter()
    P, d = problem.patterns.shape[1], problem.X.shape[1]
    point = _Point(problem, np.zeros((P, d)), np.zeros((P, d)))
    if start is not None and start.v.shape == point.v.shape:
        point = _Point(problem, start.v, start.w)
    best, dual = 0.0, np.zeros_like(problem.y)
    evidence: Evidence | None = None
    counts: Counter[str] = Counter()
    inner = FIRST / SHARE
    status = "inaccurate"
    trivial = P == 0 or lam >= zero_from
    if trivial:
        point = _Point(problem, np.zeros((P, d)), np.zeros((P, d)))
        dual = -loss.gradient(point.f)
        status = "optimal"
    for _ in range(0 if trivial else MAX_STEPS):
        left = None if time_limit is None else time_limit - (time.perf_counter() - began)
        if left is not None and left <= 0:
            status = "time_limit"
            break
        value = point.objective(lam)
        session, root = _model(problem, loss, point.f)
        if point.penalty() > 0:
            session.start_from(point.as_solution(lam))
        energy = 0.5 * float(session.problem.y @ session.problem.y)
        # the share of the gap that is left, but never looser than a tenth of the last one: where
        # the bound is loose the steps still become exact
        inner = max(min(SHARE * (value - best) / energy, SHARE * inner), EXACT)
        answer = session.solve(lam, inner, left, "newton", None, started=started)
        counts["outer"] += 1
        counts["newton"] += answer.counts.get("newton", 0)
        counts["projections"] += answer.counts.get("projections", 0)
        point, moved = _search(point, _Point(problem, answer.v, answer.w), lam)
        theirs = root * answer.dual
        for vector in (theirs, loss.into_domain(theirs), -loss.gradient(point.f)):
            height = _height(session, root, vector)
            bound, scaled = loss.best_multiple(vector, lam / height if height > 0 else np.inf)
            if bound > best:
                best, dual = bound, scaled
        if point.objective(lam) - best <= tol * max(best, 1e-12 * loss.at_zero):
            status = "optimal"
            break
        if not moved:
            break
    if problem.formulation == "relu" and counts:
        evidence = _evidence(session, root, dual, lam)
    return _certified(problem, lam, tol, point, dual, evidence, status, counts, started)


class _Point:
    """Blocks with their outputs on the training rows."""

    def __init__(self, problem: Problem, v: np.ndarray, w: np.ndarray) -> None:
        self.problem, self.v, self.w = problem, v, w
        self.f = np.zeros_like(problem.y)
        if problem.formulation == "gated":
            used = np.any(v, axis=1).nonzero()[0]
            if used.size:
                self.f = combine(problem.patterns.T[used], problem.X, v[used])
        else:
            for sign, blocks in ((1.0, v), (-1.0, w)):
                used = np.any(blocks, axis=1)
                self.f += sign * np.maximum(problem.X @ blocks[used].T, 0.0).sum(axis=1)

    def penalty(self) -> float:
        return float(row_norms(self.v).sum() + row_norms(self.w).sum())

    def objective(self, lam: float) -> float:
        assert self.problem.loss is not None
        return self.problem.loss.value(self.f) + lam * self.penalty()

    def as_solution(self, lam: float) -> Solution:
        """Dress the blocks as what a session starts from."""
        zero = np.zeros_like(self.f)
        return Solution(
            self.problem, self.v, self.w, lam, 0.0, 0.0, 0.0, 0.0, 0.0, zero, "", 0.0, ""
        )


def _model(problem: Problem, loss: Loss, f: np.ndarray) -> tuple[Session, np.ndarray]:
    """Return the squared program that models the loss around f, and the roots of its weights."""
    h = loss.curvature(f)
    h = np.maximum(h, LEAST_CURVATURE[loss.name] * loss.weights)
    root = np.sqrt(h)
    model = replace(
        problem, X=problem.X * root[:, None], y=root * (f - loss.gradient(f) / h), loss=None
    )
    return Session(model), root


def _search(point: _Point, goal: _Point, lam: float) -> tuple[_Point, bool]:
    """Go towards the model's optimum until the objective has fallen enough."""
    problem = point.problem
    assert problem.loss is not None
    here = point.objective(lam)
    slope = float(problem.loss.gradient(point.f) @ (goal.f - point.f))
    slope += lam * (goal.penalty() - point.penalty())
    step = 1.0
    for _ in range(30):
        trial = goal
        if step < 1.0:
            mix = [a + step * (b - a) for a, b in ((point.v, goal.v), (point.w, goal.w))]
            trial = _Point(problem, *mix)
        if trial.objective(lam) <= here + DECREASE * step * min(slope, 0.0):
            return trial, True
        step *= 0.5
    return point, False


def _height(session: Session, root: np.ndarray, vector: np.ndarray) -> float:
    """Return h(vector) of the true program, from the blocks of the model."""
    return session.scale_x * session.engine().blocks.height(vector / root)


def _evidence(session: Session, root: np.ndarray, dual: np.ndarray, lam: float) -> Evidence:
    """Find multipliers that prove the dual vector feasible."""
    scale = session.scale_x
    found = session.engine().blocks.evidence(dual / root, lam / scale)
    return replace(found, rho=found.rho * scale)


def _certified(
    problem: Problem,
    lam: float,
    tol: float,
    point: _Point,
    dual: np.ndarray,
    evidence: Evidence | None,
    status: str,
    counts: Counter[str],
    started: float,
) -> Solution:
    """Value the point by the independent certificate."""
    proof = certify(
        problem.X,
        problem.y,
        problem.gates,
        lam,
        point.v,
        point.w,
        problem.formulation,
        dual=dual,
        evidence=evidence,
        loss=problem.loss,
    )
    if status == "optimal" and not (proof.gap <= tol and proof.violation <= 1e-9):
        status = "inaccurate"
    return Solution(
        problem=problem,
        v=point.v,
        w=point.w,
        lam=lam,
        objective=proof.objective,
        dual_objective=proof.dual_objective,
        gap=proof.gap,
        kkt_residual=proof.kkt_residual,
        violation=proof.violation,
        dual=proof.dual,
        status=status,
        seconds=time.process_time() - started,
        backend="proximal_newton" if counts else "closed_form",
        counts=dict(counts),
        evidence=evidence,
    )
