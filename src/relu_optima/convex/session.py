"""One program and all that carries over between its solves; the choice of the backend."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from relu_optima.convex.certificate import certify, relative_gap
from relu_optima.convex.gpu import solve_on_gpu
from relu_optima.convex.incumbent import Answer
from relu_optima.convex.newton import Callback, DualNewton
from relu_optima.convex.problem import Problem
from relu_optima.convex.products import combine, row_norms
from relu_optima.convex.reference import into_cones, solve_by_reference
from relu_optima.convex.solution import Solution
from relu_optima.errors import SolveInputError

TINY = 20_000  # cone rows up to which Clarabel may try what Newton could not finish


class Session:
    """One program with all that carries over between solves: faces, multipliers, working set."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        _ = problem.digest  # of the data as they are now, for whoever analyses a solution later
        self.trivial = not problem.y.any() or problem.patterns.shape[1] == 0
        self.scale_x, self.scale_y = problem.scales
        lengths = row_norms(problem.X)
        self._lengths = np.where(lengths > 0, lengths, np.inf)
        self._engine: DualNewton | None = None

    def engine(self) -> DualNewton:
        """Return the Newton solver of the scaled problem, made on first use."""
        if self._engine is None:
            scaled = self.problem.scaled()
            self._engine = DualNewton(scaled.X, scaled.y, scaled.patterns, scaled.formulation)
        return self._engine

    def lambda_max(self) -> float:
        """Return the smallest strength whose optimum is zero."""
        if self.trivial:
            return 0.0
        return self.engine().lambda_max() * self.scale_x * self.scale_y

    def start_from(self, solution: Solution) -> None:
        """Start from the blocks of a solution whose patterns this program shares."""
        problem = self.problem
        if solution.v.shape[1] != problem.X.shape[1] or solution.formulation != problem.formulation:
            raise SolveInputError(
                f"a {solution.formulation} solution with {solution.v.shape[1]} features",
                allowed=f"{problem.formulation}, {problem.X.shape[1]} features",
                where="warm_start",
            )
        if self.trivial:
            return
        place = {p.tobytes(): i for i, p in enumerate(problem.patterns.T.copy())}
        theirs = (problem.X @ solution.gates > 0).T.copy()
        v, w = (np.zeros((len(place), problem.X.shape[1])) for _ in range(2))
        for i, pattern in enumerate(theirs):
            j = place.get(pattern.tobytes())
            if j is not None:
                v[j], w[j] = solution.v[i], solution.w[i]
        if solution.gates.shape != problem.gates.shape or not np.array_equal(
            solution.gates, problem.gates
        ):
            v, w = (into_cones(problem, u) for u in (v, w))
        blocks = v if problem.formulation == "gated" else np.vstack([v, w])
        residual = problem.y - self._fit(blocks)[0]
        scale = self.scale_x / self.scale_y
        self.engine().set_point(blocks * scale, residual / self.scale_y)

    def scaled_strength(self, lam: float) -> float:
        """Return a strength of the problem as one of the scaled problem."""
        return lam / self.scale_x / self.scale_y

    def scaled_point(self, solution: Solution) -> tuple[np.ndarray, np.ndarray]:
        """Return the blocks of a gated solution and its residual in the scaled problem."""
        residual = self.problem.y - self._fit(solution.v)[0]
        return solution.v * (self.scale_x / self.scale_y), residual / self.scale_y

    def solve(
        self,
        lam: float,
        tol: float,
        time_limit: float | None,
        backend: str,
        callback: Callback | None,
        *,
        started: float,
    ) -> Solution:
        """Solve for one strength."""
        problem = self.problem
        if self.trivial:
            return self.zero_solution(lam, started)
        if backend == "clarabel":
            if lam >= self.lambda_max():
                return self.zero_solution(lam, started)
            return solve_by_reference(problem, lam, tol, time_limit, started=started)
        if backend == "cuda":
            return solve_on_gpu(problem, lam, tol, time_limit, started=started)
        solution = self._by_newton(lam, tol, time_limit, callback, started)
        rows = problem.patterns.size * (2 if problem.formulation == "relu" else 1)
        if solution.status != "inaccurate" or backend == "newton" or rows > TINY or callback:
            return solution
        other = solve_by_reference(problem, lam, tol, time_limit, started=started)
        return other if other.gap < solution.gap and other.violation <= 1e-9 else solution

    def _by_newton(
        self,
        lam: float,
        tol: float,
        time_limit: float | None,
        callback: Callback | None,
        started: float,
    ) -> Solution:
        engine = self.engine()
        before = engine.counts, engine.work()
        deadline = None if time_limit is None else time.perf_counter() + time_limit
        answer = engine.solve(
            self.scaled_strength(lam),
            tol,
            deadline=deadline,
            callback=None if callback is None else self._in_full_scale(callback),
        )
        counts = {k: n - before[0][k] for k, n in engine.counts.items()}
        counts |= {k: n - before[1][k] for k, n in engine.work().items()}
        return self.solution_of(answer, lam, tol, started=started, counts=counts)

    def solution_of(
        self,
        answer: Answer,
        lam: float,
        tol: float,
        *,
        started: float,
        counts: dict[str, int],
        backend: str = "newton",
    ) -> Solution:
        """Value an answer to the scaled problem in full scale."""
        problem = self.problem
        blocks = answer.U * (self.scale_y / self.scale_x)
        count = problem.patterns.shape[1]
        v = blocks[:count]
        w = blocks[count:] if problem.formulation == "relu" else np.zeros_like(v)
        fit, violation = self._fit(blocks)
        residual = problem.y - fit
        objective = 0.5 * float(residual @ residual)
        objective += lam * float(row_norms(blocks).sum())
        dual = answer.dual * self.scale_y
        bound = float(problem.y @ dual - 0.5 * dual @ dual)
        gap = relative_gap(objective, bound, problem.y)
        status = answer.status
        if status == "optimal" and gap > tol:
            status = "inaccurate"  # the scaled problem reached it, the values in full do not
        return Solution(
            problem=problem,
            v=v,
            w=w,
            lam=lam,
            objective=objective,
            dual_objective=bound,
            gap=gap,
            kkt_residual=answer.kkt_residual,
            violation=violation,
            dual=dual,
            status=status,
            seconds=time.process_time() - started,
            backend=backend,
            counts=counts,
        )

    def with_evidence(self, solution: Solution) -> Solution:
        """Add the multipliers that prove a ReLU solution's dual vector feasible.

        The residual of the returned network is a second candidate; the better of the two stays.
        Multipliers come from one projection of all blocks for each, which moves the faces that a
        later solve of this session would start from.
        """
        if solution.formulation != "relu" or solution.backend != "newton":
            return solution
        problem, best = self.problem, solution
        scale = self.scale_x * self.scale_y
        residual = problem.y - self._fit(np.vstack([solution.v, solution.w]))[0]
        for dual in (solution.dual, residual):
            found = self.engine().blocks.evidence(dual / self.scale_y, solution.lam / scale)
            evidence = replace(found, rho=found.rho * scale)
            proof = certify(
                problem.X,
                problem.y,
                problem.gates,
                solution.lam,
                solution.v,
                solution.w,
                dual=dual,
                evidence=evidence,
            )
            if best.evidence is None:
                best = replace(solution, evidence=evidence)
            elif proof.dual_objective > best.dual_objective:
                shrunk = float(np.linalg.norm(proof.dual) / np.linalg.norm(dual))
                best = replace(
                    solution,
                    dual=proof.dual,
                    dual_objective=proof.dual_objective,
                    gap=relative_gap(solution.objective, proof.dual_objective, problem.y),
                    evidence=replace(evidence, rho=evidence.rho * shrunk),
                )
        return best

    def _fit(self, blocks: np.ndarray) -> tuple[np.ndarray, float]:
        """Outputs on the training rows, and the largest violation of a unit cone row.

        Those of the network itself, with real ReLUs where it has them; the violation is relative
        to the largest block.
        """
        problem = self.problem
        used = np.any(blocks, axis=1).nonzero()[0]
        if not used.size:
            return np.zeros_like(problem.y), 0.0
        blocks = blocks[used]
        count = problem.patterns.shape[1]
        if problem.formulation == "gated":
            return combine(problem.patterns.T[used], problem.X, blocks), 0.0
        values = blocks @ problem.X.T
        fit = np.where(used < count, 1.0, -1.0) @ np.maximum(values, 0.0)
        np.negative(values, out=values, where=problem.patterns.T[used % count])
        worst = float((values.max(axis=0) / self._lengths).max())
        return fit, max(0.0, worst) / float(row_norms(blocks).max())

    def zero_solution(self, lam: float, started: float) -> Solution:
        """Return the zero network, optimal from lambda_max on because y is dual feasible."""
        problem = self.problem
        zero = np.zeros((problem.patterns.shape[1], problem.X.shape[1]))
        energy = 0.5 * float(problem.y @ problem.y)
        return Solution(
            problem=problem,
            v=zero,
            w=zero.copy(),
            lam=lam,
            objective=energy,
            dual_objective=energy,
            gap=0.0,
            kkt_residual=0.0,
            violation=0.0,
            dual=problem.y.copy(),
            status="optimal",
            seconds=time.process_time() - started,
            backend="closed_form",
        )

    def _in_full_scale(self, callback: Callback) -> Callback:
        """Show a callback the values of the problem that was asked."""

        def scaled(numbers: dict[str, float]) -> bool | None:
            energy = self.scale_y**2
            values = {k: numbers[k] * energy for k in ("objective", "dual_objective")}
            return callback(numbers | values)

        return scaled
