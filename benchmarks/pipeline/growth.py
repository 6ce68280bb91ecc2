"""CPU time and memory of planning and of collecting, each in a fresh process."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.pipeline.project import make_project


def measure(sizes: list[int], batch: int) -> list[dict[str, float]]:
    """Plan and collect sweeps of several sizes.

    Parameters
    ----------
    sizes : list of int
        Numbers of runs, multiples of ten.
    batch : int
        Runs of one job.

    Returns
    -------
    list of dict
        One line for each size: CPU seconds and peak memory in MB of planning and collecting,
        MB of the plan and of the collected sweep.
    """
    lines = []
    for runs in sizes:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            make_project(root, runs, batch)
            planned = _child("plan", root)
            _child("fill", root)
            collected = _child("collect", root)
            lines.append({
                "runs": runs, "plan_s": planned["seconds"], "plan_MB": planned["memory"],
                "plan_file_MB": planned["size"], "collect_s": collected["seconds"],
                "collect_MB": collected["memory"], "sweep_file_MB": collected["size"],
            })  # fmt: skip
            print(json.dumps(lines[-1]), flush=True)
    return lines


def _child(what: str, root: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.pipeline.growth", what, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _plan(root: Path) -> Path:
    from relu_optima.plan.make import make_plan
    from relu_optima.plan.model import write_manifest
    from relu_optima.store.layout import plan_file

    path = plan_file(root / "results", "load")
    write_manifest(make_plan("load", [], root), path)
    return path


def _fill(root: Path) -> Path:
    """Compute ten runs; write the batch files of all runs with those ten runs' numbers.

    Collecting costs what it costs whatever the numbers are, and hours of solves are spared.
    """
    import pandas as pd

    from relu_optima.files import write_atomically
    from relu_optima.plan.columns import config_columns
    from relu_optima.plan.model import read_manifest
    from relu_optima.run.runner import Workshop
    from relu_optima.store.layout import batch_file, plan_file
    from relu_optima.store.parquet import parquet_bytes
    from relu_optima.store.records import Store

    results = root / "results"
    manifest = read_manifest(plan_file(results, "load"))
    shop = Workshop(manifest, Store(results / "store"))
    batches = manifest.batches_of("load")
    rows = [shop.record(e.run)[0].row for e in batches[0].entries[:10]]
    for batch in batches:
        lines: list[dict[str, Any]] = []
        for index, entry in enumerate(batch.entries):
            head = {
                "run_id": entry.run, "code_key": manifest.runs[entry.run].code_key,
                "sweep": "load", "stage": "convex", "status": "ok",
            }  # fmt: skip
            lines.append({**config_columns(manifest.runs, entry, {}), **head, **rows[index % 10]})
        seconds = {e.run: 0.001 for e in batch.entries}
        held = {"digest": batch.digest, "incomplete": 0, "origins": [], "seconds": seconds}
        path = batch_file(results, "load", batch.id)
        write_atomically(path, parquet_bytes(pd.DataFrame(lines), held))
    return batch_file(results, "load", batches[0].id)


def _collect(root: Path) -> Path:
    from relu_optima.plan.model import read_manifest
    from relu_optima.run.collect import collect_sweep
    from relu_optima.store.layout import plan_file

    results = root / "results"
    return collect_sweep(read_manifest(plan_file(results, "load")), "load", results)


if __name__ == "__main__":
    step = {"plan": _plan, "fill": _fill, "collect": _collect}[sys.argv[1]]
    written = step(Path(sys.argv[2]))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "seconds": time.process_time(),
        "memory": usage.ru_maxrss / 1e3,
        "size": written.stat().st_size / 1e6,
    }))  # fmt: skip
