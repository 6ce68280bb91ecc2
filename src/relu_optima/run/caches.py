"""Where libraries keep their caches, if the home folder cannot be written.

Snakemake stops without a cache folder, numba cannot keep compiled code, matplotlib warns at every
start. Containers and batch systems often give no home folder, or one of somebody else.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

NAME = "relu-optima-cache"


def use_writable_caches(environment: MutableMapping[str, str], project: Path) -> None:
    """Leave the environment alone if its cache folder can be written; else name one that can."""
    usual = environment.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if os.path.isabs(usual) and _usable(Path(usual)):
        return
    folder = project.absolute() / "results" / ".cache"
    if not (project / "conf").is_dir() or not _usable(folder):
        folder = _private()
    environment["XDG_CACHE_HOME"] = str(folder)
    environment.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def _private() -> Path:
    """Return a temporary folder that nobody else can write: compiled code is run from it."""
    folder = Path(tempfile.gettempdir(), f"{NAME}-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        state = folder.lstat()
        if stat.S_ISDIR(state.st_mode) and (state.st_uid, state.st_mode & 0o077) == (
            os.getuid(),
            0,
        ):
            return folder
    except OSError:
        pass  # somebody else's file
    return Path(tempfile.mkdtemp(prefix=f"{NAME}-"))
