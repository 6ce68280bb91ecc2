"""Hydra, and nothing else of it anywhere: YAML composition and the override grammar.

`hydra.compose` costs a tenth of a second, so each preset of each group is composed once, and only
those with a ``defaults`` list by Hydra; the planner merges leaf values on plain dictionaries.
"""

from __future__ import annotations

import itertools
import re
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from relu_optima.config.places import find, layers
from relu_optima.config.yaml_limits import MAX_DEPTH, excess
from relu_optima.errors import ReluOptimaError

_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-zA-Z_][a-zA-Z0-9_]*)*")
# `${convex.lam}` is fine; `${oc.env:HOME}` would make a run depend on the machine.
_PLAIN_INTERPOLATION = re.compile(r"\$\{[a-z][a-zA-Z0-9_.]*\}")
MAX_VALUES = 100_000  # of an axis
MAX_TEXT = 1_000_000  # characters of an override
_VALUE_ERRORS = (ValueError, ArithmeticError, TypeError, AssertionError, RecursionError)
# what PyYAML and OmegaConf raise for text they cannot build anything from
_YAML_ERRORS = (
    YAMLError, OmegaConfBaseException, ValueError, AssertionError, TypeError, LookupError,
    AttributeError, OverflowError, RecursionError,
)  # fmt: skip


class ComposeError(ReluOptimaError):
    """A YAML file or an override that Hydra cannot read."""


def load_yaml(path: Path) -> dict[str, Any]:
    """Read one YAML file as plain containers, interpolations left as they stand."""
    try:
        if path.exists() and not path.is_file():
            raise ComposeError("is no regular file", where=str(path))
        if too_much := excess(path.read_bytes()):
            raise ComposeError(too_much, where=str(path))
        value = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except FileNotFoundError:
        raise ComposeError("there is no such file", where=str(path)) from None
    except _YAML_ERRORS as error:
        first = " ".join(str(error).split()) or type(error).__name__
        raise ComposeError(f"not valid YAML: {first}", where=str(path)) from None
    except OSError as error:
        raise ComposeError(f"cannot be read: {error.strerror}", where=str(path)) from None
    if isinstance(value, dict) and True in value:
        # YAML 1.1 reads the key `on` as a boolean
        value = {("on" if k is True else k): v for k, v in value.items()}
    if not isinstance(value, dict) or not all(isinstance(k, str) for k in value):
        raise ComposeError("must hold a mapping with text keys", where=str(path))
    return {str(k): v for k, v in value.items()}


def presets(conf: Path, group: str) -> tuple[str, ...]:
    """List the presets of a config group; ``_name.yaml`` is a base of others and none itself."""
    found = (path for folder in layers(conf) for path in (folder / group).glob("[!_]*.yaml"))
    return tuple(sorted({path.stem for path in found}))


