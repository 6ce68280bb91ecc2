"""Compute runs of a plan through the store: what is there is taken, what is missing is computed."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from relu_optima.config.validate import reach, validate_group
from relu_optima.errors import (
    BudgetError,
    DegenerateError,
    ReluOptimaError,
    StaleCodeError,
    StoreError,
)
from relu_optima.files import FileState, file_state
from relu_optima.plan.code_key import key_of
from relu_optima.plan.environment import Environment
from relu_optima.plan.model import Entry, Manifest, PlannedRun
from relu_optima.run.provenance import code_state, machine
from relu_optima.run.supervisor import Watch
from relu_optima.stage import STAGES, Outcome, Record, Task
from relu_optima.store.records import Store

if TYPE_CHECKING:
    from relu_optima.config.base import Group

log = logging.getLogger(__name__)
NOT_CACHED = frozenset({"time_limit"})  # depends on the clock, so it is no result to keep
# A run that its own time limit should have ended may take twice as long, and this for compilers.
GRACE = 120.0


class Workshop:
    """Computes runs of a plan, through the store."""

    def __init__(
        self,
        manifest: Manifest,
        store: Store,
        watch: Watch | None = None,
        hard_limit: float = 14_400.0,
        root: Path = Path(),
    ) -> None:
        self.manifest = manifest
        self.store = store
        self.watch = watch or Watch()
        self.hard_limit = hard_limit
        self.root = root
        self._files: dict[str, dict[Path, FileState]] = {}
        self._recent: dict[str, Record] = {}
        self._unsettled: list[tuple[str, str]] = []
        self._settle_at = 0.0
        self._entries: dict[str, dict[str, Entry]] = {}

    def entry(self, sweep: str, run_id: str) -> Entry:
        """Find a run in a sweep."""
        if sweep not in self._entries:
            batches = self.manifest.batches_of(sweep)
            self._entries[sweep] = {e.run: e for b in batches for e in b.entries}
        return self._entries[sweep][run_id]

    def record(self, run_id: str, *, arrays: bool = True) -> tuple[Record, bool]:
        """Return a run's record, computed now if the store lacks it or it is damaged."""
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
        self._keep(record)
        return record, False

    def _keep(self, record: Record) -> None:
        """Save a record; bring records to the disk once in a while, as that may take long."""
        if record.status in NOT_CACHED:
            return
        self._check_files(record.run_id)
        self.store.save(record, settled=False)
        self._unsettled.append((record.run_id, record.code_key))
        if time.monotonic() >= self._settle_at:
            self.settle()

    def settle(self) -> None:
        """Have the disk hold all records saved so far."""
        start = time.monotonic()
        if self._unsettled:
            self.store.settle(self._unsettled)
            self._unsettled = []
        end = time.monotonic()
        self._settle_at = end + max(1.0, 10 * (end - start))

    def upstream(self, run: PlannedRun) -> dict[str, Record]:
        """Return the records a run builds on, recomputing what is missing."""
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
        """Compute a run."""
        if run.id in self.watch.lost:
            raise ReluOptimaError(
                self.watch.lost[run.id],
                where=f"run {run.id}",
                fix="make the run smaller, or give the job more memory; its log shows the crash",
            )
        if run.id in self.watch.late:
            late = Outcome({"message": "did not end in time"}, "time_limit")
            return self._record(run, late, 0.0)
        task = self._task(run)
        start = time.process_time()
        outcome = _without_computing(task)
        if outcome is None:
            try:
                with self.watch.hold([run.id], self._allowance(task)):
                    outcome = _entry_module(run.stage).run(task)
            except (DegenerateError, BudgetError) as error:
                outcome = Outcome({"message": " ".join(str(error).split())}, "refused")
        return self._record(run, outcome, time.process_time() - start)

    def compute_together(self, run_ids: Sequence[str]) -> dict[str, Record]:
        """Compute the missing ones among some runs side by side, and store them.

        Only for stages with ``run_batch(tasks) -> outcomes``, whose outcomes must not depend on
        which runs share a call. Their CPU seconds are shared out evenly.
        """
        if self.watch.apart:
            return {}
        avoid = {*self.watch.late, *self.watch.lost}
        runs = [self.manifest.runs[r] for r in dict.fromkeys(run_ids) if r not in avoid]
        missing = [r for r in runs if not self.store.has(r.id, r.code_key)]
        together = getattr(_entry_module(missing[0].stage), "run_batch", None) if missing else None
        if together is None or len(missing) < 2:
            return {}
        tasks = list(self._usable(missing))
        if len(tasks) < 2:
            return {}
        missing = [self.manifest.runs[task.run_id] for task in tasks]
        start = time.process_time()
        try:
            with self.watch.hold([r.id for r in missing], sum(map(self._allowance, tasks))):
                outcomes = together(tasks)
        except Exception as error:  # noqa: BLE001 - computed one by one, it shows whose fault it is
            log.warning("one by one instead of side by side, because of: %s", error)
            return {}
        seconds = (time.process_time() - start) / len(missing)
        out = {}
        for run, outcome in zip(missing, outcomes, strict=True):
            out[run.id] = self._record(run, outcome, seconds)
            self._keep(out[run.id])
        return out

    def _usable(self, runs: Sequence[PlannedRun]) -> Iterator[Task]:
        """Yield what is to be computed, without the runs that cannot even begin."""
        for run in runs:
            try:
                task = self._task(run)
            except (StaleCodeError, StoreError):
                raise  # concerns every run
            except ReluOptimaError as error:
                log.info("run %s is left out: %s", run.id, error)
                continue
            if _without_computing(task) is None:
                yield task

    def _task(self, run: PlannedRun) -> Task:
        groups = {g: validate_group(g, v) for g, v in run.groups.items()}
        self._check_key(run, groups)
        return Task(run.stage, run.id, groups, run.seed or 0, self.upstream(run), run.code_key)

    def _allowance(self, task: Task) -> float:
        """Return the seconds after which a run is taken for hung."""
        limits = [getattr(group, "time_limit", None) for group in task.groups.values()]
        own = max((limit for limit in limits if limit is not None), default=None)
        return self.hard_limit if own is None else min(self.hard_limit, 2 * own + GRACE)

    def _check_key(self, run: PlannedRun, groups: Mapping[str, Group]) -> None:
        """Refuse to compute with other code, files or libraries than those that were planned."""
        files: dict[Path, FileState] = {}

        def digest_of(path: Path) -> str:
            files[path] = file_state(path)
            return files[path].sha256

        found = [reach(group, model, digest_of) for group, model in groups.items()]
        key = key_of(run.stage, found, [self.manifest.runs[u] for u in run.upstream.values()])
        self._files[run.id] = files
        if key.code_key == run.code_key:
            return
        planned = Environment.from_json(self.manifest.environments[run.environment])
        changes = planned.changes(key.environment) if key.code == run.code else []
        what = f"the code or the files of stage {run.stage!r}"
        raise StaleCodeError(
            "; ".join(changes) + ": not as planned"
            if changes
            else f"{what} changed since planning",
            where=f"run {run.id}",
            fix="run the same command again: it plans anew and keeps what is still valid",
        )

    def _check_files(self, run_id: str) -> None:
        """Refuse a result whose files were written to since its key was found."""
        for path, state in self._files.pop(run_id, {}).items():
            if file_state(path) != state:
                raise StaleCodeError(
                    f"{path} was changed while it was read",
                    where=f"run {run_id}",
                    fix="run the same command again: it plans anew with what the file holds now",
                )

    def _record(self, run: PlannedRun, outcome: Outcome, seconds: float) -> Record:
        runs = self.manifest.runs
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
            origin={
                "code": run.code,
                "environment": self.manifest.environments[run.environment],
                "upstream": {stage: runs[u].code_key for stage, u in run.upstream.items()},
                "machine": machine(run.stage),
                "source": code_state(self.root),
            },
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
