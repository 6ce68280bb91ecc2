"""How time and memory of our solver grow with n, d and P."""

from __future__ import annotations

import numpy as np
from benchmarks.convex.journal import Journal, Line
from benchmarks.convex.measure import Worker
from benchmarks.convex.problems import problem, teacher

BASE = {"n": 1000, "d": 20, "P": 500}
VALUES = {"n": (500, 2000, 4000), "d": (10, 40, 80), "P": (250, 1000, 2000)}
MANY = {"n": (10_000, 100_000, 1_000_000)}  # one solve each
RATIO = 0.1  # of lambda_max of the gated program
LIMIT = 300.0  # CPU seconds


def grow(journal: Journal, seed: int) -> None:
    """Time single solves and 20-point paths while n, d or P doubles from 1000 x 20, P 500.

    Of many rows a single solve only.

    Parameters
    ----------
    journal : Journal
        Where runs are kept.
    seed : int
        Seed of data and gates.
    """
    sizes = [dict(BASE)]
    for values in (VALUES, MANY):
        sizes += [BASE | {key: value} for key in values for value in values[key]]
    for size in sizes:
        file = journal.folder / "problem.npz"
        X, y, count = teacher(size["n"], size["d"], size["P"], seed)
        np.savez(file, **problem(X, y, count, RATIO, seed))
        for formulation in ("gated", "relu"):
            for solver in ("ours",) if size["n"] in MANY["n"] else ("ours", "path"):
                worker = Worker(solver, file, formulation)
                key: Line = {**size, "formulation": formulation, "seed": seed, "solver": solver}
                line = journal.line(key, LIMIT, lambda w=worker: w.run(1e-6, LIMIT)[0])
                worker.close()
                if "ended" in line:
                    raise SystemExit(f"our solver did not finish: {line}")
        file.unlink()
