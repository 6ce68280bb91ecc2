"""Statements that a figure or table makes about its runs, in a form that can be checked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from relu_optima.config.base import Group, Name
from relu_optima.config.naming import ColumnName, PooledName, SeriesName, Value, Where

Statistic = Literal["min", "max", "mean", "median", "share"]
ROUNDING_HELP = "Relative difference that counts as rounding."


class Claim(Group):
    """What every statement has."""

    claim: str = Field(
        min_length=1,
        description="The statement, in words; under `holds`, those of caption or title.",
    )
    sweep: Name | None = Field(default=None, description="Sweep that answers; default all.")
    where: Where = Field(default={}, description="Runs that count, by exact values.")
    figure: Name | None = Field(
        default=None, description="Figure of the study that shows it, for the report's findings."
    )

    def columns(self) -> list[str]:
        """Name the columns that the claim needs."""
        return [*self.where, *self._columns()]

    def _columns(self) -> list[str]:
        raise NotImplementedError


class Within(Claim):
    """A result lies within bounds, or has one of some values, in every run."""

    kind: Literal["within"] = Field(description="Kind of statement.")
    value: ColumnName = Field(description="Result column.")
    least: float | ColumnName | None = Field(
        default=None, description="Lower bound that may be attained: a number, or a column."
    )
    most: float | ColumnName | None = Field(
        default=None, description="Upper bound that may be attained: a number, or a column."
    )
    among: list[Value] = Field(default=[], description="Instead of bounds: values allowed.")
    rounding: float = Field(default=1e-9, ge=0, description=ROUNDING_HELP)

    @model_validator(mode="after")
    def _bounded(self) -> Within:
        if bool(self.among) == (self.least is not None or self.most is not None):
            raise ValueError("give `least`, `most` or both, or `among`")
        return self

    def _columns(self) -> list[str]:
        return [self.value, *(b for b in (self.least, self.most) if isinstance(b, str))]


class Ordered(Claim):
    """A result never falls from one setting to the next, all other settings equal."""

    kind: Literal["ordered"] = Field(description="Kind of statement.")
    value: ColumnName = Field(description="Result column.")
    along: ColumnName = Field(
        description="Config column that differs; runs are compared that agree in all others and "
        "in their seeds.",
    )
    order: Literal["increasing", "decreasing"] | list[Value] = Field(
        description="`increasing`: the larger `along`, the larger the value; or the values of "
        "`along` from that of the smallest result to that of the largest."
    )
    same: list[ColumnName] = Field(
        default=[],
        description="Result columns in which two runs must agree to be comparable, e.g. the "
        "canonical strength; if they do not, the statement does not hold.",
    )
    lower: ColumnName | None = Field(
        default=None,
        description="Column with a certified lower bound of `value`, which stands for the smaller "
        "of two results: a difference within the certified gap is no violation.",
    )
    rounding: float = Field(default=1e-9, ge=0, description=ROUNDING_HELP)

    def _columns(self) -> list[str]:
        return [self.value, self.along, *self.same, *([self.lower] if self.lower else [])]


class Dominates(Claim):
    """One method scores at least as well as each of the others on every group."""

    kind: Literal["dominates"] = Field(description="Kind of statement.")
    score: ColumnName = Field(description="Column compared; larger is better.")
    method: ColumnName = Field(description="Column that names the method.")
    best: Value = Field(description="Method that should be best.")
    others: list[Value] = Field(min_length=1, description="Methods it should beat.")
    by: list[ColumnName] = Field(min_length=1, description="Columns that name a group.")
    pair: list[ColumnName] = Field(
        min_length=1, description="Columns that pair runs of two methods."
    )
    margin: float = Field(
        default=0.0, ge=0, description="How much worse still counts as at least as good."
    )

    def _columns(self) -> list[str]:
        return [self.score, self.method, *self.by, *self.pair]


class Unchanged(Claim):
    """A number stays within a tolerance in every run."""

    kind: Literal["unchanged"] = Field(description="Kind of statement.")
    column: ColumnName = Field(description="Column or series that should stay small.")
    during: SeriesName | None = Field(
        default=None, description="Series that is 1 where a series counts; default everywhere."
    )
    tolerance: float = Field(gt=0, description="Largest value allowed.")

    def _columns(self) -> list[str]:
        return [self.column, *([self.during] if self.during else [])]


class Moves(Claim):
    """The median of a score moves by a threshold between the choices, in enough groups."""

    kind: Literal["moves"] = Field(description="Kind of statement.")
    score: ColumnName | None = Field(default=None, description="Column whose median moves.")
    over: ColumnName | None = Field(default=None, description="Column that names the choice.")
    scores: list[ColumnName] = Field(
        default=[], description="Instead of `score` and `over`: one column for each choice."
    )
    by: list[ColumnName] = Field(min_length=1, description="Columns that name a group.")
    pool: list[PooledName] = Field(
        default=[], description="Config columns besides seeds over which runs are repeats."
    )
    threshold: float = Field(gt=0, description="Least movement that counts.")
    needs: int = Field(ge=1, description="Groups in which it must move.")

    @model_validator(mode="after")
    def _one_form(self) -> Moves:
        if bool(self.scores) == (self.score is not None and self.over is not None):
            raise ValueError("give either `score` and `over` or `scores`")
        return self

    def _columns(self) -> list[str]:
        return [*self.by, *(self.scores or [str(self.score), str(self.over)])]


class Quantity(Group):
    """One number taken from runs."""

    column: ColumnName = Field(description="Column of the collected sweep.")
    statistic: Statistic = Field(
        description="What of the column; a bound on all runs is one on their min or max."
    )
    equals: Value | None = Field(
        default=None, description="share: the value whose share among the runs is meant."
    )
    sweep: Name | None = Field(default=None, description="Sweep; default all that are shown.")
    where: Where = Field(default={}, description="Runs that count, by exact values.")

    @model_validator(mode="after")
    def _shares(self) -> Quantity:
        _check_share(self.statistic, self.equals)
        return self


class Measured(Claim):
    """One number of the runs lies between bounds."""

    kind: Literal["measured"] = Field(description="Kind of statement.")
    column: ColumnName = Field(description="Column of the collected sweep.")
    statistic: Statistic = Field(
        description="What of the column; a bound on all runs is one on their min or max."
    )
    equals: Value | None = Field(
        default=None, description="share: the value whose share among the runs is meant."
    )
    above: float | Quantity | None = Field(default=None, description="Strict lower bound.")
    below: float | Quantity | None = Field(default=None, description="Strict upper bound.")
    least: float | None = Field(default=None, description="Lower bound that may be attained.")
    most: float | None = Field(default=None, description="Upper bound that may be attained.")

    @model_validator(mode="after")
    def _bounded(self) -> Measured:
        _check_share(self.statistic, self.equals)
        if all(b is None for b in (self.above, self.below, self.least, self.most)):
            raise ValueError("give one of above, below, least, most")
        return self

    def _columns(self) -> list[str]:
        return [self.column]


def _check_share(statistic: str, equals: Value | None) -> None:
    if (statistic == "share") != (equals is not None):
        raise ValueError("`equals` goes with statistic share, and only with it")


AnyClaim = Annotated[
    Within | Ordered | Dominates | Unchanged | Moves | Measured, Field(discriminator="kind")
]
