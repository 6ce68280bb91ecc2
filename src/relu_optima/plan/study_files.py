"""What the files of a study say: its sweeps, figures and tables by name, each with its place.

A study is one file, ``conf/study/<name>.yaml``, or the files of a folder ``conf/study/<name>/``,
each of which may hold any of the same keys: what belongs together stands together. Keys that start
with ``_`` are templates for YAML's anchors and merge keys and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from relu_optima.config.base import NAME_PATTERN
from relu_optima.config.compose import ComposeError, load_yaml
from relu_optima.config.places import layers, shown
from relu_optima.config.problems import Problems
from relu_optima.config.validate import did_you_mean, explain
from relu_optima.plan.schema import StudyConfig

Kind = Literal["sweep", "figure", "table"]
KINDS: tuple[Kind, ...] = ("sweep", "figure", "table")
FOLDER = "study"


@dataclass(frozen=True)
class Part:
    """A sweep, figure or table as a study's file gives it, and the words that name its place."""

    values: dict[str, Any]
    where: str


@dataclass
class StudyFiles:
    """A study as its files give it; those of its parts that other studies define are found there.

    Attributes
    ----------
    name : str
        Name of the study.
    where : str
        Its file or folder, for messages.
    title : str
        Heading of the report; empty where it could not be read.
    override : dict
        What the study sets of its sweeps, by sweep.
    override_at : str
        The file that says so.
    published : dict
        Published numbers, not validated; empty if there are none.
    published_at : str
        The file that says so.
    """

    conf: Path
    name: str
    problems: Problems
    where: str
    title: str = ""
    override: dict[str, dict[str, Any]] = field(default_factory=dict)
    override_at: str = ""
    published: dict[str, Any] = field(default_factory=dict)
    published_at: str = ""
    readable: bool = True
    _own: dict[Kind, dict[str, Part]] = field(default_factory=lambda: {k: {} for k in KINDS})
    _shared: dict[Kind, dict[str, str]] = field(default_factory=lambda: {k: {} for k in KINDS})
    _others: dict[str, StudyFiles | None] = field(default_factory=dict)

    def names(self, kind: Kind) -> tuple[str, ...]:
        """List what the study has of a kind: its own, then what it shares."""
        return (*self._own[kind], *self._shared[kind])

    def owns(self, kind: Kind, name: str) -> bool:
        """Tell whether the study's own files define a part."""
        return name in self._own[kind]

    def part(self, kind: Kind, name: str) -> Part | None:
        """Find a part, here or where it is shared from; None where there is none."""
        if name in self._own[kind] or name not in self._shared[kind]:
            return self._own[kind].get(name)
        other = self._other(self._shared[kind][name])
        return other._own[kind].get(name) if other else None

    def _other(self, name: str) -> StudyFiles | None:
        if name not in self._others:
            self._others[name] = read_study(self.conf, name, self.problems, f"{self.where}: share")
        return self._others[name]

    # --- reading -----------------------------------------------------------------------------

    def add(self, path: Path, where: str) -> None:
        """Read one of the study's files; mistakes are noted."""
        try:
            content = load_yaml(path)
        except ComposeError as error:
            self.readable = False
            self.problems.append(str(error))
            return
        content = {k: v for k, v in content.items() if not k.startswith("_")}
        try:
            config = StudyConfig.model_validate(content)
        except ValidationError as error:
            mistakes = explain(error, StudyConfig)
            self.problems.extend(f"{where}: {m.key}: {m.text}" for m in mistakes)
            # go on with what can be read, so that mistakes elsewhere are listed too
            wrong = {str(e["loc"][0]) for e in error.errors() if e["loc"]}
            self.readable &= not wrong & {"share", "sweeps", "figures", "tables"}
            config = StudyConfig.model_validate(
                {k: v for k, v in content.items() if k not in wrong}
            )
        self._once("title", config.title, self.title, where)
        self.title = self.title or config.title
        if config.published:
            self._once("published", config.published, self.published, where)
            self.published, self.published_at = config.published, where
        for sweep, values in config.override.items():
            self._once(f"override.{sweep}", values, self.override.get(sweep), where)
            self.override[sweep], self.override_at = values, where
        for kind in KINDS:
            for name, values in getattr(config, f"{kind}s").items():
                self._once(f"{kind}s.{name}", values, self._own[kind].get(name), where)
                self._own[kind][name] = Part(_with_on(values), f"{where}: {kind} {name}")
            for study, shared in config.share.items():
                for name in getattr(shared, f"{kind}s"):
                    self._shared[kind][name] = study

    def follow_shared(self) -> None:
        """Share what shared sweeps build on too; note what other studies do not have."""
        for kind in KINDS:
            todo = list(self._shared[kind].items())
            while todo:
                name, study = todo.pop(0)
                where = f"{self.where}: share.{study}.{kind}s"
                other = self._other(study)
                if name in self._own[kind]:
                    self.problems.append(f"{where}: {name!r} is defined here too; remove one")
                elif other and name in other._own[kind]:
                    on = other._own[kind][name].values.get("on")
                    below = on if kind == "sweep" and isinstance(on, list) else []
                    new = [n for n in below if n not in self.names(kind)]
                    self._shared[kind] |= dict.fromkeys(new, study)
                    todo += [(n, study) for n in new]
                elif other and other.readable:
                    hint = did_you_mean(name, other._own[kind])
                    self.problems.append(f"{where}: no {kind} {name!r} in study {study!r}; {hint}")

    def _once(self, key: str, value: Any, before: Any, where: str) -> None:
        if value and before:
            self.problems.append(f"{where}: {key}: another file of this study gives it too")