@cache
def study_defaults(conf: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Read ``config.yaml``: the default preset of each group and the study-wide values."""
    path = find(conf, "config.yaml")
    content = load_yaml(path)
    choices: dict[str, str] = {}
    defaults = content.pop("defaults", [])
    if not isinstance(defaults, list):
        raise ComposeError(
            f"defaults must be a list, got {defaults!r} ({type(defaults).__name__})",
            where=str(path),
            fix="write one line '- group: preset' for each group",
        )
    for entry in defaults:
        if isinstance(entry, dict):
            choices.update({str(k): str(v) for k, v in entry.items()})
    content.pop("hydra", None)
    return choices, content


@cache
def _check_all(folder: Path) -> None:
    """Refuse a folder with a file that Hydra must not read."""
    for path in folder.rglob("*.yaml"):
        load_yaml(path)


@cache
def compose_preset(conf: Path, group: str, preset: str) -> dict[str, Any]:
    """Compose one preset of one group; Hydra merges the files that its ``defaults`` name.

    They are looked for where the preset lies and behind that, so that a preset of this package is
    the same in every project.
    """
    path = find(conf, f"{group}/{preset}.yaml")
    content = load_yaml(path)
    if "defaults" not in content:
        return content
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException

    every = layers(conf)
    first = every.index(path.absolute().parents[1])
    for folder in every[first:]:
        _check_all(folder)  # Hydra may include any of them
    quoted = (str(folder).replace("'", r"\'") for folder in every[first + 1 :])
    behind = ",".join(f"'file://{folder}'" for folder in quoted)
    # Snakemake may evaluate the Snakefile twice in one process.
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(every[first]), version_base="1.3"):
            composed = compose(f"{group}/{preset}", [f"hydra.searchpath=[{behind}]"])
        value = OmegaConf.to_container(composed[group], resolve=False)
    except (HydraException, *_YAML_ERRORS) as error:
        first_line = " ".join(str(error).split()) or type(error).__name__
        raise ComposeError(first_line, where=str(path)) from None
    if not isinstance(value, dict):
        raise ComposeError("must hold a mapping", where=str(path))
    return {str(k): v for k, v in value.items()}


def has_interpolation(value: Any) -> bool:
    """Tell whether a value contains ``${``."""
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, dict):
        return any(has_interpolation(v) for v in value.values())
    if isinstance(value, list):
        return any(has_interpolation(v) for v in value)
    return False


def _refuse_resolvers(value: Any, where: str) -> None:
    if isinstance(value, str):
        for part in re.findall(r"\$\{[^}]*\}?", value):
            if not _PLAIN_INTERPOLATION.fullmatch(part):
                raise ComposeError(
                    f"{part!r} is not allowed", where=where, allowed="${group.key} of the same run"
                )
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_resolvers(item, f"{where}.{key}")
    elif isinstance(value, list):
        for item in value:
            _refuse_resolvers(item, where)


def resolve(values: dict[str, Any]) -> dict[str, Any]:
    """Resolve interpolations between the groups of one run."""
    for key, value in values.items():
        _refuse_resolvers(value, key)
    try:
        out = OmegaConf.to_container(OmegaConf.create(values), resolve=True)
    except OmegaConfBaseException as error:
        raise ComposeError(" ".join(str(error).split())) from None
    assert isinstance(out, dict)
    return {str(k): v for k, v in out.items()}


def _plain(value: Any) -> Any:
    """Turn Hydra's parsed elements into plain Python values."""
    from hydra.core.override_parser.types import QuotedString

    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, dict):
        return {_plain(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value


def _depth(text: str) -> int:
    """Return how deep the brackets of a text nest."""
    level = deepest = 0
    for character in text:
        level += (character in "[{(") - (character in "]})")
        deepest = max(deepest, level)
    return deepest


def parse_override(text: str, conf: Path, where: str) -> tuple[str, list[Any], bool]:
    """Parse ``key=value`` in Hydra's override grammar."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import Glob, Transformer
    from hydra.errors import HydraException

    key = text.partition("=")[0]
    if "=" not in text or not _KEY.fullmatch(key):
        raise ComposeError(f"{text!r} is not of the form key=value", where=where)
    if len(text) > MAX_TEXT or _depth(text) > MAX_DEPTH:
        raise ComposeError(
            f"{text[:60]!r}... is too long or too deep",
            where=where,
            allowed=f"{MAX_TEXT} characters, nesting up to {MAX_DEPTH}",
        )
    try:
        override = OverridesParser.create().parse_override(text)
    except (HydraException, *_VALUE_ERRORS) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ComposeError(
            f"{text!r} does not follow the override grammar: {first}",
            where=where,
            fix="quote text with spaces or special characters: key='...'",
        ) from None
    if not override.is_sweep_override():
        return key, [_plain(override.value())], False
    value = override.value()
    if isinstance(value, Glob):
        return key, list(value.filter(list(presets(conf, key)))), True
    if not override.is_discrete_sweep():
        raise ComposeError(
            f"{text!r} is not a finite list", where=where, allowed="choice(...), range(...), a,b,c"
        )
    if getattr(value, "shuffle", False):
        raise ComposeError(f"{text!r} gives another order each time", where=where)
    try:
        elements = itertools.islice(override.sweep_iterator(Transformer.identity), MAX_VALUES + 1)
        values = [_plain(v) for v in elements]
    except _VALUE_ERRORS as error:
        raise ComposeError(f"{text!r} is no list of values: {error}", where=where) from None
    if len(values) > MAX_VALUES:
        raise ComposeError(f"{text!r} has more than {MAX_VALUES} values", where=where)
    return key, values, True


def parse_axis(key: str, value: Any, conf: Path, where: str) -> list[Any]:
    """Read one axis of a sweep file."""
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        return parse_override(f"{key}={value}", conf, where)[1]
    return [value]
