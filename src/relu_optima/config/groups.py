"""From preset and leaf values to validated config groups, with every mistake's place noted."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from relu_optima.code_key import file_digest
from relu_optima.config.compose import (
    ComposeError,
    compose_preset,
    has_interpolation,
    resolve,
)
from relu_optima.config.identity import canonical_json
from relu_optima.config.schema.base import Group
from relu_optima.config.validate import (
    InvalidGroup,
    plugin_module,
    source_files,
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
    module : str or None
        Plug-in module it names.
    files : tuple of str
        Digests of the files its plug-in reads.
    draws : bool
        Whether the stage of its name draws from the run's seed.
    seeded : bool
        Whether its values depend on the run's seed.
    """

    values: dict[str, Any]
    scientific: dict[str, Any]
    module: str | None
    files: tuple[str, ...]
    draws: bool
    seeded: bool


class GroupChecker:
    """Checks the groups of many runs, each distinct combination of values once.

    Parameters
    ----------
    conf : Path
        Configuration folder.
    problems : list of str
        Every mistake found is appended here.
    """

    def __init__(self, conf: Path, problems: list[str]) -> None:
        self.conf = conf
        self.problems = problems
        self._known: dict[str, CheckedGroup | None] = {}
        self._seeded: set[str] = set()  # keys of values that take the run's seed

    def check(
        self,
        choices: dict[str, str],
        raw: dict[str, dict[str, Any]],
        seed: int,
        origin: Mapping[str, str],
    ) -> dict[str, CheckedGroup | None]:
        """Compose, merge, resolve and validate the groups of one run.

        Parameters
        ----------
        choices : dict of str to str
            Preset by group.
        raw : dict of str to dict
            Leaf values set on top of the presets, by group and dotted key inside it.
        seed : int
            Seed of the run, for interpolations.
        origin : mapping of str to str
            File or command line that set each dotted key, for error messages.

        Returns
        -------
        dict of str to CheckedGroup or None
            None where a mistake was found and noted.
        """
        keys = {g: _memo_key([g, choices[g], raw[g]]) for g in choices}
        known = {}
        for group, key in keys.items():
            found = f"{key} {seed}" if key in self._seeded else key
            if found in self._known:
                known[group] = self._known[found]
        if len(known) == len(choices):
            return known
        values: dict[str, Any] = {}
        for group, choice in choices.items():
            try:
                values[group] = copy.deepcopy(compose_preset(self.conf, group, choice))
            except ComposeError as error:
                self.problems.append(str(error))
                return {**known, group: None}
            for key, value in raw[group].items():
                _set(values[group], key, value)
        varying = {g for g, v in values.items() if has_interpolation(v)}
        by_seed = {g for g in varying if "${seed}" in _memo_key(values[g])}
        if varying:
            try:
                resolved = resolve({"seed": seed, **values})
            except ComposeError as error:
                self.problems.append(f"{next(iter(origin.values()), self.conf.name)}: {error}")
                return dict.fromkeys(choices)
            values = {g: resolved[g] for g in choices}
        out: dict[str, CheckedGroup | None] = {}
        for group in choices:
            if group in known:
                out[group] = known[group]
                continue
            checked = self._check_group(
                group, choices[group], values[group], raw[group], seed, origin
            )
            if checked is not None and group in by_seed:
                checked = replace(checked, seeded=True)
            out[group] = checked
            if group not in varying and checked is not None and checked.seeded:
                self._seeded.add(keys[group])
                self._known[f"{keys[group]} {seed}"] = checked
            elif group not in varying:
                self._known[keys[group]] = checked
        return out

    def _check_group(
        self,
        group: str,
        preset: str,
        values: dict[str, Any],
        raw: dict[str, Any],
        seed: int,
        origin: Mapping[str, str],
    ) -> CheckedGroup | None:
        try:
            model: Group = validate_group(group, values)
        except InvalidGroup as error:
            file = f"{self.conf.name}/{group}/{preset}.yaml"
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
                self.problems.append(f"{place}: {key}: {mistake.text}")
            return None
        follow = [k for k in model.seeded() if k not in values]
        model = model.model_copy(update=dict.fromkeys(follow, seed))
        files = []
        for path in source_files(group, model):
            try:
                files.append(file_digest(path.resolve()))
            except OSError as error:
                self.problems.append(f"{group}: {path}: cannot be read: {error.strerror}")
                return None
        full = model.model_dump(mode="json")
        # a file counts by its content, wherever it lies
        scientific = model.scientific() | ({"files_sha256": files} if files else {})
        return CheckedGroup(
            full,
            scientific,
            plugin_module(group, full),
            tuple(files),
            draws=model.draws(),
            seeded=bool(follow),
        )


def _memo_key(value: Any) -> str:
    """Make a dictionary key of plain values, also of those JSON has no form for.

    Parameters
    ----------
    value : object
        Plain containers and scalars.

    Returns
    -------
    str
        Canonical JSON, or the ``repr``.
    """
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
