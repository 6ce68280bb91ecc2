"""Write docs/tolerances.md from the settings and from the constants in the source."""

import ast
import re
from pathlib import Path

from relu_optima.config.options import Option, options_of
from relu_optima.config.plugins import PLUGIN_PACKAGES, plugin_names
from relu_optima.stage import STAGES

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src/relu_optima"
NAME = re.compile(r"(^|[._])(tol|tolerance)$")
PAGE = "docs/tolerances.md"
SMALL = 1e-3  # a constant of at most this size is a tolerance
HEAD = """# Tolerances

What may be set comes first, then what is built in, by the module that owns it, each with what it is
relative to. A smaller tolerance than float64 can reach is no error: the row's status says that it
was not reached. This page is written by `python -m tests.tolerances_page`.

## Settings

| setting | default | what it is |
| --- | --- | --- |
"""


def page() -> str:
    """Return the text of the page."""
    lines = [f"| `{group}.{o.key}` | {o.default} | {o.meaning} |" for group, o in settings()]
    parts = [HEAD, "\n".join(lines), "\n\n## Built in\n\n| module | name | value | of what |\n"]
    parts.append("| --- | --- | --- | --- |\n")
    for module, name, value, about in constants():
        parts.append(f"| `{module}` | `{name}` | {value} | {about.replace('|', '&#124;')} |\n")
    return "".join(parts)


def settings() -> list[tuple[str, Option]]:
    """List the tolerances of the config groups; of a plug-in those that differ from its group's."""
    found = []
    for group in sorted({group for stage in STAGES.values() for group in stage.groups}):
        common = [o for o in options_of(group) if NAME.search(o.key)]
        found += [(group, o) for o in common]
        for plugin in plugin_names(group) if group in PLUGIN_PACKAGES else ():
            own = [o for o in options_of(f"{group}.{plugin}") if NAME.search(o.key)]
            found += [(f"{group}.{plugin}", o) for o in own if o not in common]
    return found


def constants() -> list[tuple[str, str, str, str]]:
    """List the small numbers with a name: module, name, value and the comment beside it."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name, value = node.targets[0].id, node.value
                numbers = value.elts if isinstance(value, ast.Tuple) else [value]
                if name.isupper() and any(_is_small(n) for n in numbers):
                    about = text.splitlines()[node.lineno - 1].partition("#")[2].strip()
                    module = path.relative_to(SOURCE).with_suffix("").as_posix()
                    found.append((module, name, ast.unparse(value), about))
    return found


def _is_small(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Constant) and isinstance(node.value, float) and 0 < node.value <= SMALL
    )


if __name__ == "__main__":
    Path(PAGE).write_text(page(), encoding="utf-8")
