"""Check statements made in words: one row for each, with the numbers and pass or fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from relu_optima.publish.claim_config import AnyClaim, Measured, Quantity
from relu_optima.publish.claims import judge, runs_of
from relu_optima.publish.contract import Column, TableResult
from relu_optima.publish.formats import sentences
from relu_optima.publish.frames import ProductError, status_counts
from relu_optima.publish.macros import macros_of
from relu_optima.publish.table_config import Format, TableConfig

if TYPE_CHECKING:
    import pandas as pd


class Config(TableConfig):
    """Statements to check."""

    claims: list[AnyClaim] = Field(min_length=1, description="Statements, in order.")
    format: Format = Field(default="sig3", description="How measured numbers are written.")


# in the CSV alone: what the report's findings need besides
UNSEEN = ("low", "high", "coverage", "figure", "sweeps")
COUNTS = ("holds_in", "of", "at")  # nothing to tell of a single number
_COLUMNS = {
    "claim": Column("claim", key=True),
    "detail": Column("about"),
    "holds_in": Column("holds in", format="integer"),
    "of": Column("of", format="integer"),
    "extreme": Column("measured"),
    "at": Column("at"),
    "bound": Column("bound"),
    "verdict": Column("verdict"),
}


def _sweeps(claim: AnyClaim, options: Config) -> str:
    """Name the sweeps whose runs a statement is about, also those of its bounds."""
    bounds = (claim.above, claim.below) if isinstance(claim, Measured) else ()
    named = [q.sweep or "" for q in (claim, *(b for b in bounds if isinstance(b, Quantity)))]
    return " ".join(dict.fromkeys(s for n in named for s in ([n] if n else options.sweeps)))


def tabulate(frames: Mapping[str, pd.DataFrame], options: Config) -> TableResult:
    """Check the statements."""
    import pandas as pd

    rows, remarks = [], []
    for index, claim in enumerate(options.claims):
        runs = runs_of(frames, options, claim)
        if runs.empty:
            raise ProductError("no run is selected", where=f"claims.{index}.where")
        bad = status_counts(runs)
        sweeps = claim.sweep or ", ".join(options.sweeps)
        remark = f"sweep {sweeps} has runs that are not ok: {bad}" if bad else ""
        remarks += [remark] if remark not in remarks else []
        about = {"claim": claim.claim, "figure": claim.figure, "sweeps": _sweeps(claim, options)}
        rows += [about | row for row in judge(frames, claim, options)]
    single = all(isinstance(claim, Measured) for claim in options.claims)
    columns = {n: c for n, c in _COLUMNS.items() if not (single and n in COUNTS)}
    frame = pd.DataFrame(rows, columns=[*columns, *UNSEEN], dtype=object)
    ends = ("low", "high") if frame["low"].notna().any() else None
    columns["extreme"] = replace(columns["extreme"], format=options.format, ends=ends)
    held = sum(row["verdict"] == "pass" for row in rows)
    note = f"{held} of {len(rows)} statements hold"
    return TableResult(frame, columns, macros_of(frames, options), sentences([note, *remarks]))
