"""The package's source as this process runs it: each file is read once, hashed and executed alike.

Python reads a module when it is imported, or trusts a compiled copy whose time stamp agrees, and
whoever hashes the code reads it at another moment. An edit in between would file results of one
source under the key of another. So the processes that plan and compute take every module of this
package from here: what is executed are the bytes that were hashed, also in imports that come late.
Packages of plug-ins are loaded in the same way, from the folders where they were found.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

PACKAGE = __name__.partition(".")[0]
_sources: dict[str, bytes] = {}
_followed: dict[str, Path] = {}  # packages that are loaded from here, and their folders


def source(path: str | Path) -> bytes:
    """Return the content of a source file as this process runs it."""
    name = os.path.abspath(path)
    if name not in _sources:
        _sources[name] = Path(name).read_bytes()
    return _sources[name]


class _Loader(SourceFileLoader):
    """Executes the bytes that `source` returns, and no compiled copy of them."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code = self.source_to_code(source(path), path)
        assert isinstance(code, CodeType)
        return code


class _Finder:
    """Finds modules of followed packages where Python would, and has `_Loader` load them."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top = name.partition(".")[0]
        if top not in _followed:
            return None
        spec = _of_package(top) if name == top else PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(name, spec.loader.path)
            spec.cached = None
        return spec


def _of_package(name: str) -> ModuleSpec | None:
    """Find a followed package itself; its folder need not hold an ``__init__.py``."""
    folder = _followed[name]
    file = folder / "__init__.py"
    if file.is_file():
        return spec_from_file_location(name, file, submodule_search_locations=[str(folder)])
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    return spec


def followed(package: str) -> Path | None:
    """Return the folder of a top-level package that is loaded from here."""
    return _followed.get(package)


def follow(package: str, folder: Path) -> None:
    """Load every further module of a package from its folder, by the snapshot."""
    _followed[package] = folder
    if not any(finder is _Finder for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder)


def install() -> None:
    """Load every further module of this package from the snapshot; call it before any other.

    What is loaded already (the package's own file, this one, the command line) is read now.
    """
    if PACKAGE in _followed:
        return
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.partition(".")[0] == PACKAGE and file:
            source(file)
    follow(PACKAGE, Path(__file__).absolute().parents[1])
