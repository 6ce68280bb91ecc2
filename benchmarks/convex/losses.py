"""Other losses on problems (a) to (e): solve and certificate beside the squared loss.

``python -m benchmarks.convex.losses`` prints CPU seconds of one thread, the best of three, and on
what machine. Targets that are no labels are replaced by their signs for losses that ask for labels.
"""

from __future__ import annotations

import time

import numpy as np
from benchmarks.convex.problems import TITLES, data
from benchmarks.machine import describe_machine

from relu_optima.convex import Solution, lambda_max, sample_gates, solve
from relu_optima.convex.loss import LOSSES

SHARES = (0.1, 0.01)
REPEATS = 3


def measure(name: str, formulation: str, loss: str, share: float) -> tuple[float, float, Solution]:
    """Return CPU seconds of the solve and of its certificate, and the solution."""
    X, y, count = data(name, 0)
    y = y if loss in ("squared", "huber") else np.where(y > 0, 1.0, -1.0)
    gates = sample_gates(X, count, 0)
    lam = share * lambda_max(X, y, gates, formulation, loss=loss)
    times = []
    for _ in range(REPEATS):
        begin = time.process_time()
        solution = solve(X, y, gates, lam, formulation=formulation, loss=loss)
        solved = time.process_time()
        solution.certify()
        times.append((solved - begin, time.process_time() - solved))
    best = min(times)
    return *best, solution


def main() -> None:
    """Print the table."""
    print(describe_machine())
    print(f"{'problem':42} {'program':6} {'share':>5} {'loss':13} {'solve':>8} {'certify':>8}")
    for name, title in TITLES.items():
        for formulation in ("gated", "relu"):
            for share in SHARES:
                for loss in LOSSES:
                    solved, certified, s = measure(name, formulation, loss, share)
                    print(
                        f"{title:42} {formulation:6} {share:5g} {loss:13} {solved:8.3f} "
                        f"{certified:8.3f}  {s.status}, gap {s.gap:.1e}, "
                        f"{s.counts.get('newton', 0)} Newton steps",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
