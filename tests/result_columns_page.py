"""Write docs/columns.md from what stages and plug-ins declare."""

from pathlib import Path

from relu_optima.config.plugins import PLUGIN_PACKAGES, plugin_names
from relu_optima.publish.declared import IDENTITY, WITHOUT_RESULT, plugin_columns, stage_columns
from relu_optima.stage import STAGES

PAGE = "docs/columns.md"
HEAD = """# Result columns

Every column that a stage's runs may have, as declared in `src/relu_optima/<package>/columns.py` or
in a plug-in's module. Figures, tables and `where` name them like this; a sweep that builds on
another one has the other's columns, without series, as `<sweep>.<column>`. A run without a result
has none of them but `message`. This page is written by `python -m tests.result_columns_page`.
"""


def page() -> str:
    """Return the text of the page."""
    parts = [HEAD, "\n## All stages\n\n", _table([*IDENTITY, WITHOUT_RESULT])]
    for stage in STAGES.values():
        own = [c for c in stage_columns(stage.name) if c != WITHOUT_RESULT]
        parts += [f"\n## `{stage.name}`\n\n", _table(own)]
        for group in stage.groups:
            for name in plugin_names(group) if group in PLUGIN_PACKAGES else ():
                if plugin_columns(group, name):
                    key = PLUGIN_PACKAGES[group][1]
                    parts += [f"\nWith `{group}.{key}: {name}` also:\n\n"]
                    parts += [_table(plugin_columns(group, name))]
    return "".join(parts)


def _table(columns) -> str:
    lines = ["| column | heading | what it is |", "| --- | --- | --- |"]
    for c in columns:
        unit = f" ({c.unit})" if c.unit else ""
        when = f" Only with {c.when}." if c.when else ""
        lines.append(f"| `{c.column}` | {c.heading}{unit} | {c.about}{when} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(PAGE).write_text(page(), encoding="utf-8")
