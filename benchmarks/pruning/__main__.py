"""Time exact pruning and least-squares continuation: ``python -m benchmarks.pruning``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from benchmarks.pruning import reference
from sklearn.datasets import load_breast_cancer
from threadpoolctl import threadpool_limits

from relu_optima.convex.gates import sample_gates
from relu_optima.convex.solver import lambda_max, solve
from relu_optima.optimal_set.description import describe
from relu_optima.pruning.approximate import continue_least_squares
from relu_optima.pruning.exact import reduce_exactly

T = TypeVar("T")


def main() -> None:
    """Print one line for each program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200, help="training rows")
    parser.add_argument("--gates", type=int, default=25, help="sampled gates")
    parser.add_argument("--repeats", type=int, default=5, help="seeds of the gates")
    arguments = parser.parse_args()
    X, y = load_breast_cancer(return_X_y=True)
    X, y = X[: arguments.rows], 2.0 * y[: arguments.rows] - 1
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    print("CPU seconds, one BLAS thread, median over seeds of the gates")
    print(
        f"{'program':<8}{'lam':>11}{'start':>7}{'exact':>7}{'ours [ms]':>11}"
        f"{'reference [s]':>15}{'ratio':>8}{'|dobj|/obj':>12}{'path diff':>11}"
    )
    for formulation in ("relu", "gated"):
        for strength in ("0.1 max", "0.01 max", "0.001 max", "0.01 n"):
            lines = [
                one(X, y, formulation, strength, arguments.gates, seed)
                for seed in range(arguments.repeats)
            ]
            start, exact, ours, slow, change, difference = np.median(lines, axis=0)
            print(
                f"{formulation:<8}{strength:>11}{start:>7.0f}{exact:>7.0f}{1e3 * ours:>11.2f}"
                f"{slow:>15.3f}{slow / ours:>8.0f}{change:>12.1e}{difference:>11.1e}"
            )


def one(
    X: np.ndarray, y: np.ndarray, formulation: str, strength: str, count: int, seed: int
) -> tuple[float, ...]:
    """Prune one program both ways.

    Parameters
    ----------
    X, y : array
        Training data.
    formulation : str
        ``relu`` or ``gated``.
    strength : str
        lam as a multiple of lambda_max or of n; ``0.01 n`` is the published strength.
    count : int
        Sampled gates.
    seed : int
        Their seed.

    Returns
    -------
    tuple of float
        Neurons at the start and after exact pruning, both times, relative change of the objective
        over the exact part, and the largest relative difference of the objectives of both paths.
    """
    gates = sample_gates(X, count, seed)
    factor, unit = strength.split()
    scale = lambda_max(X, y, gates, formulation) if unit == "max" else len(X)
    lam = float(factor) * scale
    optimal = describe(solve(X, y, gates, lam, formulation=formulation, tol=1e-8), X, y)
    columns = optimal.body.columns

    def ours() -> np.ndarray:
        exact = reduce_exactly(columns, optimal.start, "max")
        return np.concatenate([exact, continue_least_squares(columns, exact[-1])[1:]])

    path, seconds = timed(ours, 20)
    (slow_path, _), slow_seconds = timed(lambda: reference.prune(columns, optimal.start), 1)
    sizes = np.count_nonzero(path, axis=1)
    values = np.array([optimal.value(beta) for beta in path])
    slow_values = np.array([optimal.value(beta) for beta in slow_path])
    kept = np.abs(values / optimal.objective - 1) <= 1e-8
    shared = min(len(values), len(slow_values))
    difference = np.abs(values[:shared] / slow_values[:shared] - 1).max()
    change = np.abs(values[kept] / optimal.objective - 1).max()
    return sizes[0], sizes[kept].min(), seconds, slow_seconds, change, float(difference)


def timed(call: Callable[[], T], repeats: int) -> tuple[T, float]:
    """Return the value of a call and its mean CPU time."""
    start = time.process_time()
    for _ in range(repeats):
        value = call()
    return value, (time.process_time() - start) / repeats


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
