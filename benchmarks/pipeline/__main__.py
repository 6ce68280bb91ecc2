"""Run a large sweep of tiny solves through to its table: ``python -m benchmarks.pipeline``."""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.pipeline.growth import measure
from benchmarks.pipeline.project import make_project


def main() -> None:
    """Print the overhead of a run, then the growth of planning and collecting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="of the sweep, a multiple of 10")
    parser.add_argument("--batch", type=int, default=500, help="runs of one job")
    parser.add_argument("--cores", type=int, default=2, help="jobs at a time")
    parser.add_argument(
        "--growth", type=int, nargs="*", default=[100, 1_000, 10_000, 100_000],
        help="sizes for planning and collecting",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help="folder for growth.csv, growth.pdf, growth.png")
    arguments = parser.parse_args()
    if arguments.runs:
        sweep(arguments.runs, arguments.batch, arguments.cores)
    if arguments.growth:
        lines = measure(arguments.growth, arguments.batch)
        if arguments.out is not None:
            draw(lines, arguments.out)


def sweep(runs: int, batch: int, cores: int) -> None:
    """Run the sweep end to end and print what the pipeline added to the solves.

    Parameters
    ----------
    runs : int
        How many.
    batch : int
        Runs of one job.
    cores : int
        Jobs at a time.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_project(root, runs, batch)
        before, started = _children_seconds(), time.monotonic()
        command = [sys.executable, "-m", "relu_optima", "study", "load", "--no-report"]
        subprocess.run([*command, "--cores", str(cores)], cwd=root, check=True)
        wall, cpu = time.monotonic() - started, _children_seconds() - before
        with (root / "results/load/timings/load.csv").open(encoding="utf-8", newline="") as stream:
            compute = sum(float(line["cpu_seconds"]) for line in csv.DictReader(stream))
        rows = (root / "results/load/tables/load.csv").read_text(encoding="utf-8").count("\n") - 1
        if rows != runs:
            raise RuntimeError(f"the table has {rows} rows, not {runs}")
        again = time.monotonic()
        subprocess.run([*command, "--cores", str(cores)], cwd=root, check=True)
        again = time.monotonic() - again
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    load = os.getloadavg()[0]
    print(f"{runs} runs in batches of {batch} on {cores} cores, load average {load:.1f}")
    print(f"  wall {wall:.1f} s, CPU {cpu:.1f} s, of which solves {compute:.1f} s")
    print(f"  overhead of a run: {1e3 * (cpu - compute) / runs:.2f} ms of CPU,")
    print(f"  {1e3 * (cores * wall - compute) / runs:.2f} ms of wall x cores beyond the solves")
    print(f"  largest process {peak:.0f} MB; a second call with nothing to do {again:.1f} s wall")


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def draw(lines: list[dict[str, float]], folder: Path) -> None:
    """Draw growth of planning and collecting, and write the numbers beside.

    Parameters
    ----------
    lines : list of dict
        From `benchmarks.pipeline.growth.measure`.
    folder : Path
        Where the files go.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "growth.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    figure, axes = plt.subplots(1, 2, figsize=(6.5, 2.6), layout="constrained")
    runs = [line["runs"] for line in lines]
    for axis, unit, label in ((axes[0], "s", "CPU time [s]"), (axes[1], "MB", "peak memory [MB]")):
        for mark, what in (("o", "plan"), ("s", "collect")):
            axis.loglog(runs, [line[f"{what}_{unit}"] for line in lines], marker=mark, label=what)
        axis.set_xlabel("runs")
        axis.set_ylabel(label)
    axes[0].legend(frameon=False)
    for suffix in ("pdf", "png"):
        figure.savefig(folder / f"growth.{suffix}", dpi=200)


if __name__ == "__main__":
    main()
