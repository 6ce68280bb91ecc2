"""Time the gated program on a graphics card and on the processor beside it.

``python -m benchmarks.convex.gpu`` prints a Markdown table in some minutes. Both answers are
certified on the processor, whose time is part of each; patterns are made once and shared.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import torch
from benchmarks.convex.problems import teacher
from threadpoolctl import threadpool_limits

from relu_optima.convex import sample_gates
from relu_optima.convex.gpu import solve_on_gpu
from relu_optima.convex.problem import Problem, make_problem
from relu_optima.convex.products import row_norms
from relu_optima.convex.session import Session
from relu_optima.convex.solution import Solution
from relu_optima.run.provenance import machine


def main() -> None:
    """Print one line for each number of rows, strength and method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.01])
    parser.add_argument("--limit", type=float, default=100.0, help="seconds for the processor")
    parser.add_argument("--device", default="cuda")
    given = parser.parse_args()
    where = given.device
    if where == "cuda":
        where = torch.cuda.get_device_name()
        _warm_up()
    found = machine("convex")
    print(f"{where}; {found['processor']}, {found['cores']} cores; torch {torch.__version__}")
    print("| rows | strength | method | solve and certificate [s] | gap | status | active | work |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for n in given.rows:
        X, y, count = teacher(n, 20, 500, 0)
        problem = make_problem(X, y, sample_gates(X, count, 0), "gated")
        top = float(row_norms(problem.patterns.T @ (y[:, None] * X)).max())
        on_device = partial(_on_device, problem, given.device)
        here = partial(_here, problem, given.limit)
        for share in given.shares:
            for _ in range(2):
                _line(n, share * top, where, on_device)
            for threads in (1, None):
                with threadpool_limits(limits=threads):
                    name = "processor, one thread" if threads else "processor, all threads"
                    _line(n, share * top, name, here)


def _warm_up() -> None:
    """Start the device and load its libraries, which the first product pays for."""
    ones = torch.ones((64, 64), dtype=torch.float64, device="cuda")
    torch.linalg.cholesky_ex(ones @ ones + 1e4 * torch.eye(64, device="cuda", dtype=ones.dtype))
    torch.cuda.synchronize()


def _on_device(problem: Problem, device: str, lam: float) -> Solution:
    return solve_on_gpu(problem, lam, 1e-6, None, started=time.process_time(), device=device)


def _here(problem: Problem, limit: float, lam: float) -> Solution:
    session = Session(problem)
    solution = session.solve(lam, 1e-6, limit, "newton", None, started=time.process_time())
    solution.certify()
    return solution


def _line(n: int, lam: float, method: str, solve: Callable[[float], Solution]) -> None:
    began = time.perf_counter()
    solution = solve(lam)
    seconds = time.perf_counter() - began
    counts = ", ".join(f"{k} {v}" for k, v in solution.counts.items() if v)
    print(
        f"| {n} | {lam:.4g} | {method} | {seconds:.2f} | {solution.gap:.1e} | {solution.status} "
        f"| {solution.n_active} | {counts} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
