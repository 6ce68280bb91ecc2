"""Strict models of the files that say what to compute: studies and sweeps."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from relu_optima.config.base import Group, Name

StageName = Literal[
    "dataset", "existence", "training", "convex", "optimal_set", "pruning", "sensitivity"
]


class SweepConfig(Group):
    """One file in ``conf/sweep``: which runs of one stage, and why."""

    why: str = Field(min_length=1, description="One sentence: the question this sweep answers.")
    stage: StageName = Field(description="Stage whose runs these are.")
    on: list[Name] = Field(default=[], description="Sweeps whose runs these build on.")
    where: dict[str, Any] = Field(
        default={}, description="Exact values (or lists of them) that select upstream runs."
    )
    fixed: dict[str, Any] = Field(
        default={},
        description="Values every run shares, literally. `seed`, here or as an axis, is what the "
        "runs draw from, and their data unless dataset.seed is set; a sweep built on others that "
        "states none follows their seeds.",
    )
    grid: dict[str, Any] = Field(
        default={}, description="Axes whose product is taken; Hydra override values or lists."
    )
    zip: dict[str, Any] = Field(
        default={}, description="Axes of equal length that move together; as in grid."
    )
    repeats: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Consecutive seeds from the sweep's one seed on; where it is stated, an "
        "override repeats=5 sets it.",
    )
    batch_by: list[str] = Field(default=[], description="Columns on which runs of a batch agree.")
    max_runs: int = Field(default=100, ge=1, description="Most runs in a batch.")
    seconds_per_run: float = Field(
        default=1.0, gt=0, description="Guess used for the estimate until there are timings."
    )
    hard_limit: float = Field(
        default=14_400.0, gt=0, description="Seconds after which a run is taken for hung."
    )


class StudyConfig(Group):
    """One file in ``conf/study``: the sweeps, tables and figures that make a study."""

    title: str = Field(min_length=1, description="Heading of the report.")
    sweeps: list[Name] = Field(min_length=1, description="Sweeps to run (upstream ones follow).")
    figures: list[Name] = Field(default=[], description="Figures to plot.")
    tables: list[Name] = Field(default=[], description="Tables to make.")
    override: dict[Name, dict[str, Any]] = Field(
        default={},
        description="By sweep: axes or values that replace the sweep file's own in this study.",
    )
