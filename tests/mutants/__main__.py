"""Run the tests of trusted code against mutants of it: ``python -m tests.mutants existence``.

The targets: ``existence``, the checker of existence certificates, and ``formulas``, what the other
stages compute.

Every mutant replaces one piece of source text. A forked child imports the mutated package and runs
the tests in-process, so that what they prepare from unchanged code is prepared once. A mutant that
the tests accept survives, and one under which they could not run says nothing: the command prints
both and exits with 1.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.abc
import importlib.util
import io
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

TARGETS = ("existence", "formulas")
PASSED, FAILED, BROKEN = 0, 1, 2


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Import one module from other source text."""

    def __init__(self, name: str, source: str, path: str) -> None:
        self.name, self.source, self.path = name, source, path

    def find_spec(self, name, path=None, target=None):
        """Claim the one module."""
        if name != self.name:
            return None
        return importlib.util.spec_from_loader(name, self, origin=self.path)

    def exec_module(self, module: ModuleType) -> None:
        """Run the mutated text."""
        module.__file__ = self.path
        exec(compile(self.source, self.path, "exec"), module.__dict__)


def mutated_source(package: str, module: str, old: str, new: str) -> tuple[str, str]:
    """Return the path and the mutated text of a module; the old text must stand there once."""
    spec = importlib.util.find_spec(f"{package}.{module}")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text(encoding="utf-8")
    if source.count(old) != 1:
        raise SystemExit(f"{module}: {old!r} stands there {source.count(old)} times, not once")
    return spec.origin, source.replace(old, new)


def verdict(target: ModuleType, module: str, path: str, source: str) -> int:
    """Fork a child that runs the tests against a mutant; its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = BROKEN
    try:
        for name in [n for n in sys.modules if n.startswith((target.PACKAGE, *target.FORGET))]:
            del sys.modules[name]
        sys.meta_path.insert(0, Mutated(f"{target.PACKAGE}.{module}", source, path))
        text = io.StringIO()
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            code = run(target.tests_of(module))
    finally:
        os._exit(code)


def run(tests: list[str]) -> int:
    """Run tests up to the first failure; 0 if all pass, 1 if one fails, 2 if none ran."""
    status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])
    known = {pytest.ExitCode.OK: PASSED, pytest.ExitCode.TESTS_FAILED: FAILED}
    return known.get(pytest.ExitCode(status), BROKEN)


def main() -> int:
    """Run all mutants of a target, or those named."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("names", nargs="*", help="mutants; all by default")
    options = parser.parse_args()
    target = importlib.import_module(f"tests.mutants.{options.target}")
    chosen = {n: target.MUTANTS[n] for n in options.names or target.MUTANTS}
    sources = {
        n: (module, *mutated_source(target.PACKAGE, module, old, new))
        for n, (module, old, new) in chosen.items()
    }
    target.prepare()
    suites = {tuple(target.tests_of(module)) for module, _, _ in chosen.values()}
    for tests in sorted(suites):
        if run(list(tests)) != PASSED:
            raise SystemExit(f"{' '.join(tests)}: the tests fail without any mutant")
    survivors = []
    for name, (module, path, source) in sources.items():
        code = verdict(target, module, path, source)
        word = {PASSED: "SURVIVES", FAILED: "killed"}.get(code, f"COULD NOT RUN ({code})")
        print(f"{name:24} {word}", flush=True)
        survivors += [name] if code != FAILED else []
    print(f"{len(sources) - len(survivors)} of {len(sources)} killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
