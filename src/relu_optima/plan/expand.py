"""One sweep file → its runs: axes, upstream joins, validation, run ids and code keys."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relu_optima.config.compose import presets, study_defaults
from relu_optima.config.groups import CheckedGroup, GroupChecker
from relu_optima.config.places import find, shown
from relu_optima.config.problems import Problems
from relu_optima.config.validate import did_you_mean
from relu_optima.plan.columns import SweepColumns, config_columns
from relu_optima.plan.joining import Joiner, SweepRuns, Upstream
from relu_optima.plan.model import Entry, PlannedRun
from relu_optima.plan.overrides import COMMAND_LINE, CommandLine, Override
from relu_optima.plan.run_book import Keep, RunBook
from relu_optima.plan.schema import SweepConfig
from relu_optima.plan.settings import MAX_RUNS, SettingsReader
from relu_optima.stage import STAGES

DATASETS = "datasets"  # the sweep of all data sets, made by the planner itself


@dataclass(frozen=True)
class _Made:
    """A run of a sweep: the presets it chose, and the seeds that it hands on."""

    run: PlannedRun
    choices: dict[str, str]
    seeds: frozenset[int]
    drawn: bool  # from its own seed


class Expander:
    """Expands sweeps one after the other, upstream sweeps first."""

    def __init__(
        self,
        conf: Path,
        problems: Problems,
        overrides: list[Override],
        by_study: Mapping[str, Mapping[str, Any]] | None = None,
        by_study_at: str = "",
        kept: Keep | None = None,
    ) -> None:
        self.conf = conf
        self.problems = problems
        self.line = CommandLine(overrides)
        self.defaults, self.values = study_defaults(conf)
        first = self.values.get("seed", 0)
        self._reader = SettingsReader(conf, problems, self.line, by_study or {}, by_study_at, first)
        self._book = RunBook(problems, kept)
        self.runs = self._book.runs
        self.environments = self._book.environments
        self.accepted = self._book.accepted
        self.sweeps: dict[str, SweepRuns] = {}
        self.broken: set[str] = set()  # sweeps that lack runs because of a mistake
        self.datasets = SweepRuns(DATASETS, "dataset")
        self._joiner = Joiner(self.runs, self.sweeps, self.line, problems, self.columns)
        self._checker = GroupChecker(conf, problems)
        self._preset_names: dict[str, tuple[str, ...]] = {}
        self._column_cache: dict[tuple[str, str], dict[str, Any]] = {}

    # --- one sweep ---------------------------------------------------------------------------

    def expand(self, name: str, sweep: SweepConfig, where: str) -> None:
        """Expand a sweep, which stands at a place, and keep its runs."""
        self._checker.own[name] = where
        before = self.problems.reports
        if any(n not in self.sweeps and n not in self.line.left_out for n in sweep.on):
            return  # its own mistakes are already listed
        self.line.builds_on(name, sweep.on)
        broken = bool(self.broken.intersection(sweep.on))
        upstream = self._joiner.join(name, sweep, where, broken=broken)
        if upstream is None:
            return  # the command line left it out
        runs = self.sweeps[name] = SweepRuns(name, sweep.stage)
        own, taken = self._groups(sweep)
        axes, fixed, origin = self._reader.read(name, sweep, where, own, taken)
        if len(upstream) * len(axes) > MAX_RUNS:
            size = len(upstream) * len(axes)
            self.problems.append(f"{where}: it makes {size} runs; at most {MAX_RUNS}")
        if self.problems.reports > before:
            self.broken.add(name)
            return
        if not upstream:  # there is a mistake further up; its own values may be wrong too
            for point in axes:
                self._checked(name, {**fixed, **point}, frozenset(), own, origin, where)
        seen: dict[str, tuple[Upstream, dict[str, Any]]] = {}
        drawn = False
        for combination, point in itertools.product(upstream, axes):
            made = self._run(name, sweep.stage, {**fixed, **point}, own, combination, origin, where)
            if made is None:
                continue
            drawn |= made.drawn
            if made.run.id in seen:
                place, other = seen[made.run.id]
                if place is combination and _differ_in_seed(point, other):
                    continue  # it draws nothing: every seed makes this one run
                self.problems.append(f"{where}: {point} and {other} are the same run; remove one")
                break
            seen[made.run.id] = combination, point
            runs.add(Entry(made.run.id, made.choices, combination.sweeps))
            runs.seeds[made.run.id] = made.seeds
        if broken or self.problems.reports > before:
            self.broken.add(name)
        else:
            self._check_seed(name, runs, drawn, len({p.get("seed") for p in axes}), origin)

    def _check_seed(
        self, name: str, runs: SweepRuns, drawn: bool, count: int, origin: Mapping[str, str]
    ) -> None:
        """Refuse a seed from which no run of a sweep draws; count the one on the command line."""
        asked = [o for o in self.line.overrides if o.key == "seed" and o.sweep in (None, name)]
        if drawn:
            for override in asked:
                override.used |= self.line.has_read(name, override)
            return
        named = any(o.sweep == name for o in asked)
        if "seed" not in origin or not (named or count > 1):
            return
        groups = self.runs[runs.entries[0].run].groups if runs.entries else {}
        own = [f"{g}.seed" for g, values in groups.items() if "seed" in values]
        text = f"{origin['seed']}: seed: no run of sweep {name!r} draws from it" + (
            f"; it has {', '.join(own)}" if own else "; remove it"
        )
        if named or not self.line.texts(name):
            self.problems.append(text)
        elif origin["seed"] != COMMAND_LINE:
            self.line.notices.append(f"{text}: every seed makes the same runs, planned once")

    def _groups(self, sweep: SweepConfig) -> tuple[list[str], set[str]]:
        """Return the groups that a sweep sets, and those that the sweeps below it have set."""
        taken: set[str] = set()
        for name in sweep.on:
            if name not in self.sweeps:
                continue  # left out
            stage = self.sweeps[name].stage
            taken |= set(STAGES[stage].groups)
            for entry in self.sweeps[name].entries[:1]:
                for upstream in self.runs[entry.run].upstream:
                    taken |= set(STAGES[upstream].groups)
        # a stage's own group is its own, also where a run of the same stage lies further up
        taken.discard(sweep.stage)
        return [g for g in STAGES[sweep.stage].groups if g not in taken], taken

    def _presets(self, group: str) -> tuple[str, ...]:
        if group not in self._preset_names:
            self._preset_names[group] = presets(self.conf, group)
        return self._preset_names[group]

    # --- one run -----------------------------------------------------------------------------

    def _checked(
        self,
        sweep: str,
        settings: dict[str, Any],
        seeds: frozenset[int],
        own: list[str],
        origin: Mapping[str, str],
        where: str,
    ) -> tuple[int, dict[str, str], dict[str, CheckedGroup]] | None:
        """Return seed, presets and validated groups of a run; None where a mistake was noted.

        A sweep that states no seed follows the runs it builds on.
        """
        seed = settings.get("seed", min(seeds, default=self.values.get("seed", 0)))
        if type(seed) is not int or not 0 <= seed < 2**32:
            self.problems.append(
                f"{origin.get('seed', where)}: seed: must be a whole number from 0 to 2**32 - 1, "
                f"got {seed!r} ({type(seed).__name__})"
            )
            return None
        choices = self._choices(sweep, settings, own, origin)
        raw = {
            group: {
                k.partition(".")[2]: v for k, v in settings.items() if k.startswith(f"{group}.")
            }
            for group in choices
        }
        checked = self._checker.check(choices, raw, seed, origin, sweep)
        good = {g: c for g, c in checked.items() if c is not None}
        return None if len(good) < len(own) else (seed, choices, good)

    def _run(
        self,
        sweep: str,
        stage: str,
        settings: dict[str, Any],
        own: list[str],
        upstream: Upstream,
        origin: Mapping[str, str],
        where: str,
    ) -> _Made | None:
        checked = self._checked(sweep, settings, upstream.seeds, own, origin, where)
        if checked is None:
            return None
        seed, choices, groups = checked
        draws = groups[stage].draws and stage != "dataset"  # whose seed is in its group
        drawn = draws or any(c.seeded for c in groups.values())
        if drawn and "seed" not in settings and len(upstream.seeds) > 1:
            self.problems.append(
                f"{where}: seed: the runs it builds on have different seeds "
                f"({', '.join(map(str, sorted(upstream.seeds)))}); state one, or join by seed"
            )
            return None
        stages = dict(upstream.stages)
        if "dataset" in groups and stage != "dataset":
            stages["dataset"] = self._dataset_run(choices["dataset"], groups.pop("dataset"))
        run = self._book.keep(stage, seed if draws else None, groups, stages)
        return _Made(run, choices, frozenset({seed}) if drawn else upstream.seeds, drawn)

    def _choices(
        self, sweep: str, settings: Mapping[str, Any], own: list[str], origin: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the preset of each group; a preset that does not exist is noted and left out."""
        choices: dict[str, str] = {}
        for group in own:
            choice = settings.get(group, self.defaults.get(group))
            if choice in self._presets(group):
                choices[group] = str(choice)
                continue
            place = origin.get(group, shown(self.conf, find(self.conf, "config.yaml")))
            hint = did_you_mean(str(choice), self._presets(group))
            by = sweep if group not in origin else ""
            self.problems.append(f"{place}: {group}: unknown choice {choice!r}; {hint}", by)
        return choices

    def _dataset_run(self, preset: str, checked: CheckedGroup) -> str:
        run = self._book.keep("dataset", None, {"dataset": checked}, {})
        if run.id not in self.datasets.by_run:
            self.datasets.add(Entry(run.id, {"dataset": preset}))
        return run.id

    # --- columns -----------------------------------------------------------------------------

    def sweep_columns(self) -> SweepColumns:
        """List which columns the sweeps can have, without those that lack runs by a mistake."""
        whole = [s for name, s in self.sweeps.items() if name not in self.broken]
        if not self.broken:
            whole.append(self.datasets)
        return SweepColumns(self.runs, {s.name: (s.stage, s.entries) for s in whole})

    def columns(self, sweep: str, entry: Entry) -> dict[str, Any]:
        """Return the configuration columns of a run as one sweep sees it."""
        key = (sweep, entry.run)
        if key not in self._column_cache:
            upstream = {}
            for name, identifier in entry.on.items():
                upstream[name] = self.columns(name, self.sweeps[name].by_run[identifier])
            self._column_cache[key] = config_columns(self.runs, entry, upstream)
        return self._column_cache[key]


def _differ_in_seed(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Tell whether two points of the axes have different seeds and are else the same."""
    return a.get("seed") != b.get("seed") and {**a, "seed": 0} == {**b, "seed": 0}
