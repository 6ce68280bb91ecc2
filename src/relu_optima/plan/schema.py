"""Strict models of the files that say what to compute: studies and sweeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from relu_optima.config.base import Group, Name
from relu_optima.config.naming import ColumnName
from relu_optima.publish.table_config import ColumnSpec
from relu_optima.stage import STAGES

if TYPE_CHECKING:
    StageName = str
else:
    StageName = Literal[tuple(STAGES)]


class SweepConfig(Group):
    """A sweep, under ``sweeps`` of a study: which runs of one stage, and why."""

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
    show: list[ColumnName | ColumnSpec] = Field(
        default=[],
        description="Result columns of the table `runs_<sweep>`, one row for each run, beside the "
        "values that differ between runs; as in a table of kind `runs`. No table if empty.",
    )
    batch_by: list[str] = Field(default=[], description="Columns on which runs of a batch agree.")
    max_runs: int = Field(default=100, ge=1, description="Most runs in a batch.")
    seconds_per_run: float = Field(
        default=1.0, gt=0, description="Guess used for the estimate until there are timings."
    )
    hard_limit: float = Field(
        default=14_400.0, gt=0, description="Seconds after which a run is taken for hung."
    )


class SharedConfig(Group):
    """What a study takes from another one, by name."""

    sweeps: list[Name] = Field(default=[], description="Sweeps (those they build on follow).")
    figures: list[Name] = Field(default=[], description="Figures.")
    tables: list[Name] = Field(default=[], description="Tables.")


class StudyConfig(Group):
    """A file of a study; a folder of them is read as one."""

    title: str = Field(default="", description="Heading of the report, in one file of the study.")
    share: dict[Name, SharedConfig] = Field(
        default={}, description="By study: what this one takes from it as it stands there."
    )
    override: dict[Name, dict[str, Any]] = Field(
        default={},
        description="By sweep: axes or values that replace the sweep's own in this study.",
    )
    sweeps: dict[Name, dict[Any, Any]] = Field(default={}, description="Sweeps to run, by name.")
    figures: dict[Name, dict[Any, Any]] = Field(default={}, description="Figures, by name.")
    tables: dict[Name, dict[Any, Any]] = Field(default={}, description="Tables, by name.")
    published: dict[Any, Any] = Field(
        default={}, description="What a paper printed, for `relu-optima reproduce`."
    )
