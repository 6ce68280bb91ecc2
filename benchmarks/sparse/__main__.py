"""Time sparse programs, also beside Clarabel on all cones: ``python -m benchmarks.sparse``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes
from tests.convex.sparse.cones import optimum
from threadpoolctl import threadpool_limits

from relu_optima.convex import solve_sparse
from relu_optima.convex.shallow import ShallowSolution

REPEATS = 3  # of ours and of Clarabel alike
T = TypeVar("T")


def main() -> None:
    """Print one line for each program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-rows", type=int, default=160, help="most rows for Clarabel")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    solve_sparse(rng.standard_normal((20, 4)), rng.standard_normal(20), "pairs", 0.1)
    print("CPU seconds, one BLAS thread, best of three")
    print(f"{'data':<24}{'lam/max':>8}{'pairs':>7}{'s':>9}{'gap':>10}{'neurons':>9}")
    for name, X, y in (*real(), planted(2_000), planted(10_000)):
        for share in (0.3, 0.1, 0.03, 0.01):
            seconds, solution = timed(X, y, share, 1e-6)
            count = solution.network.n_neurons
            print(
                f"{name:<24}{share:>8}{len(solution.supports or ()):>7}{seconds:>9.3f}"
                f"{solution.gap:>10.1e}{count:>9}"
            )
    print(f"\n{'rows, 6 pairs':<24}{'ours s':>9}{'Clarabel s':>12}{'ratio':>8}{'difference':>12}")
    for n in (40, 80, 160, 320):
        if n > arguments.peer_rows:
            break
        X, y = rng.standard_normal((n, 4)), rng.standard_normal(n)
        seconds, solution = timed(X, y, 0.1, 1e-8)
        supports, lam = solution.supports, solution.lam
        other, value = fastest(partial(optimum, X, y, supports, lam, 1e-8))
        print(
            f"{n:<24}{seconds:>9.3f}{other:>12.2f}{other / seconds:>8.0f}"
            f"{solution.objective / value - 1:>12.1e}"
        )


def real() -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Standardised data with a column of ones."""
    found = []
    for name, load in (
        ("diabetes + bias", load_diabetes),
        ("breast cancer + bias", load_breast_cancer),
    ):
        X, y = load(return_X_y=True)
        X = np.column_stack([(X - X.mean(axis=0)) / X.std(axis=0), np.ones(len(X))])
        found.append((name, X, (y - y.mean()) / y.std() if len(set(y)) > 2 else 2.0 * y - 1))
    return found


def planted(n: int) -> tuple[str, np.ndarray, np.ndarray]:
    """Draw 20 inputs and a teacher of eight neurons that read two each, with noise."""
    rng = np.random.default_rng(n)
    X, y = rng.standard_normal((n, 20)), 0.5 * rng.standard_normal(n)
    for _ in range(8):
        pair = rng.choice(20, 2, replace=False)
        y += rng.choice([-1.0, 1.0]) * np.maximum(X[:, pair] @ rng.standard_normal(2), 0.0)
    return f"planted {n}", X, y


def timed(X: np.ndarray, y: np.ndarray, share: float, tol: float) -> tuple[float, ShallowSolution]:
    """Solve over all pairs, certificate included."""
    return fastest(partial(solve_sparse, X, y, "pairs", share, lam_scale="max", tol=tol))


def fastest(solve: Callable[[], T]) -> tuple[float, T]:
    """Return the best CPU time of a few repeats, and the answer."""
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        answer = solve()
        seconds.append(time.process_time() - start)
    return min(seconds), answer


if __name__ == "__main__":
    with threadpool_limits(limits=1):
        main()
