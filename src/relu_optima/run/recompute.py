"""One run of a study again, from scratch, beside what the store holds of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relu_optima.config.validate import did_you_mean
from relu_optima.errors import ReluOptimaError
from relu_optima.run.report.compare import difference
from relu_optima.run.runner import Workshop
from relu_optima.stage import Record
from relu_optima.store.locks import worker_lock
from relu_optima.store.plans import plan_now
from relu_optima.store.records import Store


@dataclass(frozen=True)
class Recomputed:
    """A run that was computed again.

    Attributes
    ----------
    record : Record
        What came out now; it is not stored.
    stored : Record or None
        What the store holds of the run, for the same code and libraries; None if nothing.
    changed : dict of str to float
        Results and series that differ, by how much relatively (NaN for what is no number).
    """

    record: Record
    stored: Record | None
    changed: dict[str, float]


def recompute(study: str, run_id: str, root: Path) -> Recomputed:
    """Compute one run of a study again; the store keeps what it has.

    What the run builds on is taken from the store, and computed where it is missing.
    """
    manifest = plan_now(study, root)
    if run_id not in manifest.runs:
        raise ReluOptimaError(
            f"the study has no run {run_id!r}",
            allowed=did_you_mean(run_id, manifest.runs),
            where=f"study {study}",
            fix="results/STUDY/explore.html and the column run_id of its sweeps list all of them",
        )
    run = manifest.runs[run_id]
    results = root / "results"
    shop = Workshop(manifest, Store(results / "store"), root=root)
    with worker_lock(results):
        record = shop.compute(run)
        shop.settle()
    if not shop.store.has(run.id, run.code_key):
        return Recomputed(record, None, {})
    stored = shop.store.load(run.id, run.code_key, arrays=False)
    return Recomputed(record, stored, _changed(record, stored))


def _changed(now: Record, then: Record) -> dict[str, float]:
    """Compare status, results and series."""
    pairs: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = [
        ({"status": now.status}, {"status": then.status}),
        (now.row, then.row),
        (now.series, then.series),
    ]
    found: dict[str, float] = {}
    for new, old in pairs:
        for name in {**old, **new}:
            both = name in new and name in old
            found[name] = difference(new[name], old[name]) if both else math.nan
    return {name: size for name, size in found.items() if size != 0}