def studies(conf: Path) -> tuple[str, ...]:
    """List the studies, those that come with this package included."""
    return tuple(sorted({name for folder in layers(conf) for name in own_studies(folder)}))


def own_studies(conf: Path) -> tuple[str, ...]:
    """List the studies that one folder holds."""
    return tuple(sorted({p.stem for p in (conf / FOLDER).glob("*") if _files(p)}))


def study_titles(conf: Path) -> dict[str, str]:
    """Say what each study that can be read is about."""
    found = {name: read_study(conf, name, Problems()) for name in studies(conf)}
    return {name: study.title for name, study in found.items() if study is not None}


def read_study(
    conf: Path, name: str, problems: Problems, asked_by: str = "study"
) -> StudyFiles | None:
    """Read the files of a study; that there is no such study is noted, and None returned."""
    found: list[Path] = []
    for folder in layers(conf) if re.fullmatch(NAME_PATTERN, name) else ():
        place = folder / FOLDER
        found = found or [p for p in (place / f"{name}.yaml", place / name) if _files(p)]
    if not found:
        hint = did_you_mean(name, studies(conf))
        problems.append(f"{asked_by}: there is no study {name!r}; {hint}")
        return None
    study = StudyFiles(conf, name, problems, shown(conf, found[0]))
    if len(found) > 1:
        problems.append(f"{shown(conf, found[0])}: there is a folder of this name too; remove one")
    for path in _files(found[0]):
        study.add(path, shown(conf, path))
    if not study.title and study.readable:
        problems.append(f"{study.where}: title: must be set")
    return study


def _files(path: Path) -> list[Path]:
    """List the files of what may be a study: the file itself, or those in the folder, by name."""
    if path.is_dir():
        return sorted(path.glob("*.yaml"))
    return [path] if path.suffix == ".yaml" and path.exists() else []


def _with_on(values: dict[Any, Any]) -> dict[str, Any]:
    """Undo that YAML 1.1 reads the key ``on`` as a boolean."""
    return {("on" if k is True else str(k)): v for k, v in values.items()}


def all_parts(conf: Path, kind: Kind) -> Iterator[tuple[str, str, Part]]:
    """List study, name and content of everything of a kind that studies define."""
    for name in studies(conf):
        study = read_study(conf, name, Problems())
        for part, values in study._own[kind].items() if study else ():
            yield name, part, values
