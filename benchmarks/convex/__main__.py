"""Time the convex solver beside its peers: ``python -m benchmarks.convex``.

The peers need an environment of their own, see the two requirement files of this folder.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from benchmarks.convex.measure import LADDERS, PEERS, climb, independent_gap, run_worker
from benchmarks.convex.problems import data, problem, teacher
from benchmarks.convex.report import draw, summarise

SMALL_ONLY = {"clarabel", "ecos", "skglm"}  # do not finish an iteration at P = 500


def main() -> None:
    """Measure, then write lines.csv, table.md, growth.csv and the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", default="abcde")
    parser.add_argument("--formulations", nargs="+", default=["gated", "relu"])
    parser.add_argument("--ratios", nargs="+", type=float, default=[0.1, 0.01, 0.001])
    parser.add_argument("--peers", nargs="*", default=None, help="default: all that apply")
    parser.add_argument("--limit", type=float, default=300.0, help="CPU seconds of a run")
    parser.add_argument("--repeats", type=int, default=3, help="runs of ours; the median counts")
    parser.add_argument("--seed", type=int, default=0, help="of synthetic data and of the gates")
    parser.add_argument("--growth", action="store_true", help="also grow n, d and P")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/convex"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if not PEERS.exists() and options.peers != []:
        raise SystemExit(f"{PEERS} is missing: build it, or pass --peers with no name")
    lines: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.problems:
            X, y, count = data(name, options.seed)
            for ratio in options.ratios:
                p = problem(X, y, count, ratio, options.seed)
                file = Path(folder) / f"{name}-{ratio}.npz"
                np.savez(file, **p)
                for formulation in options.formulations:
                    cell = {"problem": name, "formulation": formulation, "ratio": ratio}
                    for line in measure_cell(p, file, name, formulation, options):
                        lines.append(cell | line)
                        print(_say(lines[-1]), flush=True)
                    frame = pd.DataFrame(lines)
                    frame.to_csv(options.out / "lines.csv", index=False)
        (options.out / "table.md").write_text(summarise(frame))
        draw(frame, options.out)
        if options.growth:
            pd.DataFrame(growth(Path(folder))).to_csv(options.out / "growth.csv", index=False)


def measure_cell(
    p: dict[str, np.ndarray],
    file: Path,
    name: str,
    formulation: str,
    options: argparse.Namespace,
) -> list[dict[str, Any]]:
    """Measure all solvers on one problem.

    Parameters
    ----------
    p : dict of str to array
        Problem.
    file : Path
        The same as a file.
    name, formulation : str
        Which cell.
    options : argparse.Namespace
        Command line.

    Returns
    -------
    list of dict
        One line for each finished run.
    """
    exact = run_worker("ours", file, formulation, 1e-9, options.limit)
    if isinstance(exact, str):
        raise SystemExit(f"our solver was {exact} on {name} {formulation}")
    bound = float(exact[0]["dual"])
    lines = []
    for solver in ("ours", "path"):
        for _ in range(options.repeats if solver == "ours" else 1):
            answer = run_worker(solver, file, formulation, 1e-6, options.limit)
            if isinstance(answer, str):
                continue
            numbers, point = answer
            line = {"solver": solver, "setting": 1e-6} | numbers
            line["gap"] = numbers["own_gap"]
            if solver == "ours" and not lines:
                line["independent_gap"] = independent_gap(p, formulation, point)
            lines.append(line)
    peers = LADDERS[formulation] if options.peers is None else options.peers
    for peer in peers:
        if peer in SMALL_ONLY and name != "a":
            continue
        steps = climb(peer, file, formulation, bound, options.limit)
        lines += [{"solver": peer} | step for step in steps]
    return lines


def growth(folder: Path) -> list[dict[str, Any]]:
    """Time ours while n, d or P doubles from 1000 x 20, P 500.

    Parameters
    ----------
    folder : Path
        Where problem files go.

    Returns
    -------
    list of dict
        One line for each size and program.
    """
    base = {"n": 1000, "d": 20, "P": 500}
    sizes = [dict(base)]
    for key, values in {"n": (500, 2000, 4000), "d": (10, 40, 80), "P": (250, 1000, 2000)}.items():
        sizes += [base | {key: value} for value in values]
    lines = []
    for size in sizes:
        X, y, count = teacher(size["n"], size["d"], size["P"], 0)
        file = folder / "growth.npz"
        np.savez(file, **problem(X, y, count, 0.1, 0))
        for formulation in ("gated", "relu"):
            answer = run_worker("ours", file, formulation, 1e-6, 600.0)
            if not isinstance(answer, str):
                lines.append(size | {"formulation": formulation} | answer[0])
                print(lines[-1], flush=True)
    return lines


def _say(line: dict[str, Any]) -> str:
    return (
        f"{line['problem']} {line['formulation']:<5} {line['ratio']:<6} {line['solver']:<9}"
        f"{line['setting']:<8g}{line['cpu_s']:>9.3f} s  gap {line['gap']:.1e}"
        f"  {line.get('ended', '')}"
    )


if __name__ == "__main__":
    main()
