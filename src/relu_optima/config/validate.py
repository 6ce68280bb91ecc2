"""Check composed values against the strict models, and say every mistake in one line each."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from relu_optima.config.base import Group
from relu_optima.config.plugins import PLUGIN_PACKAGES, load_plugin, plugin_index
from relu_optima.errors import ReluOptimaError
from relu_optima.files import file_digest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

GROUP_MODELS: dict[str, tuple[str, str]] = {
    "dataset": ("relu_optima.datasets.config", "DatasetConfig"),
    "pattern": ("relu_optima.patterns.config", "PatternConfig"),
    "existence": ("relu_optima.existence.config", "ExistenceConfig"),
    "training": ("relu_optima.training.config", "TrainingConfig"),
    "convex": ("relu_optima.convex.config", "ConvexConfig"),
    "optimal_set": ("relu_optima.optimal_set.config", "OptimalSetConfig"),
    "pruning": ("relu_optima.pruning.config", "PruningConfig"),
    "sensitivity": ("relu_optima.sensitivity.config", "SensitivityConfig"),
    "figure": ("relu_optima.publish.figure_config", "FigureConfig"),
    "table": ("relu_optima.publish.table_config", "TableConfig"),
}


@dataclass(frozen=True)
class Mistake:
    """One thing wrong with a group's values.

    Attributes
    ----------
    key : str
        Dotted key inside the group; empty for the group as a whole.
    text : str
        What is wrong, what is allowed, the nearest valid name.
    unknown : bool
        True if there is no such key.
    """

    key: str
    text: str
    unknown: bool = False


class InvalidGroup(ReluOptimaError):
    """Values that do not fit their model; `mistakes` lists all of them."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(f"{m.key}: {m.text}" for m in mistakes))


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Name the nearest valid name."""
    names = sorted(names)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"allowed: {', '.join(names)}"


def plugin_modules(group: str, values: Mapping[str, Any]) -> list[str]:
    """Name the plug-in modules that a group's values select: its own, and those it asks for."""
    if group not in PLUGIN_PACKAGES:
        return []
    name = values.get(PLUGIN_PACKAGES[group][1])
    if not isinstance(name, str):
        return []
    further = getattr(load_plugin(group, name), "plugin_modules", None)
    return [plugin_index(group)[name], *(further(values) if further else [])]


def group_model(group: str) -> type[Group]:
    """Return the model of a config group, its plug-ins' own keys left out."""
    module, attribute = GROUP_MODELS[group]
    model = getattr(importlib.import_module(module), attribute)
    assert isinstance(model, type)
    assert issubclass(model, Group)
    return model


def _model(group: str, values: Mapping[str, Any]) -> type[Group]:
    """Find the model of a group's plug-in, or of the one the group takes where none is named."""
    if group in PLUGIN_PACKAGES:
        key = PLUGIN_PACKAGES[group][1]
        name = values.get(key, group_model(group).model_fields[key].default)
        if isinstance(name, str) and name not in ("", "???"):
            try:
                model = load_plugin(group, name).Config
            except ReluOptimaError as error:
                text = f"{error.problem}; {error.fix or 'allowed: ' + error.allowed}"
                raise InvalidGroup([Mistake(key, text)]) from None
            assert isinstance(model, type)
            assert issubclass(model, Group)
            return model
    return group_model(group)


def validate_group(group: str, values: Mapping[str, Any]) -> Group:
    """Validate a group's values with the strict model its plug-in or its group defines."""
    model = _model(group, values)
    given = {k: v for k, v in values.items() if v != "???"}  # Hydra's mark for "must be set"
    try:
        return model.model_validate(given)
    except ValidationError as error:
        mistakes = explain(error, model)
    plugin = PLUGIN_PACKAGES[group][1] if group in PLUGIN_PACKAGES else None
    required = plugin is not None and group_model(group).model_fields[plugin].is_required()
    if plugin is not None and required and plugin not in given:
        # which keys there are depends on the plug-in: no word about others before it is known
        near = f"did you mean {plugin!r}?"
        mistakes = [m for m in mistakes if not m.unknown or m.text.endswith(near)]
    raise InvalidGroup(mistakes)


def config_of(
    group: str, name: str, values: Mapping[str, Any], refusal: type[ReluOptimaError]
) -> Any:
    """Make the config of a plug-in from keywords of a function call; the first mistake is told."""
    key = PLUGIN_PACKAGES[group][1]
    try:
        return load_plugin(group, name).Config(**{key: name, **values})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise refusal(
            f"{first['msg']} (given: {first['input']!r})", where=f"{group}.{place}"
        ) from error


