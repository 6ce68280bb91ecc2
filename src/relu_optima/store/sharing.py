"""Who uses a store: records are removed only if nobody needs them.

A store may serve several projects, through links. Whoever uses a store that lies elsewhere says so
in it: ``store/.users/<hash>`` holds the path of its ``results``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from relu_optima.config.identity import digest
from relu_optima.errors import StoreError
from relu_optima.files import write_atomically

_USERS = ".users"


@dataclass(frozen=True)
class Users:
    """The results folders that use a store.

    Attributes
    ----------
    folders : tuple of Path
        Each ``results`` folder whose plans decide which records are needed.
    stale : tuple of Path
        Registrations of folders that use another store now.
    """

    folders: tuple[Path, ...]
    stale: tuple[Path, ...]


def register(results: Path) -> None:
    """Say in a store that lies elsewhere that this folder uses it."""
    store = results / "store"
    if store.is_symlink() or os.path.ismount(store):
        place = str(results.resolve())
        entry = store.resolve() / _USERS / digest(place)[:16]
        if not entry.exists():
            write_atomically(entry, place.encode())


def users_of_store(results: Path) -> Users:
    """Find all projects that use the store of this one."""
    store = results / "store"
    folders, stale = [results.resolve()], []
    if store.exists():
        folders.append(store.resolve().parent)
    for entry in sorted(store.glob(f"{_USERS}/[!.]*")):
        try:
            place = Path(entry.read_text(encoding="utf-8"))
            shared = (place / "store").samefile(store)
        except (OSError, ValueError) as error:
            raise StoreError(
                f"a project that uses this store cannot be seen: {error}",
                where=str(store),
                fix=f"make it reachable, or if it is gone for good delete {entry}",
            ) from None
        if shared:
            folders.append(place)
        else:
            stale.append(entry)
    return Users(tuple(dict.fromkeys(folders)), tuple(stale))
