"""The package's source as this process runs it: each file is read once, hashed and executed alike.

Python reads a module when it is imported, or trusts a compiled copy whose time stamp agrees, and
whoever hashes the code reads it at another moment. An edit in between would file results of one
source under the key of another. So the processes that plan and compute take every module of this
package from here: what is executed are the bytes that were hashed, also in imports that come late.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

PACKAGE = __name__.partition(".")[0]
_sources: dict[str, bytes] = {}


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
    """Finds this package's modules where Python would, and has `_Loader` load them."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] != PACKAGE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(name, spec.loader.path)
            spec.cached = None
        return spec


def install() -> None:
    """Load every further module of this package from the snapshot; call it before any other.

    What is loaded already (the package's own file, this one, the command line) is read now.
    """
    if any(finder is _Finder for finder in sys.meta_path):
        return
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.partition(".")[0] == PACKAGE and file:
            source(file)
    sys.meta_path.insert(0, _Finder)
