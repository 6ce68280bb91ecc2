"""What one sweep sets: its axes and fixed values, as the study and the command line change them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relu_optima.config.compose import ComposeError, parse_axis
from relu_optima.config.problems import Problems
from relu_optima.config.validate import did_you_mean
from relu_optima.plan.overrides import COMMAND_LINE, CommandLine
from relu_optima.plan.schema import SweepConfig

REPEATS = "repeats"
MAX_RUNS = 1_000_000  # of a sweep: a slip such as range(0,1e9) is a mistake, not a plan


@dataclass(frozen=True)
class SettingsReader:
    """Reads the settings of sweeps; what the study or the command line replaces is replaced."""

    conf: Path
    problems: Problems
    line: CommandLine
    by_study: Mapping[str, Mapping[str, Any]]
    by_study_at: str  # the file that holds these
    first_seed: Any  # of a sweep that states none

    def read(
        self, name: str, sweep: SweepConfig, where: str, own: list[str], taken: set[str]
    ) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, str]]:
        """Return axis points, fixed values, and which file or command line set each key."""
        fixed = dict(sweep.fixed)
        grid = {k: self._axis(k, v, where) for k, v in sweep.grid.items()}
        zipped = {k: self._axis(k, v, where) for k, v in sweep.zip.items()}
        origin = dict.fromkeys([*fixed, *grid, *zipped], where)
        for key in origin:
            self._check_key(key, own, taken, where)
            places = sum(key in part for part in (fixed, grid, zipped))
            if places > 1:
                self.problems.append(f"{where}: {key}: set in more than one of fixed, grid, zip")
        replace: list[tuple[str, list[Any], str]] = []
        repeats: tuple[Any, str] = (sweep.repeats, where)
        for key, value in self.by_study.get(name, {}).items():
            if key == REPEATS and sweep.repeats is not None:
                repeats = (value, self.by_study_at)
                continue
            self._check_key(key, own, taken, self.by_study_at)
            replace.append((key, self._axis(key, value, self.by_study_at), self.by_study_at))
        states_seed = sweep.repeats is not None or "seed" in {*origin, *(k for k, _, _ in replace)}
        for override in self.line.overrides:
            if override.sweep not in (None, name):
                continue
            if override.key == REPEATS and sweep.repeats is not None:
                override.used = True
                self.line.reads(name, override)
                one = override.values[0] if len(override.values) == 1 else override.values
                repeats = (one, COMMAND_LINE)
            elif (
                # seeds are drawn where the data and gates are; what builds on them follows
                override.sweep == name or (states_seed and not sweep.on)
                if override.key == "seed"
                else override.key.split(".")[0] in own
            ):
                override.used |= override.key != "seed"  # told when it is known what draws
                stated = {**{k: [v] for k, v in fixed.items()}, **grid, **zipped}.get(override.key)
                self.line.reads(name, override, changes=override.values != stated)
                replace.append((override.key, override.values, COMMAND_LINE))
        for key, values, place in replace:
            origin[key] = place
            fixed.pop(key, None)
            if key in zipped and len(values) > 1:
                zipped[key] = values  # it still moves with the others
            else:
                zipped.pop(key, None)
                grid[key] = values
        if repeats[0] is not None:
            self._repeat(*repeats, fixed, grid, zipped)
        lengths = {len(v) for v in zipped.values()}
        if len(lengths) > 1:
            sizes = ", ".join(f"{k}: {len(v)}" for k, v in zipped.items())
            said = {origin[k] for k in zipped} - {where}
            self.problems.append(
                f"{where}: zip: axes differ in length ({sizes})"
                + (f"; as set by {', '.join(sorted(said))}: set all of them" if said else "")
            )
        empty = [k for k, v in {**grid, **zipped}.items() if not v]
        self.problems.extend(f"{where}: {k}: the axis has no value" for k in empty)
        size = math.prod(map(len, grid.values())) * max(lengths, default=1)
        if size > MAX_RUNS:
            self.problems.append(f"{where}: the axes make {size} runs; at most {MAX_RUNS}")
            return [], fixed, origin
        return list(_points(grid, zipped)), fixed, origin

    def _repeat(
        self,
        count: Any,
        where: str,
        fixed: dict[str, Any],
        grid: dict[str, list[Any]],
        zipped: Mapping[str, list[Any]],
    ) -> None:
        """Turn the one seed of a sweep into an axis of `count` consecutive ones."""
        if type(count) is not int or not 1 <= count <= MAX_RUNS:
            self.problems.append(
                f"{where}: {REPEATS}: must be a whole number from 1 to {MAX_RUNS}, got {count!r}"
            )
            return
        if count == 1:
            return  # whatever the seeds are
        seeds = grid.get("seed", [fixed.get("seed", self.first_seed)])
        if "seed" in zipped or len(seeds) != 1 or type(seeds[0]) is not int:
            self.problems.append(
                f"{where}: {REPEATS}: counts on from one seed, but seed has other values; "
                "give either"
            )
            return
        fixed.pop("seed", None)
        grid["seed"] = list(range(seeds[0], seeds[0] + count))

    def _axis(self, key: str, value: Any, where: str) -> list[Any]:
        try:
            return parse_axis(key, value, self.conf, where)
        except ComposeError as error:
            self.problems.append(str(error).replace("\n", ";"))
            return []

    def _check_key(self, key: str, own: list[str], taken: set[str], where: str) -> None:
        group = key.split(".")[0]
        if key == "seed" or group in own:
            return
        if group in taken:
            self.problems.append(
                f"{where}: {key}: group {group!r} is set by the upstream sweep; change it there"
            )
            return
        hint = did_you_mean(group, [*own, "seed"])
        self.problems.append(f"{where}: {key}: unknown key; {hint}")


def _points(
    grid: Mapping[str, list[Any]], zipped: Mapping[str, list[Any]]
) -> Iterator[dict[str, Any]]:
    together = [
        dict(zip(zipped, values, strict=False)) for values in zip(*zipped.values(), strict=False)
    ]
    for values in itertools.product(*grid.values()):
        for point in together if zipped else [{}]:
            yield {**dict(zip(grid, values, strict=True)), **point}
