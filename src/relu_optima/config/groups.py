"""From preset and leaf values to validated config groups, with every mistake's place noted."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from relu_optima.config.base import Group
from relu_optima.config.compose import (
    ComposeError,
    compose_preset,
    has_interpolation,
    resolve,
)
from relu_optima.config.identity import canonical_json
from relu_optima.config.places import find, shown
from relu_optima.config.problems import Problems
from relu_optima.config.validate import (
    InvalidGroup,
    Reach,
    reach,
    validate_group,
)


@dataclass(frozen=True)
class CheckedGroup:
    """A validated group.

    Attributes
    ----------
    values : dict
        All values.
    scientific : dict
        Those that decide the result.
    reach : Reach
        Plug-in modules it names, and files they read.
    draws : bool
        Whether the stage of its name draws from the run's seed.
    seeded : bool
        Whether its values depend on the run's seed.
    """

    values: dict[str, Any]
    scientific: dict[str, Any]
    reach: Reach
    draws: bool
    seeded: bool


class GroupChecker:
    """Checks the groups of many runs, each distinct combination of values once."""

    def __init__(self, conf: Path, problems: Problems) -> None:
        self.conf = conf
        self.problems = problems
        self._known: dict[str, CheckedGroup | None] = {}
        self._mistakes: dict[str, list[str]] = {}
        self.own: dict[str, str] = {}  # the place of each sweep: a mistake there is its own
        self._seeded: set[str] = set()  # keys of values that take the run's seed

    def check(
        self,
        choices: dict[str, str],
        raw: dict[str, dict[str, Any]],
        seed: int,
        origin: Mapping[str, str],
        sweep: str = "",
    ) -> dict[str, CheckedGroup | None]:
        """Compose, merge, resolve and validate the groups of one run."""
        keys = {g: _memo_key([g, choices[g], raw[g]]) for g in choices}
        known = {}
        for group, key in keys.items():
            place = f"{key} {seed}" if key in self._seeded else key
            if place in self._known:
                known[group] = self._known[place]
                for text in self._mistakes.get(key, ()):
                    self._note(text, sweep)
        if len(known) == len(choices):
            return known
        values: dict[str, Any] = {}
        for group, choice in choices.items():
            try:
                values[group] = copy.deepcopy(compose_preset(self.conf, group, choice))
            except ComposeError as error:
                self._note(str(error), sweep)
                return {**known, group: None}
            for key, value in raw[group].items():
                _set(values[group], key, value)
        varying = {g for g, v in values.items() if has_interpolation(v)}
        by_seed = {g for g in varying if "${seed}" in _memo_key(values[g])}
        if varying:
            try:
                resolved = resolve({"seed": seed, **values})
            except ComposeError as error:
                self._note(f"{next(iter(origin.values()), self.conf.name)}: {error}", sweep)
                return dict.fromkeys(choices)
            values = {g: resolved[g] for g in choices}
        out: dict[str, CheckedGroup | None] = {}
        for group in choices:
            if group in known:
                out[group] = known[group]
                continue
            found = self._check_group(
                group, choices[group], values[group], raw[group], seed, origin
            )
            mistakes = found if isinstance(found, list) else []
            for text in mistakes:
                self._note(text, sweep)
            checked = None if isinstance(found, list) else found
            if checked is not None and group in by_seed:
                checked = replace(checked, seeded=True)
            out[group] = checked
            if group in varying:
                continue
            if checked is not None and checked.seeded:
                self._seeded.add(keys[group])
                self._known[f"{keys[group]} {seed}"] = checked
            else:
                self._known[keys[group]] = checked
                self._mistakes[keys[group]] = mistakes
        return out

    def _note(self, text: str, sweep: str) -> None:
        own = sweep in self.own and text.startswith(f"{self.own[sweep]}:")
        self.problems.append(text, "" if own else sweep)

    def _check_group(
        self,
        group: str,
        preset: str,
        values: dict[str, Any],
        raw: dict[str, Any],
        seed: int,
        origin: Mapping[str, str],
    ) -> CheckedGroup | list[str]:
        """Validate one group; where it is wrong, say how."""
        try:
            model: Group = validate_group(group, values)
        except InvalidGroup as error:
            file = shown(self.conf, find(self.conf, f"{group}/{preset}.yaml"))
            lines = []
            for mistake in error.mistakes:
                key = f"{group}.{mistake.key}" if mistake.key else group
                setter = next(
                    (
                        f"{group}.{k}"
                        for k in raw
                        if key == f"{group}.{k}" or key.startswith(f"{group}.{k}.")
                    ),
                    None,
                )
                place = origin.get(setter, file) if setter else file
                lines.append(f"{place}: {key}: {mistake.text}")
            return lines
        follow = [k for k in model.seeded() if k not in values]
        model = model.model_copy(update=dict.fromkeys(follow, seed))
        try:
            found = reach(group, model)
        except OSError as error:
            return [f"{group}: {error.filename}: cannot be read: {error.strerror}"]
        full = model.model_dump(mode="json")
        # a file counts by its content, wherever it lies
        files = {"files_sha256": list(found.files)} if found.files else {}
        scientific = model.scientific() | files
        return CheckedGroup(full, scientific, found, draws=model.draws(), seeded=bool(follow))


def _memo_key(value: Any) -> str:
    """Make a dictionary key of plain values, also of those JSON has no form for."""
    try:
        return canonical_json(value)
    except (TypeError, ValueError):
        return repr(value)


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for part in parents:
        inner = values.get(part)
        if not isinstance(inner, dict):
            inner = values[part] = {}
        values = inner
    values[last] = value
