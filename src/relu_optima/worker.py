"""What a job does: compute the missing runs of one batch and write the batch's Parquet file."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from relu_optima.code_key import file_digest, run_code_key
from relu_optima.columns import config_columns
from relu_optima.config.identity import digest
from relu_optima.config.validate import plugin_module, source_files, validate_group
from relu_optima.errors import (
    BudgetError,
    DegenerateError,
    ReluOptimaError,
    StaleCodeError,
    StoreError,
)
from relu_optima.manifest import Batch, Entry, Manifest, PlannedRun, write_atomically
from relu_optima.parquet import parquet_bytes
from relu_optima.provenance import code_state, environment
from relu_optima.stage import STAGES, Outcome, Record, Task
from relu_optima.store import Store

log = logging.getLogger(__name__)
NOT_CACHED = frozenset({"time_limit"})  # depends on the clock, so it is no result to keep


class Workshop:
    """Computes runs of a plan, through the store.

    Parameters
    ----------
    manifest : Manifest
        The plan.
    store : Store
        Where finished runs lie.
    """

    def __init__(self, manifest: Manifest, store: Store) -> None:
        self.manifest = manifest
        self.store = store
        self._recent: dict[str, Record] = {}
        self._entries: dict[str, dict[str, Entry]] = {}

    def entry(self, sweep: str, run_id: str) -> Entry:
        """Find a run in a sweep.

        Parameters
        ----------
        sweep, run_id : str
            Which run of which sweep.

        Returns
        -------
        Entry
            The run as that sweep sees it.
        """
        if sweep not in self._entries:
            batches = self.manifest.batches_of(sweep)
            self._entries[sweep] = {e.run: e for b in batches for e in b.entries}
        return self._entries[sweep][run_id]

    def record(self, run_id: str, *, arrays: bool = True) -> tuple[Record, bool]:
        """Return a run's record, computed now if the store lacks it or it is damaged.

        Parameters
        ----------
        run_id : str
            Run of the plan.
        arrays : bool, default True
            Read the arrays too.

        Returns
        -------
        record : Record
            The finished run.
        cached : bool
            True if it came from the store.
        """
        if run_id in self._recent:
            return self._recent[run_id], True
        run = self.manifest.runs[run_id]
        if self.store.has(run_id, run.code_key):
            try:
                return self.store.load(run_id, run.code_key, arrays=arrays), True
            except StoreError as error:
                log.warning("%s", error)
                self.store.discard(run_id, run.code_key)
        record = self.compute(run)
        if record.status not in NOT_CACHED:
            self.store.save(record)
        return record, False

    def upstream(self, run: PlannedRun) -> dict[str, Record]:
        """Return the records a run builds on, recomputing what is missing.

        Parameters
        ----------
        run : PlannedRun
            The run.

        Returns
        -------
        dict of str to Record
            Records by stage.
        """
        out = {}
        for stage, run_id in run.upstream.items():
            record, cached = self.record(run_id)
            if not cached:
                log.warning("upstream %s run %s was missing and is computed here", stage, run_id)
            # data sets and solutions serve many runs in a row; keep the last few in memory
            self._recent[run_id] = record
            while len(self._recent) > 8:
                self._recent.pop(next(iter(self._recent)))
            out[stage] = record
        return out

    def compute(self, run: PlannedRun) -> Record:
        """Compute a run.

        Parameters
        ----------
        run : PlannedRun
            The run.

        Returns
        -------
        Record
            Its record; a refusal (degenerate point, exceeded budget) is a record too.

        Raises
        ------
        StaleCodeError
            If the source changed since planning.
        ReluOptimaError
            If the run's input cannot be used.
        """
        task = self._task(run)
        start = time.process_time()
        outcome = _without_computing(task)
        if outcome is None:
            try:
                outcome = _entry_module(run.stage).run(task)
            except (DegenerateError, BudgetError) as error:
                outcome = Outcome({"message": " ".join(str(error).split())}, "refused")
        return _record(run, outcome, time.process_time() - start)

    def compute_together(self, run_ids: Sequence[str]) -> dict[str, Record]:
        """Compute the missing ones among some runs side by side, and store them.

        Only for stages with ``run_batch(tasks) -> outcomes``, whose outcomes must not depend on
        which runs share a call. Their CPU seconds are shared out evenly.

        Parameters
        ----------
        run_ids : sequence of str
            Runs of one stage.

        Returns
        -------
        dict of str to Record
            Records by run id; empty if there is nothing to do side by side. Where one run's
            input cannot be used, none is computed here, so that `record` can tell which.

        Raises
        ------
        StaleCodeError
            If the source changed since planning.
        """
        runs = [self.manifest.runs[r] for r in dict.fromkeys(run_ids)]
        missing = [r for r in runs if not self.store.has(r.id, r.code_key)]
        together = getattr(_entry_module(missing[0].stage), "run_batch", None) if missing else None
        if together is None or len(missing) < 2:
            return {}
        tasks = [self._task(run) for run in missing]
        if any(_without_computing(task) for task in tasks):
            return {}
        start = time.process_time()
        try:
            outcomes = together(tasks)
        except ReluOptimaError as error:
            log.warning("one by one instead of side by side, because of: %s", error)
            return {}
        seconds = (time.process_time() - start) / len(missing)
        out = {}
        for run, outcome in zip(missing, outcomes, strict=True):
            out[run.id] = _record(run, outcome, seconds)
            if out[run.id].status not in NOT_CACHED:
                self.store.save(out[run.id])
        return out

    def _task(self, run: PlannedRun) -> Task:
        self._check_code(run)
        upstream = self.upstream(run)
        groups = {g: validate_group(g, v) for g, v in run.groups.items()}
        return Task(run.stage, run.id, groups, run.seed or 0, upstream)

    def _check_code(self, run: PlannedRun) -> None:
        modules = [m for g, v in run.groups.items() if (m := plugin_module(g, v))]
        files = []
        for group, values in run.groups.items():
            model = validate_group(group, values)
            files += [file_digest(p.resolve()) for p in source_files(group, model)]
        keys = [self.manifest.runs[u].code_key for u in run.upstream.values()]
        if run_code_key(run.stage, modules, files, keys) != run.code_key:
            raise StaleCodeError(
                f"the code or the files of stage {run.stage!r} changed since planning",
                where=f"run {run.id}",
                fix="run the same command again: it plans anew and keeps what is still valid",
            )


def _entry_module(stage: str) -> ModuleType:
    return importlib.import_module(f"{STAGES[stage].package}.stage")


def _without_computing(task: Task) -> Outcome | None:
    """Return the outcome of a run whose upstream has no result; None if it has one."""
    for upstream in task.upstream.values():
        if upstream.status in NOT_CACHED:
            # what is built on half a result would depend on the clock too
            return Outcome({"message": f"upstream {upstream.stage} run: time limit"}, "time_limit")
        if upstream.status == "refused":
            why = upstream.row.get("message")
            return Outcome({"message": f"upstream {upstream.stage} run refused: {why}"}, "refused")
    return None


def _record(run: PlannedRun, outcome: Outcome, seconds: float) -> Record:
    return Record(
        run_id=run.id,
        code_key=run.code_key,
        stage=run.stage,
        config={"seed": run.seed, "groups": run.scientific, "upstream": run.upstream},
        status=outcome.status,
        row=outcome.row,
        series=outcome.series,
        arrays=outcome.arrays,
        documents=outcome.documents,
        seconds=seconds,
    )


def work(manifest: Manifest, batch_id: str, results: Path, root: Path) -> Path:
    """Compute a batch and write its Parquet file.

    Parameters
    ----------
    manifest : Manifest
        The plan.
    batch_id : str
        ``<sweep>/<number>``.
    results : Path
        ``results``; the store is in it.
    root : Path
        Project folder, for provenance.

    Returns
    -------
    Path
        The Parquet file.

    Raises
    ------
    ReluOptimaError
        After all other runs of the batch are done, if some run's input cannot be used.
    """
    batch = manifest.batches.get(batch_id)
    if batch is None:
        raise StoreError(f"the plan has no batch {batch_id!r}", where=manifest.study)
    shop = Workshop(manifest, Store(results / "store"))
    progress = results / manifest.study / "timings" / "progress.log"
    progress.parent.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    seconds: dict[str, float] = {}
    failures: list[str] = []
    fresh = shop.compute_together([entry.run for entry in batch.entries])
    for entry in batch.entries:
        try:
            record, cached = (
                (fresh[entry.run], False)
                if entry.run in fresh
                else shop.record(entry.run, arrays=False)
            )
        except StaleCodeError:
            raise
        except StoreError:
            raise
        except ReluOptimaError as error:
            failures.append(f"run {entry.run} of sweep {batch.sweep}: {error}")
            continue
        rows.append(_row(shop, batch.sweep, entry, record))
        seconds[entry.run] = record.seconds
        with progress.open("a", encoding="utf-8") as stream:
            stream.write(f"{batch.sweep}\t{entry.run}\t{int(cached)}\t{record.seconds:.4f}\n")
        log.info("%s %s %s", batch.sweep, entry.run, "cached" if cached else record.status)
    if failures:
        raise ReluOptimaError(
            "\n".join(failures), fix="correct the config; finished runs are kept in the store"
        )
    target = batch_file(results, manifest.study, batch_id)
    write_atomically(target, _parquet(manifest, batch, rows, seconds, root))
    return target


def batch_file(results: Path, study: str, batch_id: str) -> Path:
    """Return where a batch's Parquet file lies.

    Parameters
    ----------
    results : Path
        ``results``.
    study, batch_id : str
        Which batch.

    Returns
    -------
    Path
        ``results/<study>/batches/<sweep>/<number>.parquet``.
    """
    return results / study / "batches" / f"{batch_id}.parquet"


def _row(shop: Workshop, sweep: str, entry: Entry, record: Record) -> dict[str, Any]:
    """Flatten one record: identity, status, config columns, upstream columns, results, series."""
    upstream = {name: _columns(shop, name, run) for name, run in entry.on.items()}
    config = config_columns(shop.manifest.runs, entry, upstream)
    head = {
        "run_id": record.run_id,
        "code_key": record.code_key,
        "sweep": sweep,
        "stage": record.stage,
        "status": record.status,
    }
    series = {f"series.{k}": np.asarray(v).tolist() for k, v in record.series.items()}
    return {**config, **head, **record.row, **series}


def _columns(shop: Workshop, sweep: str, run_id: str) -> Mapping[str, Any]:
    """Return configuration and results of an upstream run, without its own identity columns."""
    entry = shop.entry(sweep, run_id)
    record, _ = shop.record(run_id, arrays=False)
    upstream = {name: _columns(shop, name, run) for name, run in entry.on.items()}
    config = config_columns(shop.manifest.runs, entry, upstream)
    return {**config, "run_id": run_id, "status": record.status, **record.row}


def _parquet(
    manifest: Manifest,
    batch: Batch,
    rows: list[dict[str, Any]],
    seconds: dict[str, float],
    root: Path,
) -> bytes:
    import pandas as pd

    incomplete = sum(row["status"] in NOT_CACHED for row in rows)
    metadata = {
        "study": manifest.study,
        "batch": batch.id,
        "digest": batch.digest,
        "incomplete": incomplete,
        "configs": {e.run: manifest.runs[e.run].scientific for e in batch.entries},
        "run_ids_digest": digest(sorted(e.run for e in batch.entries)),
        "source": code_state(root),
        "environment": environment(),
        "seconds": seconds,
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    return parquet_bytes(pd.DataFrame(rows), metadata)
