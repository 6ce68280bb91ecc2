"""Keys of runs: which code, files and libraries a run depends on, blind to comments and docstrings.

Snakemake's own ``code`` trigger sees rule text only. A key hashes the abstract syntax trees of all
modules of this package, and of packages of plug-ins, that a stage's entry module and its plug-ins
reach through any import statement, function-local ones included, and the versions of all libraries
these reach.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from relu_optima.config.identity import digest
from relu_optima.config.snapshot import PACKAGE, followed, source
from relu_optima.config.validate import Reach, plugin_modules
from relu_optima.errors import StoreError
from relu_optima.plan.environment import Environment, environment_of
from relu_optima.plan.source_facts import Facts, Imported, facts_of
from relu_optima.stage import STAGES

# Code that flattens records into the rows of batch files and collected sweeps.
_ROWS = tuple(
    f"{PACKAGE}.{name}" for name in ("run.batch", "plan.columns", "run.collect", "store.parquet")
)


class SourceTree:
    """The source of one installed copy of the package."""

    def __init__(
        self, root: Path | None = None, read: Callable[[Path], bytes] = Path.read_bytes
    ) -> None:
        self.root = root or Path(__file__).parents[1]
        self.read = read
        self._paths: dict[str, Path | None] = {}
        self._facts: dict[str, Facts] = {}
        self._imports: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        self._closures: dict[frozenset[str], set[str]] = {}
        self._keys: dict[frozenset[str], str] = {}
        self._environments: dict[frozenset[str], Environment] = {}
        # most runs of a plan differ in values only
        self.run_keys: dict[tuple[Any, ...], RunKey] = {}

    def path(self, module: str) -> Path | None:
        """Find the file of a module of this package or of one that holds plug-ins."""
        if module not in self._paths:
            self._paths[module] = self._find(module)
        return self._paths[module]

    def _find(self, module: str) -> Path | None:
        top, *parts = module.split(".")
        folder = self.root if top == PACKAGE else followed(top)
        if folder is None:
            return None
        base = folder.joinpath(*parts)
        candidates = [base / "__init__.py", *([base.with_suffix(".py")] if parts else [])]
        return next((path for path in candidates if path.is_file()), None)

    def facts(self, module: str) -> Facts:
        """Return what a module's text says."""
        if module not in self._facts:
            path = self.path(module)
            if path is None:
                raise StoreError(f"there is no module {module}", where="code key")
            self._facts[module] = facts_of(self.read(path), str(path))
        return self._facts[module]

    def _is_package(self, module: str) -> bool:
        path = self.path(module)
        return path is not None and path.name == "__init__.py"

    def imports(self, module: str) -> frozenset[str]:
        """List the first-party modules that a module imports anywhere in its text."""
        return self._scanned(module)[0]

    def _from_import(self, module: str, statement: Imported) -> set[str]:
        base = statement.module
        if statement.level:
            parts = module.split(".")
            drop = statement.level - (1 if self._is_package(module) else 0)
            base = ".".join([*parts[: len(parts) - drop], *([base] if base else [])])
        # a folder of plug-ins needs no __init__.py
        found = {base} if self.path(base) is not None else set()
        for alias in statement.names:
            name = f"{base}.{alias}"
            if self.path(name) is not None:
                found.add(name)
            elif self._is_package(base) and alias not in self.facts(base).defines:
                folder = self.path(base)
                assert folder is not None
                found.update(f"{base}.{p.stem}" for p in folder.parent.glob("*.py"))
        return found

    def libraries(self, module: str) -> frozenset[str]:
        """List the top-level modules of other projects that a module imports anywhere."""
        return self._scanned(module)[1]

    def _scanned(self, module: str) -> tuple[frozenset[str], frozenset[str]]:
        """Find what a module imports of this package and of others."""
        if module not in self._imports:
            own: set[str] = set()
            others: set[str] = set()
            for statement in self.facts(module).imports:
                if statement.level is None:
                    own.add(statement.module)
                else:
                    own |= self._from_import(module, statement)
                if not statement.level and not statement.checked:
                    others.add(statement.module.partition(".")[0])
            self._imports[module] = (
                frozenset(m for m in own if self.path(m) is not None),
                frozenset(
                    name
                    for name in others - sys.stdlib_module_names - {PACKAGE}
                    if followed(name) is None
                ),
            )
        return self._imports[module]

    def environment(self, modules: Iterable[str]) -> Environment:
        """Look up the libraries that some modules reach."""
        start = frozenset(modules)
        if start not in self._environments:
            reached = self.closure(start)
            self._environments[start] = environment_of(
                frozenset().union(*(self.libraries(module) for module in reached))
            )
        return self._environments[start]

    def closure(self, modules: Iterable[str]) -> set[str]:
        """Follow imports from some modules until nothing new is reached."""
        start = frozenset(modules)
        if start in self._closures:
            return self._closures[start]
        seen: set[str] = set()
        todo = list(start)
        while todo:
            module = todo.pop()
            if module in seen:
                continue
            seen.add(module)
            todo.extend(self.imports(module))
            parent = module.rpartition(".")[0]
            if self.path(parent) is not None:
                todo.append(parent)
        self._closures[start] = seen
        return seen

    def module_hash(self, module: str) -> str:
        """Hash one module's syntax tree without docstrings and positions."""
        return self.facts(module).digest

    def key(self, modules: Iterable[str]) -> str:
        """Hash everything that some modules reach."""
        start = frozenset(modules)
        if start not in self._keys:
            lines = [f"{m} {self.module_hash(m)}" for m in sorted(self.closure(start))]
            self._keys[start] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return self._keys[start]


