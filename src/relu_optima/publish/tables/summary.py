"""Join stages on one page: each row a pattern or a data set, each column a stage's answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from relu_optima.config.base import Group, Name
from relu_optima.config.reads import Read
from relu_optima.publish.aggregate import median_interval
from relu_optima.publish.config import ColumnName, Where
from relu_optima.publish.contract import Column, TableResult
from relu_optima.publish.formats import sentences
from relu_optima.publish.frames import (
    ProductError,
    is_ok,
    levels,
    require,
    select,
    status_counts,
    sweep_of,
)
from relu_optima.publish.labels import column_label, value_label
from relu_optima.publish.macros import macros_of
from relu_optima.publish.table_config import Format, TableConfig

if TYPE_CHECKING:
    import pandas as pd


class Part(Group):
    """One column of the summary: what one sweep says about each row."""

    sweep: Name = Field(description="Sweep that answers; one of the table's.")
    column: ColumnName = Field(description="Column of that sweep.")
    statistic: Literal["value", "median", "min", "max", "count"] = Field(
        description="`value`: the value that all runs share, else every value with its count; "
        "`count`: runs with one of the values `equals`, out of all."
    )
    label: str = Field(min_length=1, description="Heading.")
    group: str = Field(default="", description="Heading above that of neighbours with the same.")
    equals: list[str | int | float | bool] = Field(default=[], description="Values to count.")
    where: Where = Field(default={}, description="Runs that count, by exact values.")
    rename: dict[str, ColumnName] = Field(
        default={}, description="Key column -> column of this sweep that holds it."
    )
    format: Format = Field(default="auto", description="How numbers are written.")


class Config(TableConfig):
    """Key of the rows and the columns of answers."""

    key: list[str] = Field(min_length=1, description="Columns that name a row, in every sweep.")
    parts: list[Part] = Field(min_length=1, description="Columns of answers, in order.")

    def reads(self) -> Iterator[Read]:
        """List the columns that are read; a part may have another name for one of `key`."""
        yield from super().reads()
        for part in self.parts:
            for index, name in enumerate(self.key):
                if name not in part.rename:
                    yield Read(f"key.{index}", name, (part.sweep,))


def tabulate(frames: Mapping[str, pd.DataFrame], options: Config) -> TableResult:
    """Join the answers of several sweeps.

    Notes
    -----
    `median`, `min` and `max` are over the runs whose status is good; `value` and `count` are over
    all runs, because a status such as ``diverged`` is an answer.
    """
    import pandas as pd

    answers: dict[tuple[Any, ...], dict[str, Any]] = {}
    remarks = []
    columns = {c: Column(column_label(c, options.labels), key=True) for c in options.key}
    for index, part in enumerate(options.parts):
        if part.sweep not in options.sweeps:
            raise ProductError(
                f"{part.sweep!r} is not one of the table's sweeps", where=f"parts.{index}.sweep"
            )
        name = f"{part.sweep}.{part.column}.{part.statistic}"
        while name in columns:
            name += "_"
        columns[name] = Column(part.label, format=part.format, group=part.group)
        runs = _runs(frames, options, part)
        bad = status_counts(runs)
        remark = f"sweep {part.sweep} has runs that are not ok: {bad}" if bad else ""
        if remark not in remarks:
            remarks.append(remark)
        for key, group in runs.groupby(options.key, sort=False):
            answers.setdefault(key, {})[name] = _answer(group, part, options)
    rows = [{**dict(zip(options.key, key, strict=True)), **cells} for key, cells in answers.items()]
    # object columns keep whole numbers whole where other cells are empty
    frame = pd.DataFrame(rows, columns=list(columns), dtype=object)
    return TableResult(frame, columns, macros_of(frames, options), sentences(remarks))


def _runs(frames: Mapping[str, pd.DataFrame], options: Config, part: Part) -> pd.DataFrame:
    """Return the runs that a column summarises, with the key columns under their own names."""
    frame = sweep_of(frames, part.sweep)
    sources = [part.rename.get(k, k) for k in options.key]
    require(frame, [*sources, part.column], part.sweep)
    runs = select(frame, part.where, part.sweep)
    return runs.assign(**{k: runs[s] for k, s in zip(options.key, sources, strict=True)})


def _answer(runs: pd.DataFrame, part: Part, options: Config) -> Any:
    """Summarise one cell."""
    values = runs[part.column]
    if part.statistic == "count":
        return f"{int(values.isin(part.equals).sum())} of {len(runs)}"
    if part.statistic == "value":
        found = levels(values)
        if not found:
            return None
        if len(found) == 1 and values.notna().all():
            return found[0]
        lists = [f"{value_label(v, options.values)} {int((values == v).sum())}" for v in found]
        missing = int(values.isna().sum())
        return ", ".join([*lists, *([f"missing {missing}"] if missing else [])])
    good = values[is_ok(runs)].dropna()
    if good.empty:
        return None
    whole = all(float(v).is_integer() and not isinstance(v, float) for v in good)
    if part.statistic == "median":
        number = median_interval(good).median
    else:
        number = float(good.min() if part.statistic == "min" else good.max())
    return int(number) if whole and number.is_integer() else number
