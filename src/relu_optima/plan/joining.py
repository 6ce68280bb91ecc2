"""The runs that a sweep builds on: selected by ``where``, united and joined."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from relu_optima.config.problems import Problems
from relu_optima.config.validate import did_you_mean
from relu_optima.plan.model import Entry, PlannedRun
from relu_optima.plan.overrides import CommandLine
from relu_optima.plan.schema import SweepConfig
from relu_optima.stage import STAGES


@dataclass
class SweepRuns:
    """The runs of one sweep, in order and by run id, and the seeds that each of them hands on."""

    name: str
    stage: str
    entries: list[Entry] = field(default_factory=list)
    by_run: dict[str, Entry] = field(default_factory=dict)
    seeds: dict[str, frozenset[int]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Append a run."""
        self.entries.append(entry)
        self.by_run[entry.run] = entry


@dataclass(frozen=True)
class Upstream:
    """One combination of upstream runs: by stage (all of them) and by sweep (named ones)."""

    stages: dict[str, str]
    sweeps: dict[str, str]
    seeds: frozenset[int]  # that something in it was drawn from


class Joiner:
    """Joins upstream runs for one sweep after the other."""

    def __init__(
        self,
        runs: Mapping[str, PlannedRun],
        sweeps: Mapping[str, SweepRuns],
        line: CommandLine,
        problems: Problems,
        columns: Callable[[str, Entry], dict[str, Any]],
    ) -> None:
        self.runs = runs
        self.sweeps = sweeps
        self.line = line
        self.problems = problems
        self.columns = columns

    def join(
        self, name: str, sweep: SweepConfig, where: str, *, broken: bool
    ) -> list[Upstream] | None:
        """Join the runs of all sweeps in ``on``: union within a stage, join across stages.

        That there is no run is a mistake of its own only if all of them are as they should be.
        """
        stage = STAGES[sweep.stage]
        lost = self.line.left_out
        before = self.problems.reports
        whys: list[str] = []
        by_stage: dict[str, list[Upstream]] = {}
        for up in sweep.on:
            if up in lost:
                by_stage.setdefault(lost[up], [])
                whys.append(f"it builds on {up}")
                continue
            upstream = self.sweeps[up]
            combos = by_stage.setdefault(upstream.stage, [])
            for entry in self._selected(name, sweep, up, where, whys):
                run = self.runs[entry.run]
                stages = {**run.upstream, upstream.stage: run.id}
                combos.append(Upstream(stages, {up: run.id}, upstream.seeds[run.id]))
        self._check_where(sweep, where)
        joined: list[Upstream] = []
        for parts in itertools.product(*by_stage.values()):
            stages = {}
            sweeps: dict[str, str] = {}
            agree = True
            for part in parts:
                agree &= all(stages.get(k, v) == v for k, v in part.stages.items())
                stages.update(part.stages)
                sweeps.update(part.sweeps)
            if agree:
                seeds = frozenset(s for p in parts for s in p.seeds)
                joined.append(Upstream(stages, sweeps, seeds))
        if broken or self.problems.reports > before:
            return [u for u in joined if all(n in u.stages for n in stage.needs if n != "dataset")]
        if whys and not joined:
            self.line.leave_out(name, sweep.stage, "; ".join(whys))
            return None
        for need in stage.needs:
            if need != "dataset" and not any(need in u.stages for u in joined):
                self.problems.append(
                    f"{where}: on: stage {sweep.stage!r} builds on runs of stage {need!r}; "
                    + (
                        "no upstream run is selected"
                        if sweep.on
                        else f"name a sweep of stage {need!r}"
                    )
                )
                return []
        if not joined:
            self.problems.append(f"{where}: on, where: no combination of upstream runs is left")
        self.line.notices.extend(f"sweep {name} goes on without some runs: {w}" for w in whys)
        return joined

    def _selected(
        self, name: str, sweep: SweepConfig, up: str, where: str, whys: list[str]
    ) -> list[Entry]:
        """Return the runs of an upstream sweep that ``where`` keeps; note why none is left."""
        entries = self.sweeps[up].entries
        wanted = {
            k.removeprefix(f"{up}."): v for k, v in sweep.where.items() if k.startswith(f"{up}.")
        }
        if not wanted:
            return entries
        rows = [self.columns(up, entry) for entry in entries]
        for key in wanted:
            lacking = next((r for r in rows if key not in r), None)
            if lacking is not None and self.line.texts(up):
                whys.append(f"{up}: with what the command line set it has no column {key}")
                return []
            if lacking is not None:
                self.problems.append(
                    f"{where}: where: {up}.{key}: no such column; {did_you_mean(key, lacking)}"
                )
                return []

        def is_set(column: str) -> bool:
            return self.line.sets(up, column)

        conditions, why = self.line.narrow(wanted, rows, is_set, f"sweep {name}: {up}:")
        kept = [
            entry
            for entry, row in zip(entries, rows, strict=True)
            if all(row[k] in (v if isinstance(v, list) else [v]) for k, v in conditions.items())
        ]
        if not kept and not why and any(map(is_set, wanted)):
            why = f"{up} has no run with all of {', '.join(wanted)} as it selects them"
        if why:
            whys.append(f"{up}: {why}")
        return kept

    def _check_where(self, sweep: SweepConfig, where: str) -> None:
        for key in sweep.where:
            if key.split(".")[0] not in sweep.on:
                self.problems.append(
                    f"{where}: where: {key}: must start with an upstream sweep's name and a dot; "
                    + did_you_mean(key, [f"{n}." for n in sweep.on])
                )
