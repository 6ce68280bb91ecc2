"""Where all is looked for: in the project, in installed packages of plug-ins, in this package.

A project of one's own holds only its own files: ``conf/``, ``plugins/``, parts of ``workflow/``. A
package of plug-ins is laid out like the folder ``plugins/``, with its presets in a folder ``conf``,
and is found by its entry point. A checkout is a project whose own files are all that there are.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from importlib import metadata
from pathlib import Path

from relu_optima.config.snapshot import follow, followed
from relu_optima.errors import ConfigError, ReluOptimaError

CONF = "conf"
PLUGINS = "plugins"
ENTRY_POINTS = "relu_optima.plugins"


@cache
def home() -> Path:
    """Return the folder of the Snakefile, workflow and presets that come with this package.

    A wheel carries copies of them inside of the package; a checkout has them at its top level.
    """
    package = Path(__file__).absolute().parents[1]
    carried = package / "carried"
    return carried if carried.is_dir() else package.parents[1]


def plugin_packages() -> dict[str, Path]:
    """Find the packages of plug-ins beside this one, by import name: the project's come first."""
    return _packages(Path.cwd())


@cache
def _packages(project: Path) -> dict[str, Path]:
    found = {}
    own = project / PLUGINS
    if own.is_dir() and (project / CONF).is_dir():
        if followed(PLUGINS) not in (None, own):
            raise ReluOptimaError(
                f"this process has loaded those of {followed(PLUGINS)}",
                where=str(own),
                fix="work on another project in a new process",
            )
        found[PLUGINS] = own
    for point in sorted(metadata.entry_points(group=ENTRY_POINTS), key=lambda point: point.value):
        spec = None if "." in point.value else importlib.util.find_spec(point.value)
        if spec is None or not spec.submodule_search_locations:
            raise ReluOptimaError(
                f"{point.value!r} is no installed package",
                where=f"entry point {point.name!r} of {ENTRY_POINTS}",
                allowed="a top-level package with folders dataset, pruning, figure, ...",
            )
        found[point.value] = Path(next(iter(spec.submodule_search_locations))).absolute()
    for package, folder in found.items():
        follow(package, folder)
    return found


def layers(conf: Path) -> tuple[Path, ...]:
    """List the folders that are searched for presets and studies, the project's own first."""
    if not conf.is_dir():
        raise ConfigError(
            [f"{conf}: there is no such folder here"],
            fix="run from the root of a project, or make one: relu-optima init NAME",
        )
    packages = (folder / CONF for folder in plugin_packages().values())
    every = (conf, *(folder for folder in packages if folder.is_dir()), home() / CONF)
    return tuple(dict.fromkeys(folder.absolute() for folder in every))


def find(conf: Path, name: str) -> Path:
    """Find a file of the configuration; where there is none, name the project's own place."""
    found = (folder / name for folder in layers(conf))
    return next((path for path in found if path.exists()), conf / name)


def shown(conf: Path, path: Path) -> str:
    """Name a file of the configuration for messages: from ``conf/`` on, or in full elsewhere."""
    own = conf.absolute()
    return f"{own.name}/{path.relative_to(own).as_posix()}" if own in path.parents else str(path)


def workflow_file(root: Path, name: str) -> Path:
    """Find the Snakefile or a part of the workflow, the project's own first."""
    own = root / name
    return own if own.exists() else home() / name
