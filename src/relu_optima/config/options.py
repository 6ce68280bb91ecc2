"""The keys of a config group, as its models declare them: type and range, default, meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from relu_optima.config.plugins import PLUGIN_PACKAGES, load_plugin, plugin_names
from relu_optima.config.validate import GROUP_MODELS, did_you_mean, group_model
from relu_optima.errors import ReluOptimaError

_BOUNDS = {
    "minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<",
    "minItems": "items ≥", "maxItems": "items ≤", "minLength": "length ≥", "maxLength": "length ≤",
}  # fmt: skip


@dataclass(frozen=True)
class Option:
    """One key: what it may be, what it is unless it is set, what it means."""

    key: str
    kind: str
    default: str
    meaning: str


def options_of(group: str) -> list[Option]:
    """List the keys of a group, or of one of its plug-ins (``figure.line``)."""
    name, _, plugin = group.partition(".")
    if name not in GROUP_MODELS:
        raise ReluOptimaError(f"no config group {group!r}", fix=did_you_mean(name, GROUP_MODELS))
    model = group_model(name)
    if plugin:
        known = plugin_names(name) if name in PLUGIN_PACKAGES else ()
        if plugin not in known:
            raise ReluOptimaError(
                f"group {name!r} has no plug-in {plugin!r}", fix=did_you_mean(plugin, known)
            )
        model = load_plugin(name, plugin).Config
    schema = model.model_json_schema()
    found = list(_keys(schema, schema.get("$defs", {}), ""))
    if name in PLUGIN_PACKAGES and not plugin:
        key = PLUGIN_PACKAGES[name][1]
        more = f"; each has keys of its own: relu-optima options {name}.NAME"
        found = [
            Option(o.key, " | ".join(plugin_names(name)), o.default, o.meaning + more)
            if o.key == key
            else o
            for o in found
        ]
    return found


def _keys(schema: dict[str, Any], parts: dict[str, Any], prefix: str) -> Iterator[Option]:
    required = set(schema.get("required", ()))
    for name, value in schema.get("properties", {}).items():
        inner = _target(value, parts)
        if inner is not value and "properties" in inner:
            yield from _keys(inner, parts, f"{prefix}{name}.")
            continue
        default = "must be set" if name in required else _word(value.get("default"))
        yield Option(prefix + name, _kind(value, parts), default, value.get("description", ""))


def _target(value: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference to another model."""
    found = parts.get(str(value.get("$ref", "")).rpartition("/")[2], value)
    assert isinstance(found, dict)
    return found


def _kind(value: dict[str, Any], parts: dict[str, Any]) -> str:
    """Say which values are allowed."""
    value = _target(value, parts)
    if "enum" in value:
        return " | ".join(map(_word, value["enum"]))
    if "const" in value:
        return _word(value["const"])
    for key in ("anyOf", "oneOf"):
        if key in value:
            return " | ".join(dict.fromkeys(_kind(v, parts) for v in value[key]))
    kind = str(value.get("type", "any"))
    if kind == "array" and "items" in value:
        kind = f"list of {_kind(value['items'], parts)}"
    bounds = [f"{sign} {value[key]:g}" for key, sign in _BOUNDS.items() if key in value]
    return f"{kind} ({', '.join(bounds)})" if bounds else kind


def _word(value: Any) -> str:
    return "none" if value is None else str(value)
