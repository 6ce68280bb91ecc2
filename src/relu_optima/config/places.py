"""Where configuration and workflow are looked for: the project's folder, then this package.

A project of one's own holds only its own files. A checkout is a project whose own files are all of
them: there the search finds nothing that is not found at its first place.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from relu_optima.errors import ConfigError

CONF = "conf"


@cache
def home() -> Path:
    """Return the folder of the Snakefile, workflow and presets that come with this package.

    A wheel carries copies of them inside of the package; a checkout has them at its top level.
    """
    package = Path(__file__).absolute().parents[1]
    carried = package / "carried"
    return carried if carried.is_dir() else package.parents[1]


def layers(conf: Path) -> tuple[Path, ...]:
    """List the folders that are searched for presets and studies, the project's own first."""
    if not conf.is_dir():
        raise ConfigError(
            [f"{conf}: there is no such folder here"],
            fix="run from the root of a project, or make one: relu-optima init NAME",
        )
    return tuple(dict.fromkeys(f.absolute() for f in (conf, home() / CONF)))


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