def _models_at(model: type[BaseModel], path: tuple[int | str, ...]) -> list[type[BaseModel]]:
    """Find the models that may stand at a place of pydantic's, through lists, dicts and unions."""
    current = [model]
    for part in path:
        fields = [m.model_fields[part] for m in current if part in m.model_fields]
        if fields:
            current = [found for f in fields for found in _models_in(f.annotation)]
        elif isinstance(part, str):
            # the arm of a union that pydantic tried, by its name or by its tag
            tried = [m for m in current if part == m.__name__ or part in _tags(m)]
            current = tried or current
    return current


def _models_in(kind: Any) -> list[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [found for inner in get_args(kind) for found in _models_in(inner)]


def _tags(model: type[BaseModel]) -> set[Any]:
    kinds = [f.annotation for f in model.model_fields.values()]
    return {tag for kind in kinds if get_origin(kind) is Literal for tag in get_args(kind)}


def explain(error: ValidationError, model: type[BaseModel]) -> list[Mistake]:
    """Turn pydantic's errors into one line each, with the nearest valid name."""
    mistakes: list[Mistake] = []
    items = _without_other_arms(error.errors())
    absent = {item["loc"] for item in items if item["type"] == "missing"}
    unknown = [item["loc"] for item in items if item["type"] == "extra_forbidden"]
    # a misspelt key is one mistake, not two: also the absence of the right one
    misspelt = {
        (*loc[:-1], near)
        for loc in unknown
        for near in _near(str(loc[-1]), [a[-1] for a in absent if a[:-1] == loc[:-1]])
    }
    for item in items:
        loc = item["loc"]
        if loc in misspelt:
            continue
        key = ".".join(str(p) for p in loc)
        kind, given = item["type"], item.get("input")
        if kind == "extra_forbidden":
            fields = {f for m in _models_at(model, loc[:-1]) for f in m.model_fields}
            # of all nearest names, one that is missing is meant
            near = [a[-1] for a in misspelt if a[:-1] == loc[:-1]]
            right = _near(str(loc[-1]), near) or fields
            text = f"unknown key; {did_you_mean(str(loc[-1]), map(str, right))}"
        elif kind == "missing":
            text = "must be set"
        elif kind in ("literal_error", "union_tag_invalid"):
            context = item.get("ctx", {})
            names = _NAMED.findall(context.get("expected") or context.get("expected_tags", ""))
            chosen = context.get("tag", given)
            text = f"{chosen!r} is not a choice; {did_you_mean(str(chosen), names)}"
        else:
            text = f"{item['msg']}, got {_shown(given)} ({type(given).__name__})"
        mistakes.append(Mistake(key, text, unknown=kind == "extra_forbidden"))
    return mistakes


_NAMED = re.compile("'([^']*)'")
_SCALARS = frozenset({"str", "int", "float", "bool"})


def _near(name: str, names: Iterable[Any]) -> list[str]:
    return difflib.get_close_matches(name, [str(n) for n in names], n=1, cutoff=0.5)


def _without_other_arms(items: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Keep of a union's errors, one for each arm, those of the arm that was meant.

    A value that is a mapping was meant for the arm that is a model; where none of them is, the
    arms are one mistake, whose message lists what each would take.
    """

    def is_arm(part: int | str) -> bool:
        return isinstance(part, str) and (part in _SCALARS or "[" in part)

    out: list[ErrorDetails] = []
    for item in items:
        loc = item["loc"]
        if not loc or not is_arm(loc[-1]):
            out.append(item)
            continue
        place = loc[:-1]
        below = [i["loc"] for i in items if i["loc"] and i["loc"][: len(place)] == place]
        deeper = [other for other in below if not is_arm(other[-1])]
        if deeper:
            continue
        before = next((o for o in out if o["loc"] == place), None)
        if before is None:
            out.append({**item, "loc": place})
        else:
            before["msg"] += f" or {item['msg'].removeprefix('Input should be ')}"
    return out


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def source_files(group: str, model: Group) -> list[Path]:
    """List the files outside the package that a group's values make a run read."""
    if group not in PLUGIN_PACKAGES:
        return []
    plugin = load_plugin(group, getattr(model, PLUGIN_PACKAGES[group][1]))
    list_files = getattr(plugin, "source_files", None)
    return [Path(p) for p in list_files(model)] if list_files else []


@dataclass(frozen=True)
class Reach:
    """What a group adds to its run's key.

    Attributes
    ----------
    modules : tuple of str
        Plug-in modules that it names.
    files : tuple of str
        Digests of the files that they read.
    """

    modules: tuple[str, ...]
    files: tuple[str, ...]


def reach(group: str, model: Group, digest_of: Callable[[Path], str] = file_digest) -> Reach:
    """Find what a group's values make a run depend on."""
    modules = plugin_modules(group, model.model_dump(mode="json"))
    # absolute, not resolved: a link that is turned elsewhere is a changed file
    files = [digest_of(path.absolute()) for path in source_files(group, model)]
    return Reach(tuple(modules), tuple(files))
