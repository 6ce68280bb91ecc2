"""Take from other studies what they made and this one makes too, before any job starts."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from relu_optima.plan.model import Manifest
from relu_optima.store.layout import batch_file, mark_file, product_files, sweep_file, timings_file
from relu_optima.store.soundness import Finding, State, inspect

Findings = dict[tuple[str, str], Finding]


def take_from_others(plan: Manifest, results: Path) -> int:
    """Copy what is missing here and sound there; copies, since a link shares every accident."""
    here = _findings(plan, results, plan.study)
    taken = 0
    for folder in sorted(results.glob("*/batches")):
        if all(f.state is not State.MISSING for f in here.values()):
            break
        other = folder.parent.name
        if other != plan.study:
            there = _findings(plan, results, other)
            for found in _same(plan, here, there):
                _copy(results, other, plan.study, found)
                here[found.kind, found.name] = found
                taken += 1
    if taken:
        _same_time(plan, results)
    return taken


def _findings(plan: Manifest, results: Path, study: str) -> Findings:
    return {(f.kind, f.name): f for f in inspect(plan, results, study)}


def _same(plan: Manifest, here: Findings, there: Findings) -> Iterator[Finding]:
    """Yield what can be taken: sound there, and made from the very files that lie here."""
    parts = {sweep: [b.id for b in plan.batches_of(sweep)] for sweep in plan.sweeps}
    for key, found in there.items():
        if here[key].state is not State.MISSING or found.state is not State.SOUND:
            continue
        sources: list[tuple[str, str]] = []
        if found.kind == "sweep":
            sources = [("batch", name) for name in parts[found.name]]
        elif found.kind != "batch":
            sources = [("sweep", name) for name in found.sweeps]
        if all(here[s].digest == there[s].digest for s in sources):
            yield found


def _copy(results: Path, source: str, target: str, found: Finding) -> None:
    pairs = zip(_files(results, source, found), _files(results, target, found), strict=True)
    for old, new in pairs:
        new.parent.mkdir(parents=True, exist_ok=True)
        if old.exists():  # only timings may be gone
            shutil.copyfile(old, new)


def _files(results: Path, study: str, found: Finding) -> list[Path]:
    """List where a study has something, and what belongs to it."""
    place = (results, study, found.name)
    if found.kind == "batch":
        return [batch_file(*place)]
    if found.kind == "sweep":
        return [sweep_file(*place), timings_file(*place)]
    product = (results, study, found.kind, found.name)
    return [*product_files(*product), mark_file(*product)]


def _same_time(plan: Manifest, results: Path) -> None:
    """Give all sound files of a study one time: none is newer than what was made from it."""
    now = time.time()
    for found in inspect(plan, results):
        if found.state is State.SOUND:
            for path in found.files:
                os.utime(path, (now, now))
