"""Check statements made in words: one row for each, with the numbers and pass or fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from relu_optima.config.schema.base import Group
from relu_optima.config.schema.product import ColumnName, PooledName, SeriesName, Value, Where
from relu_optima.config.schema.study import Name
from relu_optima.config.schema.table import TableConfig
from relu_optima.publish.formats import sentences
from relu_optima.publish.frames import (
    ProductError,
    is_ok,
    refuse_hidden_pooling,
    require,
    select,
    series_of,
    status_counts,
    sweep_of,
)
from relu_optima.publish.labels import value_label
from relu_optima.publish.macros import macros_of
from relu_optima.publish.products import Column, TableResult

if TYPE_CHECKING:
    import pandas as pd


class _Claim(Group):
    """What every statement has."""

    claim: str = Field(min_length=1, description="The statement, in words.")
    sweep: Name = Field(description="Sweep that answers; one of the table's.")
    where: Where = Field(default={}, description="Runs that count, by exact values.")


class Dominates(_Claim):
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


class Unchanged(_Claim):
    """A number stays within a tolerance in every run."""

    kind: Literal["unchanged"] = Field(description="Kind of statement.")
    column: ColumnName = Field(description="Column or series that should stay small.")
    during: SeriesName | None = Field(
        default=None, description="Series that is 1 where a series counts; default everywhere."
    )
    tolerance: float = Field(gt=0, description="Largest value allowed.")


class Moves(_Claim):
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


class Config(TableConfig):
    """Statements to check."""

    claims: list[Annotated[Dominates | Unchanged | Moves, Field(discriminator="kind")]] = Field(
        min_length=1, description="Statements, in order."
    )


_COLUMNS = {
    "claim": Column("claim", key=True),
    "detail": Column("about", key=True),
    "holds_in": Column("holds in", format="integer"),
    "of": Column("of", format="integer"),
    "extreme": Column("least favourable", format="sig3"),
    "at": Column("at"),
    "limit": Column("limit", format="sig3"),
    "verdict": Column("verdict"),
}


def tabulate(frames: Mapping[str, pd.DataFrame], options: Config) -> TableResult:
    """Check the statements.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Collected sweeps.
    options : Config
        The table.

    Returns
    -------
    TableResult
        One row for each statement (`Dominates`: for each method it compares with): in how many
        groups it holds, the least favourable number and where, and ``pass`` or ``fail``. A group
        without good runs counts against the statement.

    Raises
    ------
    ProductError
        If a sweep or column is missing or a median would pool runs that differ in their config.
    """
    import pandas as pd

    rows, remarks = [], []
    for index, claim in enumerate(options.claims):
        if claim.sweep not in options.sweeps:
            raise ProductError(
                f"{claim.sweep!r} is not one of the table's sweeps", where=f"claims.{index}.sweep"
            )
        runs = select(sweep_of(frames, claim.sweep), claim.where, claim.sweep)
        if runs.empty:
            raise ProductError("no run is selected", where=f"claims.{index}.where")
        bad = status_counts(runs)
        remark = f"sweep {claim.sweep} has runs that are not ok: {bad}" if bad else ""
        remarks += [remark] if remark not in remarks else []
        if isinstance(claim, Dominates):
            found = _dominates(runs, claim, options)
        elif isinstance(claim, Unchanged):
            found = _unchanged(runs, claim, options)
        else:
            found = _moves(runs, claim, options)
        rows += [{"claim": claim.claim} | row for row in found]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS), dtype=object)
    return TableResult(frame, dict(_COLUMNS), macros_of(frames, options), sentences(remarks))


def _dominates(runs: pd.DataFrame, claim: Dominates, options: Config) -> Iterator[dict[str, Any]]:
    """Median of paired differences, by group, against each other method."""
    require(runs, [claim.score, claim.method, *claim.by, *claim.pair], claim.sweep)
    keys = [*claim.by, *claim.pair]
    twice = runs.duplicated([claim.method, *keys])
    if twice.any():
        raise ProductError(
            f"several runs share {', '.join([claim.method, *keys])}",
            where=f"sweep {claim.sweep}",
            fix="select with `where` or name more columns in `by`",
        )
    scores = runs.assign(**{claim.score: runs[claim.score].where(is_ok(runs))})
    table = scores.set_index([*keys, claim.method])[claim.score].astype(float).unstack(claim.method)
    for other in claim.others:
        for name in (claim.best, other):
            if name not in table:
                raise ProductError(
                    f"no run has {claim.method} = {name!r}", where=f"sweep {claim.sweep}"
                )
        difference = (table[claim.best] - table[other]).groupby(level=claim.by, sort=False).median()
        holds = int((difference >= -claim.margin).sum())
        about = f"against {value_label(other, options.values)}"
        yield _row(about, holds, difference, 0.0 - claim.margin, options, worst="min")


def _unchanged(runs: pd.DataFrame, claim: Unchanged, options: Config) -> Iterator[dict[str, Any]]:
    """Largest value in any good run."""
    import pandas as pd

    require(runs, [claim.column, *([claim.during] if claim.during else [])], claim.sweep)
    good = runs[is_ok(runs)]
    if good.empty:
        raise ProductError("no run is good", where=f"sweep {claim.sweep}")
    largest = []
    for _, run in good.iterrows():
        if not claim.column.startswith("series."):
            largest.append(float(run[claim.column]))
            continue
        values = series_of(run, claim.column.removeprefix("series."))
        if claim.during:
            counts = series_of(run, claim.during.removeprefix("series."))
            values = [v for v, c in zip(values, counts, strict=True) if c]
        largest.append(max((abs(v) for v in values), default=float("nan")))
    named = good["dataset"] if "dataset" in good else good["run_id"]
    peaks = pd.Series(largest, index=pd.Index(named))
    holds = int((peaks <= claim.tolerance).sum())
    yield _row("runs", holds, peaks, claim.tolerance, options, worst="max")


def _moves(runs: pd.DataFrame, claim: Moves, options: Config) -> Iterator[dict[str, Any]]:
    """Largest minus smallest median between the choices, by group."""
    import pandas as pd

    wide = bool(claim.scores)
    if wide == (claim.score is not None and claim.over is not None):
        raise ProductError("give either `score` and `over` or `scores`", where=claim.claim)
    by = claim.by if wide else [*claim.by, str(claim.over)]
    columns = claim.scores if wide else [str(claim.score)]
    require(runs, [*by, *columns], claim.sweep)
    refuse_hidden_pooling(runs, by, claim.pool, claim.claim)
    numbers = runs.assign(
        **{c: pd.to_numeric(runs[c], errors="coerce").where(is_ok(runs)) for c in columns}
    )
    medians = numbers.groupby(by, sort=False)[columns].median()
    if not wide:
        medians = medians[columns[0]].unstack(str(claim.over))
    # a choice without a good run leaves the movement unknown, not small
    movement = (medians.max(axis=1) - medians.min(axis=1)).where(medians.notna().all(axis=1))
    # accuracies are fractions: a movement of 3/60 must not fail by its rounding
    holds = int((movement >= claim.threshold - 1e-12).sum())
    row = _row("groups", holds, movement, claim.threshold, options, worst="min")
    row["verdict"] = "pass" if holds >= claim.needs else "fail"
    row["detail"] = f"median moves by at least {claim.threshold:g} in {claim.needs}"
    yield row


def _row(
    about: str, holds: int, numbers: pd.Series, limit: float, options: Config, *, worst: str
) -> dict[str, Any]:
    """Write one row: every group must hold, and a group without a number does not."""
    known = numbers.dropna()
    place: Any = None
    if not known.empty:
        position = int(known.to_numpy().argmin() if worst == "min" else known.to_numpy().argmax())
        place = known.index[position]
    names = place if isinstance(place, tuple) else (place,)
    return {
        "detail": about,
        "holds_in": holds,
        "of": len(numbers),
        "extreme": float(known.iloc[position]) if not known.empty else None,
        "at": ", ".join(value_label(n, options.values) for n in names if n is not None),
        "limit": limit,
        "verdict": "pass" if holds == len(numbers) else "fail",
    }
