"""Plug-ins: one module each, found by scanning packages; the plug-in's name is the module's.

Those of this package lie where `PLUGIN_PACKAGES` says, those of a project or of another package in
a folder with the name of their config group.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from pathlib import Path
from types import ModuleType

from relu_optima.config.base import Group
from relu_optima.config.places import plugin_packages
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


# what a plug-in offers besides its `Config`; a trainer has one of two
FUNCTIONS = {
    "dataset": ("load",), "pattern": ("masks",), "training": ("rule", "train"),
    "convex": ("run",), "pruning": ("steps",), "figure": ("plot",), "table": ("tabulate",),
}  # fmt: skip


def plugin_index(group: str) -> dict[str, str]:
    """Map the plug-ins of a config group to their modules; the project's hide others."""
    return _index(group, tuple(plugin_packages().items()))


@cache
def _index(group: str, packages: tuple[tuple[str, Path], ...]) -> dict[str, str]:
    built_in = PLUGIN_PACKAGES[group][0]
    places = {f"{package}.{group}": [str(folder / group)] for package, folder in packages}
    places[built_in] = list(importlib.import_module(built_in).__path__)
    return {
        module.name: f"{package}.{module.name}"
        for package, folders in reversed(places.items())
        for module in pkgutil.iter_modules(folders)
        if not module.name.startswith("_")
    }


def plugin_names(group: str) -> tuple[str, ...]:
    """List the plug-ins of a config group."""
    return tuple(sorted(plugin_index(group)))


def load_plugin(group: str, name: str) -> ModuleType:
    """Import one plug-in."""
    package, key = PLUGIN_PACKAGES[group]
    index = plugin_index(group)
    if name not in index:
        near = difflib.get_close_matches(name, index, n=1)
        raise ReluOptimaError(
            f"there is no {group} {key} {name!r}",
            where=f"{group}.{key}",
            allowed=", ".join(sorted(index)),
            fix=f"did you mean {near[0]!r}?" if near else f"add {package}.{name}",
        )
    module = index[name]
    if module.startswith(f"{package}."):
        return importlib.import_module(module)
    return _load_foreign(group, module)


def _load_foreign(group: str, name: str) -> ModuleType:
    """Import a plug-in of somebody else, whose faults are told as what they are."""
    try:
        module = importlib.import_module(name)
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise ReluOptimaError(
            f"plug-in {name} cannot be imported: {said}", where=group, fix="mend it"
        ) from error
    config = getattr(module, "Config", None)
    functions = FUNCTIONS[group]
    if not (isinstance(config, type) and issubclass(config, Group)) or not any(
        callable(getattr(module, function, None)) for function in functions
    ):
        raise ReluOptimaError(
            f"module {name} is no plug-in",
            where=group,
            allowed=f"a class Config and a function {' or '.join(functions)}",
            fix="relu-optima new writes one to begin with",
        )
    return module
