"""The table of all runs of a sweep, for sweeps that say what to ``show``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from relu_optima.config.reads import GROUPS
from relu_optima.plan.schema import SweepConfig


def run_table(name: str, sweep: SweepConfig, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Lay out one row for each run: the settings that tell the runs apart, then what is shown."""
    shown = [
        {"column": c} if isinstance(c, str) else c.model_dump(exclude_unset=True)
        for c in sweep.show
    ]
    there = {spec["column"] for spec in shown}
    settings = [{"column": c} for c in _settings(rows) if c not in there]
    words = name.replace("_", " ")
    return {
        "table": "runs",
        "sweeps": [name],
        "title": f"Runs: {words}",
        "caption": f"Every run of the sweep {words}: the settings that tell its runs apart, its "
        "main results and its status.",
        "category": "Runs",
        "columns": settings + shown,
    }


def _settings(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for row in rows for name in row)
    return telling_settings({name: [repr(row.get(name)) for row in rows] for name in names})


def telling_settings(columns: Mapping[str, Sequence[str]]) -> list[str]:
    """Choose columns that tell runs apart: presets first, seeds last, none that others decide."""
    chosen: list[str] = []
    kept: list[int] = []  # number of each row's group; rows of a group agree on what was chosen
    for name in sorted(columns, key=_rank):
        numbers: dict[tuple[int, str], int] = {}
        kept = kept or [0] * len(columns[name])
        finer = [
            numbers.setdefault(pair, len(numbers)) for pair in zip(kept, columns[name], strict=True)
        ]
        if len(numbers) > len(set(kept)):
            chosen.append(name)
            kept = finer
    return chosen


def _rank(column: str) -> int:
    """Rank a column: presets of groups, other values, seeds of runs, seeds inside groups."""
    *_, group, last = ("", *column.split("."))
    if last.endswith("seed"):
        return 3 if group in GROUPS else 2
    return 0 if last in GROUPS else 1
