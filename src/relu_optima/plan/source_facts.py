"""What a key needs to know of a source text: its hash, what it imports, what it defines.

Trees of all modules take longer than the rest of a plan, so the facts lie beside the compiled
modules, each under the SHA-256 of the text it was found in: a text that is edited has other facts,
whatever its time stamp says.
"""

from __future__ import annotations

import ast
import atexit
import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from relu_optima.config.snapshot import source

FILE = Path(__file__).parent / "__pycache__" / "source_facts.json"
MOST = 5_000  # texts that the file holds: those of many edits
_HasBody = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Imported:
    """One import statement.

    Attributes
    ----------
    level : int or None
        Dots of ``from ... import``; None for ``import``.
    module : str
        What stands after ``from``, or the module imported.
    names : list of str
        Names after ``from ... import``.
    checked : bool
        Whether only a type checker reads it.
    """

    level: int | None
    module: str
    names: list[str]
    checked: bool


@dataclass(frozen=True)
class Facts:
    """Facts of one text: hash of its tree without docstrings and positions, imports, names."""

    digest: str
    imports: list[Imported]
    defines: list[str]


def facts_of(text: bytes, name: str) -> Facts:
    """Return the facts of a source text; ``name`` is for the message of a syntax error."""
    known, key = _known(), hashlib.sha256(text).hexdigest()
    if key not in known:
        _save_at_exit()
        known[key] = _found_in(ast.parse(text, name))
    return known[key]


def _found_in(tree: ast.Module) -> Facts:
    imports = []
    for node, checked in _statements(tree):
        if isinstance(node, ast.Import):
            imports += [Imported(None, alias.name, [], checked) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
            imports.append(Imported(node.level, node.module or "", names, checked))
    defines = sorted(_defined(tree))
    text = ast.dump(_without_docstrings(tree), include_attributes=False)
    return Facts(hashlib.sha256(text.encode()).hexdigest(), imports, defines)


def _defined(tree: ast.Module) -> Iterator[str]:
    """Name the functions, classes and variables of a module."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (t.id for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, _HasBody) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _statements(node: ast.AST, checked: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Yield all statements, and whether only a type checker reads them."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        inner = checked or (
            part == "body"
            and isinstance(node, ast.If)
            and ast.unparse(node.test).endswith("TYPE_CHECKING")
        )
        for child in getattr(node, part, ()):
            yield child, inner
            yield from _statements(child, inner)


# -- the file ---------------------------------------------------------------------------------


@cache
def _known() -> dict[str, Facts]:
    """Read the facts of earlier processes; none of a damaged file or of other rules."""
    try:
        head, _, body = FILE.read_bytes().partition(b"\n")
        if head != _head(body):
            return {}
        return {
            key: Facts(digest, [Imported(*i) for i in imports], defines)
            for key, (digest, imports, defines) in json.loads(body).items()
        }
    except (OSError, ValueError, TypeError):
        return {}


def _head(body: bytes) -> bytes:
    """Name the interpreter and the text that found the facts, and hash what follows."""
    parts = (sys.version.encode(), source(__file__), body)
    return b" ".join(hashlib.sha256(part).hexdigest().encode() for part in parts)


@cache
def _save_at_exit() -> None:
    atexit.register(_save, dict(_known()))


def _save(before: dict[str, Facts]) -> None:
    """Add what this process found to what others have written by now."""
    found = {key: facts for key, facts in _known().items() if key not in before}
    _known.cache_clear()
    kept = {**_known(), **found}
    kept = dict(list(kept.items())[-MOST:])
    rows = {
        key: [f.digest, [list(asdict(i).values()) for i in f.imports], f.defines]
        for key, f in kept.items()
    }
    body = json.dumps(rows).encode()
    temporary = FILE.with_suffix(f".tmp-{os.getpid()}")
    with contextlib.suppress(OSError):  # a folder that cannot be written: found again next time
        FILE.parent.mkdir(exist_ok=True)
        temporary.write_bytes(_head(body) + b"\n" + body)
        temporary.replace(FILE)
