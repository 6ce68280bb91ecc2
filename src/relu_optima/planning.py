"""Open the plan of a study: plan anew or read it, compare it with what is there, estimate."""

from __future__ import annotations

import csv
import os
import statistics
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from relu_optima.collect import sweep_file
from relu_optima.environment import Environment
from relu_optima.manifest import Manifest, read_manifest, write_manifest
from relu_optima.parquet import DIGEST, checked_metadata
from relu_optima.plan import make_plan, split_study_name
from relu_optima.products import product_files, why_stale
from relu_optima.reuse import earlier
from relu_optima.store import Store
from relu_optima.worker import batch_file


def plan_file(results: Path, study: str) -> Path:
    """Return where a study's plan lies.

    Parameters
    ----------
    results : Path
        ``results``.
    study : str
        Name of the study.

    Returns
    -------
    Path
        ``results/<study>/plan.json``.
    """
    return results / study / "plan.json"


def open_plan(study: str, *, plan: bool, root: Path = Path()) -> Manifest:
    """Return the plan of a study, as the Snakefile needs it.

    Parameters
    ----------
    study : str
        Name of the study; ``x-<8 hex>`` takes its overrides from its earlier plan.
    plan : bool
        Plan anew (Snakemake's main process) or only read (its jobs).
    root : Path, optional
        Project folder.

    Returns
    -------
    Manifest
        The plan, written to ``plan.json`` if its content changed.
    """
    base, overridden = split_study_name(study)
    path = plan_file(root / "results", study)
    if not plan:
        return read_manifest(path)
    overrides = read_manifest(path).overrides if overridden else []
    manifest = make_plan(base, overrides, root)
    write_manifest(manifest, path)
    return manifest


def stale_files(manifest: Manifest, results: Path) -> list[Path]:
    """List files that are there but belong to another plan, are damaged or incomplete.

    Snakemake alone would not notice if its own metadata were lost, so they are removed before
    it starts; finished runs stay in the store.

    Parameters
    ----------
    manifest : Manifest
        The plan.
    results : Path
        ``results``.

    Returns
    -------
    list of Path
        Batch files, collected sweeps, figures and tables.
    """
    study = manifest.study
    out = []
    gone = set()
    for batch in manifest.batches.values():
        path = batch_file(results, study, batch.id)
        held = checked_metadata(path)
        if held is None or held["digest"] != batch.digest or held["incomplete"]:
            gone.add(batch.sweep)
            if path.exists():
                out.append(path)
    sound: dict[str, str | None] = {}
    for sweep in manifest.sweeps:
        path = sweep_file(results, study, sweep)
        held = checked_metadata(path)
        good = held is not None and held["digest"] == manifest.sweep_digest(sweep)
        sound[sweep] = held[DIGEST] if held and good and sweep not in gone else None
        if sound[sweep] is None and path.exists():
            out.append(path)
    for kind, products in (("figure", manifest.figures), ("table", manifest.tables)):
        for product in products.values():
            if why_stale(results, study, kind, product, sound) is not None:
                files = product_files(results, study, kind, product.name)
                out += [p for p in files if p.exists()]
    return out


def make_ready(manifest: Manifest, results: Path) -> None:
    """Leave Snakemake nothing that would mislead it: no stale file and none from the future.

    A file from the future (the clock was set back) would stop every job that builds on it, and
    nothing made now would be newer than it. Its digest says whether it is current, so it may have
    the present time.

    Parameters
    ----------
    manifest : Manifest
        The plan.
    results : Path
        ``results``.
    """
    for stale in stale_files(manifest, results):
        stale.unlink(missing_ok=True)
    now = time.time()
    for path in (results / manifest.study).rglob("*"):
        if path.is_file() and path.stat().st_mtime > now:
            os.utime(path, (now, now))


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
    """Say for each sweep how many runs are ahead, why, and for how long.

    Parameters
    ----------
    manifest : Manifest
        The plan.
    results : Path
        ``results``.

    Returns
    -------
    list of Ahead
        One for each sweep, in the plan's order.
    """
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
