"""Code keys: which first-party code a run depends on, blind to comments and docstrings.

Snakemake's own ``code`` trigger sees rule text only. A code key hashes the abstract syntax
trees of all modules of this package that a stage's entry module reaches through any import
statement, function-local ones included.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from relu_optima.config.identity import digest
from relu_optima.errors import StoreError
from relu_optima.foreign import open_regular
from relu_optima.stage import STAGES

PACKAGE = "relu_optima"
_HasBody = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class SourceTree:
    """The source of one installed copy of the package.

    Parameters
    ----------
    root : Path, optional
        Folder of the package; the running one by default.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or Path(__file__).parent
        self._trees: dict[str, ast.Module] = {}
        self._hashes: dict[str, str] = {}
        self._imports: dict[str, frozenset[str]] = {}
        self._closures: dict[frozenset[str], str] = {}

    def path(self, module: str) -> Path | None:
        """Find the file of a module.

        Parameters
        ----------
        module : str
            Dotted name.

        Returns
        -------
        Path or None
            None if it is not a module of this package.
        """
        parts = module.split(".")
        if parts[0] != PACKAGE:
            return None
        base = self.root.joinpath(*parts[1:])
        for candidate in (base / "__init__.py", base.with_suffix(".py")):
            if candidate.is_file() and candidate != self.root.with_suffix(".py"):
                return candidate
        return None

    def _tree(self, module: str) -> ast.Module:
        if module not in self._trees:
            path = self.path(module)
            if path is None:
                raise StoreError(f"there is no module {module}", where="code key")
            self._trees[module] = ast.parse(path.read_bytes(), str(path))
        return self._trees[module]

    def _is_package(self, module: str) -> bool:
        path = self.path(module)
        return path is not None and path.name == "__init__.py"

    def imports(self, module: str) -> frozenset[str]:
        """List the first-party modules that a module imports anywhere in its text.

        Parameters
        ----------
        module : str
            Dotted name.

        Returns
        -------
        frozenset of str
            Dotted names. A name taken from a package that is not one of its submodules may come
            from any of them (lazy exports), so then the whole package counts.
        """
        if module not in self._imports:
            found: set[str] = set()
            for node in ast.walk(self._tree(module)):
                if isinstance(node, ast.Import):
                    found.update(a.name for a in node.names)
                elif isinstance(node, ast.ImportFrom):
                    found |= self._from_import(module, node)
            self._imports[module] = frozenset(m for m in found if self.path(m) is not None)
        return self._imports[module]

    def _from_import(self, module: str, node: ast.ImportFrom) -> set[str]:
        base = node.module or ""
        if node.level:
            parts = module.split(".")
            drop = node.level - (1 if self._is_package(module) else 0)
            base = ".".join([*parts[: len(parts) - drop], *([base] if base else [])])
        if self.path(base) is None:
            return set()
        found = {base}
        for alias in node.names:
            name = f"{base}.{alias.name}"
            if self.path(name) is not None:
                found.add(name)
            elif self._is_package(base) and not self._defines(base, alias.name):
                folder = self.path(base)
                assert folder is not None
                found.update(f"{base}.{p.stem}" for p in folder.parent.glob("*.py"))
        return found

    def _defines(self, module: str, name: str) -> bool:
        for node in self._tree(module).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                return True
            if isinstance(node, ast.Assign):
                targets = [t.id for t in node.targets if isinstance(t, ast.Name)]
                if name in targets:
                    return True
            if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", None) == name:
                return True
        return False

    def closure(self, modules: Iterable[str]) -> set[str]:
        """Follow imports from some modules until nothing new is reached.

        Parameters
        ----------
        modules : iterable of str
            Where to start.

        Returns
        -------
        set of str
            All modules reached, their parent packages included.
        """
        seen: set[str] = set()
        todo = list(modules)
        while todo:
            module = todo.pop()
            if module in seen:
                continue
            seen.add(module)
            todo.extend(self.imports(module))
            parent = module.rpartition(".")[0]
            if parent:
                todo.append(parent)
        return seen

    def module_hash(self, module: str) -> str:
        """Hash one module's syntax tree without docstrings and positions.

        Parameters
        ----------
        module : str
            Dotted name.

        Returns
        -------
        str
            SHA-256 in hexadecimal.
        """
        if module not in self._hashes:
            text = ast.dump(_without_docstrings(self._tree(module)), include_attributes=False)
            self._hashes[module] = hashlib.sha256(text.encode()).hexdigest()
        return self._hashes[module]

    def key(self, modules: Iterable[str]) -> str:
        """Hash everything that some modules reach.

        Parameters
        ----------
        modules : iterable of str
            Entry modules: the stage's and those of the plug-ins its config names.

        Returns
        -------
        str
            SHA-256 in hexadecimal.
        """
        start = frozenset(modules)
        if start not in self._closures:
            lines = [f"{m} {self.module_hash(m)}" for m in sorted(self.closure(start))]
            self._closures[start] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return self._closures[start]


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, _HasBody) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


@cache
def running_source() -> SourceTree:
    """Return the source tree of this process, read once.

    Returns
    -------
    SourceTree
        The tree.
    """
    return SourceTree()


@cache
def file_digest(path: Path) -> str:
    """Hash a file that a run reads.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        SHA-256 in hexadecimal.

    Raises
    ------
    OSError
        If it cannot be read, or is no regular file: a pipe or a device would never end.
    """
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def run_code_key(stage: str, modules: list[str], files: list[str], upstream_keys: list[str]) -> str:
    """Hash the code and the files that decide a run, upstream ones included.

    Parameters
    ----------
    stage : str
        Stage name.
    modules : list of str
        Plug-in modules that the run's config names.
    files : list of str
        Digests of the files it reads.
    upstream_keys : list of str
        Code keys of the runs it builds on.

    Returns
    -------
    str
        First 16 hexadecimal digits of SHA-256.
    """
    source = running_source().key([f"{STAGES[stage].package}.stage", *modules])
    return digest([source, sorted(files), sorted(upstream_keys)])[:16]
