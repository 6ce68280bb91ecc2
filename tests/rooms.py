"""The rooms of the house: packages and root modules, what each is for, and which it imports.

``python -m tests.rooms`` writes them into docs/architecture.md; tests/test_rooms.py holds the two
together and refuses circles.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "relu_optima"
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: written by python -m tests.rooms -->", "<!-- end of rooms -->"


def modules() -> dict[str, Path]:
    """Return the file of each module by its dotted name below the package."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room(module: str) -> str:
    """Return the package at the root, or the root module, that a module belongs to."""
    return module.split(".")[0]


def imported(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield the modules of this package that a file imports, function-local imports included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"{node.module}.{a.name}" for a in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "relu_optima":
                below = name.partition(".")[2]
                yield below if below in known else below.rpartition(".")[0]


def arrows() -> dict[str, set[str]]:
    """Return for each room the rooms it imports."""
    known = modules()
    out: dict[str, set[str]] = {room(m): set() for m in known if m}
    for module, path in known.items():
        for target in imported(path, known):
            if module and target and room(target) != room(module):
                out[room(module)].add(room(target))
    return out


def circles(imports: dict[str, set[str]]) -> list[str]:
    """Return the rooms that reach themselves."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        todo = [start]
        while todo:
            for target in imports[todo.pop()] - seen:
                seen.add(target)
                todo.append(target)
        return seen

    return sorted(r for r in imports if r in reached(r))


def floors(imports: dict[str, set[str]]) -> dict[str, int]:
    """Return the floor of each room: one above the highest that it imports."""
    level: dict[str, int] = {}

    def of(name: str) -> int:
        if name not in level:
            level[name] = 1 + max((of(t) for t in imports[name]), default=0)
        return level[name]

    for name in imports:
        of(name)
    return level


def purpose(name: str) -> str:
    """Return the first sentence of a room's docstring."""
    path = modules()[name]
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "/")


def block() -> str:
    """Write the rooms as a table, top floor first."""
    imports = arrows()
    level = floors(imports)
    lines = ["| floor | room | what it is for | imports |", "| --- | --- | --- | --- |"]
    for name in sorted(imports, key=lambda r: (-level[r], r)):
        package = (SOURCE / name).is_dir()
        below = ", ".join(f"`{t}`" for t in sorted(imports[name])) or "–"
        shown = f"`{name}/`" if package else f"`{name}.py`"
        lines.append(f"| {level[name]} | {shown} | {purpose(name)} | {below} |")
    total = sum(map(len, imports.values()))
    high = max(level.values())
    lines += ["", f"{len(imports)} rooms on {high} floors, {total} arrows, all down."]
    return "\n".join(lines)


def main() -> None:
    """Write the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{block()}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
