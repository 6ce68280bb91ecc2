"""Which columns a figure or table reads, found from the types of its config's fields."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from relu_optima.config.validate import GROUP_MODELS

GROUPS = tuple(group for group in GROUP_MODELS if group not in ("figure", "table"))


@dataclass(frozen=True)
class ColumnMark:
    """Mark of a type whose values name columns; `every` of the sweeps must have them, or one."""

    every: bool = True


EVERY = ColumnMark()
SOME = ColumnMark(every=False)


@dataclass(frozen=True)
class Read:
    """One column that a product reads.

    Attributes
    ----------
    key : str
        Dotted key that names the column; empty for one that the plug-in always reads.
    column : str
        Column of the collected sweeps.
    sweeps : tuple of str
        Sweeps it is read from.
    every : bool
        Whether all of these need to have it, or one.
    """

    key: str
    column: str
    sweeps: tuple[str, ...]
    every: bool = True


def reads_of(model: BaseModel, sweeps: tuple[str, ...], key: str = "") -> Iterator[Read]:
    """List the columns that the marked fields of a model name, those of its parts included."""
    own = getattr(model, "sweep", None)
    if own is not None:
        sweeps = (own,)
    elif getattr(model, "reads_first_sweep", False):
        sweeps = sweeps[:1]
    for name, info in type(model).model_fields.items():
        place = f"{key}.{name}" if key else name
        kind = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
        yield from _walk(kind, getattr(model, name), sweeps, place)


def _walk(kind: Any, value: Any, sweeps: tuple[str, ...], key: str) -> Iterator[Read]:
    """Follow a type and a value that fits it side by side."""
    if isinstance(value, BaseModel):
        yield from reads_of(value, sweeps, key)
        return
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        marks = [m for m in inner[1:] if isinstance(m, ColumnMark)]
        if marks and isinstance(value, str):
            yield Read(key, value, sweeps, marks[0].every)
            return
        yield from _walk(inner[0], value, sweeps, key)
    elif origin in (Union, types.UnionType):
        for arm in inner:
            yield from _walk(arm, value, sweeps, key)
    elif origin is list and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(inner[0], item, sweeps, f"{key}.{index}")
    elif origin is dict and isinstance(value, dict):
        for name, item in value.items():
            yield from _walk(inner[0], name, sweeps, key)
            yield from _walk(inner[1], item, sweeps, f"{key}.{name}")


def upstream_columns(names: Iterable[str], column: str) -> list[str]:
    """Find the columns that ``*.name`` may mean."""
    pattern = re.compile(rf"[a-z][a-z0-9_]*\.{re.escape(column[2:])}")
    return [c for c in names if pattern.fullmatch(c) and c.split(".")[0] not in GROUPS]
