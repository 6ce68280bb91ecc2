"""Time the closed form beside torch's L-BFGS on whitened images: ``python -m benchmarks.deep``.

Data: three CIFAR-10 classes of 400 images, whitened, where RELU_OPTIMA_DATA is set; otherwise
random orthonormal rows of that shape. Both answer one question: the least objective of a network of
L layers with hidden width 6; torch is stopped when it is within `WITHIN` of the closed form or
stands still, and credited with its faster start that got there. CPU seconds, one thread.
"""

from __future__ import annotations

import itertools
import os
import time

import numpy as np
import torch

from relu_optima.config.validate import validate_group
from relu_optima.convex import deep_value, solve_deep
from relu_optima.datasets.stage import run
from relu_optima.stage import Task

CASES = ((2, 2.0), (3, 0.5), (4, 0.05))
WIDTH, STARTS, WITHIN = 6, 2, 1e-6
ITERATIONS = 400


def data() -> tuple[np.ndarray, np.ndarray, str]:
    """Return rows, one-hot targets and what they are."""
    if "RELU_OPTIMA_DATA" in os.environ:
        values = {
            "loader": "cifar_classes", "classes": [0, 2, 8], "per_class": 400,
            "whiten": "zca_rows", "data_dir": os.environ["RELU_OPTIMA_DATA"],
        }  # fmt: skip
        name = "CIFAR-10 subset"
    else:
        values = {"loader": "whitened_classes", "class_sizes": [400] * 3, "d": 3072}
        name = "random rows"
    group = validate_group("dataset", values)
    arrays = run(Task("dataset", "bench", {"dataset": group}, 0, {})).arrays
    return arrays["X_train"], arrays["y_train"], name


def train(X: np.ndarray, Y: np.ndarray, depth: int, lam: float, seed: int, goal: float) -> float:
    """Train by torch.optim.LBFGS until within `WITHIN` of the goal; return the best value."""
    torch.manual_seed(seed)
    A, B = torch.as_tensor(X), torch.as_tensor(Y)
    widths = [X.shape[1], *[WIDTH] * (depth - 1), Y.shape[1]]
    weights = [
        # rows have length 1: a first layer of unit variance gives hidden units of unit variance
        torch.nn.Parameter(
            torch.randn(b, a, dtype=torch.float64) * (1.0 if k == 0 else (2 / a) ** 0.5)
        )
        for k, (a, b) in enumerate(itertools.pairwise(widths))
    ]
    optimiser = torch.optim.LBFGS(
        weights, max_iter=1, max_eval=1000, history_size=20, line_search_fn="strong_wolfe",
        tolerance_grad=0.0, tolerance_change=0.0,
    )  # fmt: skip

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        H = A
        for k, W in enumerate(weights):
            H = H @ W.T
            H = H if k == depth - 1 else torch.relu(H)
        value = 0.5 * (H - B).square().sum() + 0.5 * lam * sum(W.square().sum() for W in weights)
        value.backward()
        return value

    best = before = np.inf
    for k in range(ITERATIONS):
        best = min(best, float(optimiser.step(closure).detach()))
        if best <= goal * (1 + WITHIN):
            break
        if k % 25 == 24:  # a start that has lost a class stands still above
            if before - best <= 1e-9 * best:
                break
            before = best
    return best


def main() -> None:
    """Print one line for each depth."""
    torch.set_num_threads(1)
    X, Y, name = data()
    sizes = [int(v) for v in Y.sum(axis=0)]
    print(f"{name}, {X.shape[0]} x {X.shape[1]}, classes of {sizes}")
    deep_value(2, 1.0, class_sizes=[1])  # imports
    print("| layers | λ | value | closed form, s | with network on the data, s | torch, s |"
          " torch above it | ratio |")  # fmt: skip
    print("| --- " * 8 + "|")
    for depth, lam in CASES:
        laps = 20
        start = time.process_time()
        for _ in range(laps):
            value = deep_value(depth, lam, class_sizes=sizes)
        ours = (time.process_time() - start) / laps
        start = time.process_time()
        solve_deep(X, Y, lam, depth, width=WIDTH)
        built = time.process_time() - start
        rows = []
        for seed in range(STARTS):
            start = time.process_time()
            reached = train(X, Y, depth, lam, seed, value.objective)
            rows.append((reached > value.objective * (1 + WITHIN), time.process_time() - start,
                         reached))  # fmt: skip
        missed, seconds, reached = min(rows)
        cells = [depth, lam, f"{value.objective:.9f}", f"{ours:.2g}", f"{built:.2g}"]
        cells += [f"{seconds:.3g}", f"{reached / value.objective - 1:.1e}"]
        print(
            "| "
            + " | ".join(map(str, [*cells, "not reached" if missed else f"{seconds / ours:.0f}"]))
            + " |",
            flush=True,
        )


if __name__ == "__main__":
    main()
