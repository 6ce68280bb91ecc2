"""Plug-ins: one module each, found by scanning a package; the plug-in's name is the module's."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from types import ModuleType

from relu_optima.errors import ReluOptimaError

# config group -> (package that holds the plug-ins, key of the group that names one)
PLUGIN_PACKAGES: dict[str, tuple[str, str]] = {
    "dataset": ("relu_optima.datasets.loaders", "loader"),
    "pattern": ("relu_optima.patterns.families", "family"),
    "training": ("relu_optima.training.methods", "method"),
    "convex": ("relu_optima.convex.programs", "program"),
    "pruning": ("relu_optima.pruning.methods", "method"),
    "figure": ("relu_optima.publish.figures", "plot"),
    "table": ("relu_optima.publish.tables", "table"),
}


@cache
def plugin_names(group: str) -> tuple[str, ...]:
    """List the plug-ins of a config group."""
    package = importlib.import_module(PLUGIN_PACKAGES[group][0])
    names = (m.name for m in pkgutil.iter_modules(package.__path__))
    return tuple(sorted(n for n in names if not n.startswith("_")))


def load_plugin(group: str, name: str) -> ModuleType:
    """Import one plug-in."""
    package, key = PLUGIN_PACKAGES[group]
    names = plugin_names(group)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        raise ReluOptimaError(
            f"there is no {group} {key} {name!r}",
            where=f"{group}.{key}",
            allowed=", ".join(names),
            fix=f"did you mean {near[0]!r}?" if near else f"add {package}.{name}",
        )
    return importlib.import_module(f"{package}.{name}")
