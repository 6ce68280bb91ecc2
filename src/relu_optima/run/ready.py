"""Open the plan of a study: plan anew or read it, compare it with what is there, estimate."""

from __future__ import annotations

import csv
import os
import statistics
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from relu_optima.plan.environment import Environment
from relu_optima.plan.model import Manifest, write_manifest
from relu_optima.run.reuse import take_from_others
from relu_optima.store.acceptance import earlier
from relu_optima.store.layout import plan_file
from relu_optima.store.plans import plan_now, read_plan
from relu_optima.store.records import Store
from relu_optima.store.sharing import register
from relu_optima.store.soundness import faults


def open_plan(study: object, *, plan: bool, write: bool = True, root: Path = Path()) -> Manifest:
    """Return the plan of a study, as the Snakefile needs it."""
    results = root / "results"
    if not plan:
        return read_plan(results, str(study))
    manifest = plan_now(study, root)
    if write:
        save_plan(manifest, results)
        make_ready(manifest, results)
    return manifest


def save_plan(manifest: Manifest, results: Path) -> None:
    """Write a plan where jobs read it; hold the study's lock, so that none is reading."""
    register(results)
    write_manifest(manifest, plan_file(results, manifest.study))


def make_ready(manifest: Manifest, results: Path) -> int:
    """Leave Snakemake nothing that would mislead it, and nothing to do that was done before.

    Snakemake alone would not notice a file of another plan or a damaged one if its own metadata
    were lost, so they are removed; finished runs stay in the store. What other studies made and
    this one makes too is taken from them. A file from the future (the clock was set back) would
    stop every job that builds on it; its digest says that it is current, so it may have the
    present time.
    """
    _remove_faults(manifest, results)
    taken = take_from_others(manifest, results)
    if taken:
        _remove_faults(manifest, results)  # a copy is a file like any other
    now = time.time()
    for path in (results / manifest.study).rglob("*"):
        if path.is_file() and path.stat().st_mtime > now:
            os.utime(path, (now, now))
    return taken


def _remove_faults(manifest: Manifest, results: Path) -> None:
    for fault in faults(manifest, results):
        for path in fault.files:
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Ahead:
    """What is ahead of one sweep.

    Attributes
    ----------
    sweep, stage : str
        The sweep and its stage.
    runs, batches : int
        How many there are in all.
    reasons : Counter
        How many runs would be computed, by reason; ``finished`` ones would not.
    seconds : float
        Estimated compute time of the runs ahead.
    measured : bool
        True if the estimate rests on recorded times, False if on the sweep file's guess.
    changes : Counter
        How many runs would be computed because of other libraries or settings, by what changed.
    """

    sweep: str
    stage: str
    runs: int
    batches: int
    reasons: Counter[str]
    seconds: float
    measured: bool
    changes: Counter[str]


def look_ahead(manifest: Manifest, results: Path) -> list[Ahead]:
    """Say for each sweep how many runs are ahead, why, and for how long."""
    store = Store(results / "store")
    out = []
    for name, info in manifest.sweeps.items():
        reasons: Counter[str] = Counter()
        changes: Counter[str] = Counter()
        batches = manifest.batches_of(name)
        for batch in batches:
            for entry in batch.entries:
                run = manifest.runs[entry.run]
                if store.has(run.id, run.code_key):
                    reasons["finished"] += 1
                elif not (store.root / run.id).is_dir():
                    reasons["new"] += 1
                elif (other := next(earlier(store, run.id, run.code), None)) is not None:
                    reasons["environment changed"] += 1
                    planned = Environment.from_json(manifest.environments[run.environment])
                    changes.update(other.environment.changes(planned))
                else:
                    reasons["code changed"] += 1
        count = sum(reasons.values())
        typical = _typical_seconds(results, name)
        each = info.seconds_per_run if typical is None else typical
        ahead = count - reasons["finished"]
        out.append(
            Ahead(
                name, info.stage, count, len(batches), reasons, ahead * each,
                typical is not None, changes,
            )
        )  # fmt: skip
    return out


def _typical_seconds(results: Path, sweep: str) -> float | None:
    """Return the mean recorded time of a sweep's runs in any study (a median hides a long tail)."""
    seconds: list[float] = []
    for path in sorted(results.glob(f"*/timings/{sweep}.csv")):
        try:
            with path.open(encoding="utf-8", newline="") as stream:
                seconds += [float(row["cpu_seconds"]) for row in csv.DictReader(stream)]
        except (OSError, KeyError, ValueError, TypeError):
            continue  # a damaged timing only weakens the estimate
    return statistics.fmean(seconds) if seconds else None
