"""Time the convex solver beside its peers: ``python -m benchmarks.convex``.

The peers need an environment of their own, which ``make bench-convex`` builds. Every run is a file
under ``--out``; a second call takes up where the first was cut.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.convex.growth import grow
from benchmarks.convex.journal import Journal, Line
from benchmarks.convex.measure import LADDERS, PEERS, Worker, independent_gap, judge, loosest
from benchmarks.convex.problems import data, problem
from benchmarks.convex.report import write

SMALL_ONLY = {"clarabel", "ecos", "skglm"}  # do not finish an iteration at P = 500
TOL = 1e-6
GOALS = (1e-3, TOL)  # a peer's loosest setting is searched for each
PATIENCE = 20.0  # CPU seconds that any peer gets, however fast ours was
QUICK = 10.0  # CPU seconds up to which a peer's run that reached a gap is repeated as ours are


def main() -> None:
    """Measure what is not on file, then write the tables and figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", default="abcde")
    parser.add_argument("--formulations", nargs="+", default=["gated", "relu"])
    parser.add_argument("--ratios", nargs="+", type=float, default=[0.1, 0.01, 0.001])
    parser.add_argument("--peers", nargs="*", default=None, help="default: all that apply")
    parser.add_argument("--limit", type=float, default=300.0, help="CPU seconds of a run")
    parser.add_argument(
        "--patience", type=float, default=60.0, help="a peer's limit in multiples of our time"
    )
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, whose fastest counts")
    parser.add_argument("--seed", type=int, default=17, help="of synthetic data and of the gates")
    parser.add_argument(
        "--growth", action=argparse.BooleanOptionalAction, default=True, help="also grow n, d, P"
    )
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/convex"))
    options = parser.parse_args()
    if not PEERS.exists() and options.peers != []:
        raise SystemExit(f"{PEERS} is missing: make bench-convex builds it; or pass --peers alone")
    journal = Journal(options.out / "runs")
    for name in options.problems:
        for ratio in options.ratios:
            for formulation in options.formulations:
                cell = {"problem": name, "formulation": formulation, "ratio": ratio}
                measure_cell(cell | {"seed": options.seed}, journal, options)
    if options.growth:
        grow(Journal(options.out / "growth"), options.seed)
    write(options.out)


def measure_cell(cell: Line, journal: Journal, options: argparse.Namespace) -> None:
    """Measure all solvers on one problem.

    Parameters
    ----------
    cell : dict
        Problem, formulation, ratio, seed.
    journal : Journal
        Where runs are kept.
    options : argparse.Namespace
        Command line.

    Raises
    ------
    SystemExit
        If our solver did not finish, which no table may hide.
    """
    formulation = cell["formulation"]
    X, y, count = data(cell["problem"], cell["seed"])
    p = problem(X, y, count, cell["ratio"], cell["seed"])
    file = journal.folder / f"{cell['problem']}-{cell['ratio']}-{cell['seed']}-{os.getpid()}.npz"
    np.savez(file, **p)

    workers = {
        solver: Worker(solver, file, formulation)
        for solver in ("ours", "path", *LADDERS[formulation])
    }

    def once(solver: str, setting: float, run: int, limit: float, bound: float | None) -> Line:
        def measure() -> Line:
            numbers, point = workers[solver].run(setting, limit)
            if not point:
                return numbers
            if bound is not None:
                return numbers | judge(p, formulation, point["v"], point["w"], bound)
            if solver == "ours" and setting == TOL and run == 0:
                numbers["independent_gap"] = independent_gap(p, formulation, point)
            return numbers | {"gap": numbers["own_gap"]}

        key: dict[str, Any] = {"solver": solver, "setting": setting, "run": run}
        return journal.line(cell | key, limit, measure)

    own = [once("ours", TOL, run, options.limit, None) for run in range(options.repeats)]
    exact = once("ours", 1e-9, 0, options.limit, None)
    paths = [once("path", TOL, run, 3 * options.limit, None) for run in range(options.repeats)]
    for line in (exact, *own, *paths):
        if "ended" in line:
            raise SystemExit(f"our solver did not finish: {line}")
    limit = min(
        options.limit,
        max(PATIENCE, options.patience * float(np.median([line["cpu_s"] for line in own]))),
    )
    for peer in LADDERS[formulation] if options.peers is None else options.peers:
        if peer in SMALL_ONLY and cell["problem"] != "a":
            continue

        def timed(setting: float, run: int = 0, peer: str = peer) -> Line:
            return once(peer, setting, run, limit, exact["dual"])

        def gap(setting: float, timed: Callable[..., Line] = timed) -> float:
            return float(timed(setting).get("gap", np.nan))

        for goal in GOALS:
            setting = loosest(LADDERS[formulation][peer], gap, goal)
            if setting is not None and timed(setting)["cpu_s"] <= QUICK:
                for run in range(1, options.repeats):
                    timed(setting, run)
    # the machine may have been slower before the peers ran than with them
    for run in range(options.repeats, 2 * options.repeats):
        once("ours", TOL, run, options.limit, None)
        once("path", TOL, run, 3 * options.limit, None)
    for worker in workers.values():
        worker.close()
    file.unlink()


if __name__ == "__main__":
    main()
