"""The best of all masks whose neurons read as many inputs, to set the optimum of a mask beside."""

from __future__ import annotations

import time
from itertools import combinations
from math import comb

import numpy as np

from relu_optima.convex.shallow import ShallowSolution
from relu_optima.convex.sparse.by_output import ByOutput, Options
from relu_optima.convex.sparse.loose import over_all_patterns
from relu_optima.convex.sparse.solve import SparseProgram
from relu_optima.stage import Scalar

SWEPT = 20_000  # most supports of two or three inputs, one output
LISTED = 500  # most supports otherwise: each has its own patterns


def against_best(
    solution: ShallowSolution,
    options: Options,
    tol: float,
    time_limit: float | None,
    *,
    biased: bool,
    slots: int | None,
) -> dict[str, Scalar]:
    """How far the supports' optimum is from that of all supports of their size.

    Nothing, where there are too many of these. With biases each has the column of ones.
    """
    X, Y, lam = solution.X, solution.Y, solution.lam
    size = max(len(s) for s in solution.supports or ((),))
    d, K = X.shape[1] - biased, Y.shape[1]
    most = SWEPT if size <= 3 and K == 1 else LISTED
    if size < 2 or comb(d, size - biased) > most:
        return {}
    started = time.process_time()
    ones = (d,) if biased else ()
    every = [(*chosen, *ones) for chosen in combinations(range(d), size - biased)]
    every = [s for s in every if X[:, s].any()]
    gates = solution.network.U.T  # the patterns of the optimum found take part
    program: SparseProgram | ByOutput
    if K == 1:
        program = SparseProgram(
            X, Y[:, 0], every, gates=gates, budget=options.budget, count=options.count,
            seed=options.seed,
        )  # fmt: skip
    else:
        first = np.zeros((len(every), X.shape[1]), dtype=np.int64)
        for reads, support in zip(first, every, strict=True):
            reads[list(support)] = 1
        program = ByOutput(X, Y, first, np.ones((K, len(every)), dtype=bool), options, gates)
    best = program.solve(lam, tol, time_limit, started=started)
    bound = best.dual_objective
    if not best.exact:
        bound = over_all_patterns(program, best, tol, time_limit)[0]
    row: dict[str, Scalar] = {
        "best_objective": best.objective,
        "best_dual_objective": bound,
        "best_neurons": best.network.n_neurons,
        "mask_excess": solution.objective / max(best.objective, 1e-300) - 1.0,
        "mask_gap": solution.objective / max(bound, 1e-300) - 1.0,
    }
    if slots is not None and K == 1:
        row["best_fits"] = best.network.n_neurons <= slots
    return row