@cache
def running_source() -> SourceTree:
    """Return the source tree that this process runs."""
    return SourceTree(read=source)


class Keyed(Protocol):
    """What a run's key needs to know of the runs it builds on."""

    @property
    def code(self) -> str:
        """Return the hash of the run's code and files."""

    @property
    def code_key(self) -> str:
        """Return the run's address in the store."""


@dataclass(frozen=True)
class RunKey:
    """What a run depends on.

    Attributes
    ----------
    code : str
        Hash of code and files, those of upstream runs included: the same in every environment.
    environment : Environment
        The libraries that the run itself reaches.
    code_key : str
        Hash of both, and of the upstream runs' keys: the run's address in the store.
    """

    code: str
    environment: Environment
    code_key: str


def key_of(stage: str, groups: Iterable[Reach], upstream: Iterable[Keyed]) -> RunKey:
    """Hash the code, the files and the libraries that decide a run, upstream ones included."""
    groups = list(groups)
    modules = tuple(m for g in groups for m in g.modules)
    files = tuple(sorted(f for g in groups for f in g.files))
    below = tuple(sorted((u.code, u.code_key) for u in upstream))
    tree = running_source()
    known = tree.run_keys.get((stage, modules, files, below))
    if known is None:
        start = [f"{STAGES[stage].package}.stage", *modules]
        environment = tree.environment(start)
        code = digest([tree.key(start), files, [code for code, _ in below]])[:16]
        address = address_of(code, environment, (key for _, key in below))
        known = RunKey(code, environment, address)
        tree.run_keys[stage, modules, files, below] = known
    return known


def address_of(code: str, environment: Environment, upstream: Iterable[str]) -> str:
    """Hash code, libraries and the keys of upstream runs to a run's address in the store."""
    return digest([code, environment.id, sorted(upstream)])[:16]


def product_digest(
    kind: str, config: Mapping[str, Any], note: str, headings: Mapping[str, list[str]]
) -> str:
    """Hash what decides the files of a figure or table, besides the sweeps it is made from."""
    modules = [*plugin_modules(kind, config), f"{PACKAGE}.publish.render"]
    tree = running_source()
    return digest([config, tree.key(modules), tree.environment(modules).id, note, headings])


def page_digest(package: str, content: str) -> str:
    """Hash what decides a page: what it shows, and the code, styles and scripts of a package."""
    tree = running_source()
    folder = tree.root.joinpath(*package.split("."))
    files = [p for p in sorted(folder.parent.rglob("*")) if p.suffix in (".css", ".js")]
    hashes = [hashlib.sha256(p.read_bytes()).hexdigest() for p in files]
    return digest([content, tree.key([f"{PACKAGE}.{package}.page"]), hashes])


@cache
def rows_key() -> str:
    """Hash the code and libraries that write records as the rows of a Parquet file."""
    tree = running_source()
    libraries = frozenset().union(*(tree.libraries(module) for module in _ROWS))
    hashes = [tree.module_hash(module) for module in _ROWS]
    return digest([hashes, environment_of(libraries).id])[:16]
