"""The findings of a study: every row of its tables of checked claims, in the order of its files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from relu_optima.errors import StoreError
from relu_optima.plan.model import Manifest
from relu_optima.publish.formats import MISSING, format_value
from relu_optima.publish.table_config import Format
from relu_optima.store.soundness import REPAIR

WORDS = {"pass": "holds", "fail": "does not hold", "not measured": "not measured"}


@dataclass(frozen=True)
class Finding:
    """One statement with the number that was held against it.

    Attributes
    ----------
    statement, verdict : str
        The words of the claim; ``holds``, ``does not hold`` or ``not measured``.
    number, about, bound : str
        The number with its interval, what it is of how many runs, what was asked of it; empty
        where a claim is about single runs.
    figure : str
        Figure that shows it, or nothing.
    sweeps : tuple of str
        Sweeps whose runs it is about.
    table : str
        The table of claims it stands in.
    """

    statement: str
    verdict: str
    number: str
    about: str
    bound: str
    figure: str
    sweeps: tuple[str, ...]
    table: str


def findings_of(manifest: Manifest, folder: Path) -> list[Finding]:
    """Read the findings from the CSV files of the tables of claims."""
    return [
        finding
        for name, table in manifest.tables.items()
        if table.config["table"] == "claims"
        for finding in _read(folder / "tables" / f"{name}.csv", name, table.config["format"])
    ]


def _read(path: Path, table: str, form: Format) -> Iterator[Finding]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        for row in rows:
            yield Finding(
                statement=row["claim"],
                verdict=WORDS[row["verdict"]],
                number=_number(row, form),
                about=_about(row),
                bound=row["bound"],
                figure=row["figure"],
                sweeps=tuple(row["sweeps"].split()),
                table=table,
            )
    except (OSError, KeyError, ValueError) as error:
        raise StoreError(
            f"cannot be read: {type(error).__name__} {error}", where=str(path), fix=REPAIR
        ) from None


def _number(row: dict[str, str], form: Format) -> str:
    value, low, high = (
        format_value(float(row[c]), form, {}) if row[c] else MISSING
        for c in ("extreme", "low", "high")
    )
    if value == MISSING:
        return ""
    return value if MISSING in (low, high) else f"{value} [{low}, {high}]"


def _about(row: dict[str, str]) -> str:
    """Say what the number is of, or in how many comparisons the statement holds."""
    if not row.get("holds_in") or (row["of"] == "1" and row["extreme"]):
        return row["detail"]
    said = f"in {row['holds_in']} of {row['of']} {row['detail']}"
    return f"{said}; first otherwise: {row['at']}" if row["verdict"] == "fail" else said
