"""Find what stages and plug-ins declare of their result columns (`config.result_columns`)."""

from __future__ import annotations

import importlib
from functools import cache

from relu_optima.config.plugins import PLUGIN_PACKAGES, load_plugin, plugin_names
from relu_optima.config.result_columns import ResultColumn, text
from relu_optima.stage import STAGES

# Identity of a row, made by the pipeline and the same for every stage.
IDENTITY = (
    text("run_id", "Run id.", label="run"),
    text("code_key", "Which code computed it."),
    text("sweep", "Sweep it belongs to."),
    text("stage", "Stage that computed it."),
    text("status", "`ok`, or what else became of the run."),
)
WITHOUT_RESULT = text("message", "Why the run has no result.", when="runs without a result")


def stage_columns(stage: str) -> tuple[ResultColumn, ...]:
    """List what a stage declares, without what only single plug-ins add."""
    module = importlib.import_module(f"{STAGES[stage].package}.columns")
    columns: tuple[ResultColumn, ...] = (*module.COLUMNS, WITHOUT_RESULT)
    return columns


def plugin_columns(group: str, name: str) -> tuple[ResultColumn, ...]:
    """List what a plug-in declares."""
    columns: tuple[ResultColumn, ...] = getattr(load_plugin(group, name), "COLUMNS", ())
    return columns


@cache
def every_column() -> tuple[ResultColumn, ...]:
    """List all columns of all stages and of their plug-ins."""
    columns = list(IDENTITY)
    for stage in STAGES.values():
        columns += stage_columns(stage.name)
        for group in stage.groups:
            for name in plugin_names(group) if group in PLUGIN_PACKAGES else ():
                columns += plugin_columns(group, name)
    return tuple(columns)


@cache
def declared_labels() -> dict[str, str]:
    """Collect the headings that stages and their plug-ins choose."""
    return {c.name: c.label for c in every_column() if c.label}


@cache
def declared_units() -> dict[str, str]:
    """Collect the units of result columns."""
    return {c.name: c.unit for c in every_column() if c.unit}
