"""Strict model of a study's ``published``: what a paper printed, which of our columns answer it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from relu_optima.config.base import Group, Name
from relu_optima.config.problems import Problems
from relu_optima.config.validate import did_you_mean, explain
from relu_optima.errors import ConfigError, ReluOptimaError
from relu_optima.plan.make import split_study_name
from relu_optima.plan.study_files import FOLDER, read_study, studies
from relu_optima.publish.config import SeriesName, Where

# A printed number, alone or as [value, lower quantile, upper quantile].
Printed = float | list[float]


class Column(Group):
    """One column of a published table, or one curve of a figure."""

    column: str | None = Field(
        default=None, description="Column of the sweep; its median over runs is our number."
    )
    where: Where = Field(default={}, description="Runs that count, by exact values.")
    x: SeriesName | None = Field(
        default=None, description="Series to walk along, if `column` names a series."
    )
    at: float | None = Field(default=None, description="Value of `x` at which to read.")
    because: list[str] = Field(
        default=[], description="Columns that explain a difference, e.g. a fit error."
    )
    range_of: list[str] = Field(
        default=[], description="Instead of a column: largest minus smallest of these columns."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Column:
        if (self.column is None) == (not self.range_of):
            raise ValueError("needs either `column` or `range_of`")
        if (self.x is None) != (self.at is None) or (self.x and self.range_of):
            raise ValueError("`x` and `at` go together, with `column`")
        return self


class Variant(Group):
    """One way of ours to answer the same numbers, e.g. as the authors coded it, or exactly."""

    sweep: Name | None = Field(default=None, description="Sweep, if not the item's.")
    where: Where = Field(default={}, description="Runs of this variant, by exact values.")
    columns: dict[str, str] = Field(
        default={}, description="Published column -> column of ours, if not the item's."
    )


class Item(Group):
    """One published table or figure."""

    title: str = Field(min_length=1, description="What it shows.")
    source: str = Field(min_length=1, description="Where the numbers come from.")
    sweep: Name = Field(description="Sweep that answers.")
    row: list[str] = Field(min_length=1, description="Columns of the sweep that name a row.")
    where: Where = Field(default={}, description="Runs that count, by exact values.")
    tolerance: float = Field(
        gt=0, description="Largest difference that still counts as the same number."
    )
    relative: bool = Field(
        default=False, description="Measure the difference relative to the printed number."
    )
    decimals: int = Field(ge=0, description="Decimals printed; ours is rounded to as many.")
    pool: list[str] = Field(
        default=[], description="Config columns besides seeds over which runs are repeats."
    )
    variants: dict[str, Variant] = Field(
        default={"ours": Variant()}, min_length=1, description="Our answers, by name."
    )
    columns: dict[str, Column] = Field(min_length=1, description="Published columns, by name.")
    cells: list[dict[str, str | bool | int | Printed]] = Field(
        min_length=1, description="One row each: its `row` values, then numbers by column."
    )

    @model_validator(mode="after")
    def _cells_fit(self) -> Item:
        seen = set()
        for name, column in self.columns.items():
            for other in column.range_of:
                if other not in self.columns or self.columns[other].range_of:
                    raise ValueError(f"columns.{name}: {other!r} is not a column with numbers")
        for variant in self.variants.values():
            for name in variant.columns:
                if name not in self.columns:
                    raise ValueError(f"variants: {did_you_mean(name, self.columns)}")
        for cell in self.cells:
            missing = [r for r in self.row if r not in cell]
            if missing:
                raise ValueError(f"cell {cell} lacks {', '.join(missing)}")
            key = tuple(str(cell[r]) for r in self.row)
            if key in seen:
                raise ValueError(f"row {', '.join(key)} is given twice")
            seen.add(key)
            for name, printed in cell.items():
                if name in self.row:
                    continue
                if name not in self.columns:
                    raise ValueError(f"row {key}: {name!r}: {did_you_mean(name, self.columns)}")
                if isinstance(printed, str | bool) or (
                    isinstance(printed, list) and len(printed) != 3
                ):
                    wrong = f"row {key}: {name}: {printed!r}"
                    raise ValueError(f"{wrong}: give a number or [value, lower, upper]")
        return self


class Unrecorded(Group):
    """Something published whose numbers we do not have."""

    what: str = Field(min_length=1, description="Table or figure.")
    why: str = Field(min_length=1, description="Why there is no number to compare with.")


class Published(Group):
    """What stands under ``published`` in a study: the numbers that it reproduces."""

    paper: str = Field(min_length=1, description="Citation.")
    items: dict[Name, Item] = Field(default={}, description="Tables and figures with numbers.")
    unrecorded: list[Unrecorded] = Field(default=[], description="Published without numbers.")
    claims: list[Name] = Field(
        default=[], description="Tables of the study that check statements of the paper in words."
    )


def published_studies(conf: Path) -> tuple[str, ...]:
    """List the studies that have published numbers."""
    found = (read_study(conf, name, Problems()) for name in studies(conf))
    return tuple(study.name for study in found if study and study.published)


def load_published(conf: Path, study: str) -> Published:
    """Read the published numbers that a study reproduces."""
    name, _ = split_study_name(study)
    problems = Problems()
    files = read_study(conf, name, problems) if name in studies(conf) else None
    if problems:
        raise ConfigError(problems.lines())
    if files is None or not files.published:
        raise ReluOptimaError(
            f"nothing published is recorded for study {name!r}",
            where=str(conf / FOLDER),
            allowed=", ".join(published_studies(conf)) or "no study has `published`",
        )
    try:
        return Published.model_validate(files.published)
    except ValidationError as error:
        raise ConfigError(
            [
                f"{files.published_at}: published.{m.key}: {m.text}"
                for m in explain(error, Published)
            ]
        ) from None
