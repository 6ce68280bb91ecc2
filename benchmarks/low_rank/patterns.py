"""Time programs over all patterns in rank two and three, beside peers that solve the same ones.

``python -m benchmarks.low_rank.patterns``. Ours is the method that is chosen for the data. Peers
run in the same process: Clarabel (through cvxpy) on the cones of all patterns, and the product's
own solver on all patterns, listed. Every line is certified by a listing of the cells that shares
no code with the pricing, within its budget.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from relu_optima.convex import certify_network, enumerate_patterns, price, solve, solve_all
from relu_optima.convex.problem import make_problem
from relu_optima.convex.reference import solve_reference

T = TypeVar("T")
TOL = 1e-6
LADDER = {2: [320, 1_000, 2_000, 10_000, 100_000], 3: [20, 50, 100, 300, 1_000]}
LISTED = {2: 2_000, 3: 100}  # rows up to which all patterns are listed
INTERIOR = {2: 320, 3: 20}  # rows up to which Clarabel is asked
CERTIFIED = {2: 100_000, 3: 1_000}


def main() -> None:
    """Print one line for each program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rank", type=int, nargs="+", default=[2, 3], choices=[2, 3])
    parser.add_argument("--rows", type=int, nargs="+", default=None, help="instead of the ladder")
    parser.add_argument("--ratios", type=float, nargs="+", default=[0.1, 0.01])
    parser.add_argument("--repeats", type=int, default=3, help="runs of ours, the fastest counts")
    parser.add_argument("--interior", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    print("CPU seconds, one BLAS thread; peak memory of the process so far")
    print(
        f"{'rank':>4}{'rows':>8}{'lam/max':>9}{'ours':>9}{'gap':>9}{'proved':>9}{'rounds':>8}"
        f"{'patterns':>10}{'neurons':>9}{'listed':>9}{'ratio':>7}{'Clarabel':>10}{'ratio':>7}"
        f"{'MB':>7}"
    )
    with threadpool_limits(1):
        for method in ("price", "enumerate"):  # compile
            for rank in (2, 3):
                solve_all(*data(30, rank), 1.0, method=method)
        for rank in arguments.rank:
            for rows in arguments.rows or LADDER[rank]:
                for ratio in arguments.ratios:
                    print(line(rank, rows, ratio, arguments.repeats, interior=arguments.interior))


def data(rows: int, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw Gaussian features with a bias column, and a noisy sine of the first."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, rank))
    X[:, -1] = 1.0
    return X, np.sin(2 * X[:, 0]) + 0.3 * rng.standard_normal(rows)


def line(rank: int, rows: int, ratio: float, repeats: int, *, interior: bool) -> str:
    """Solve one program every way that is within reach, and describe it in one line."""
    X, y = data(rows, rank)
    lam = ratio * price(X, y).value
    runs = [clock(lambda: solve_all(X, y, lam, tol=TOL)) for _ in range(repeats)]
    seconds, found = min(runs, key=lambda run: run[0])
    proved = np.nan
    if rows <= CERTIFIED[rank]:
        proved = certify_network(X, y, lam, found.network, dual=found.dual).gap
    listed = asked = np.nan
    if rows <= LISTED[rank]:
        listed, other = clock(lambda: solve(X, y, enumerate_patterns(X), lam, tol=TOL))
        check(other.objective, found.objective)
    if interior and rows <= INTERIOR[rank]:
        problem = make_problem(X, y, enumerate_patterns(X), "relu")
        asked, answer = clock(lambda: solve_reference(problem, lam, tol=TOL))
        check(np.inf if answer is None else answer.value, found.objective)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"{rank:>4}{rows:>8}{ratio:>9}{seconds:>9.3f}{found.gap:>9.1e}{proved:>9.1e}"
        f"{len(found.bounds) or '-':>8}{found.counts['patterns']:>10}{found.network.n_neurons:>9}"
        f"{listed:>9.3f}{listed / seconds:>7.1f}{asked:>10.2f}{asked / seconds:>7.0f}{memory:>7.0f}"
    )


def clock(call: Callable[[], T]) -> tuple[float, T]:
    """Return the CPU seconds of a call and its answer."""
    start = time.process_time()
    answer = call()
    return time.process_time() - start, answer


def check(theirs: float, ours: float) -> None:
    """Say so where a peer's value is not ours, to the accuracy that both were asked for."""
    if not abs(theirs - ours) <= 10 * TOL * abs(ours):
        print(f"     a peer ends at {theirs:.10g}, ours at {ours:.10g}")


if __name__ == "__main__":
    main()
