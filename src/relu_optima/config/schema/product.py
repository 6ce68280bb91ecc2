"""What figures and tables have in common: the sweeps they show and what they say about them.

Fields that name columns of a collected sweep have type `ColumnName`, `SeriesName` or `PooledName`;
so the planner finds every column that a product reads, and refuses one that no run can have.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from relu_optima.config.reads import EVERY, SOME, Read, reads_of
from relu_optima.config.schema.base import Group
from relu_optima.config.schema.study import Name


def _series(name: str) -> str:
    if not name.startswith("series."):
        raise ValueError(f"a series is named as its column is: 'series.{name}'")
    return name


ColumnName = Annotated[str, Field(min_length=1), EVERY]
SeriesName = Annotated[str, Field(min_length=1), AfterValidator(_series), EVERY]
PooledName = Annotated[str, Field(min_length=1), SOME]  # need not be in each of several sweeps
Value = str | int | float | bool
Where = dict[ColumnName, Value | list[Value]]
Pair = Annotated[list[ColumnName], Field(min_length=2, max_length=2)]


class ProductConfig(Group):
    """Fields every figure and every table has."""

    # columns that the plug-in reads without being told, and words of its own that `labels` names
    always: ClassVar[tuple[str, ...]] = ()
    words: ClassVar[tuple[str, ...]] = ()

    sweeps: list[Name] = Field(min_length=1, description="Sweeps whose runs are shown.")
    title: str = Field(min_length=1, max_length=100, description="Heading in the report.")
    caption: str = Field(min_length=1, description="One or two sentences: what is shown.")
    category: str = Field(
        min_length=1, pattern=r"^[A-Za-z][A-Za-z ]*$", description="Section of the paper or report."
    )
    where: Where = Field(
        default={}, description="Show only runs with these exact values, by column."
    )
    labels: dict[str, str] = Field(default={}, description="Names of columns, for this product.")
    values: dict[str, str] = Field(
        default={}, description="Names of values such as preset names, for this product."
    )
    excess: dict[str, Pair] = Field(
        default={}, description="New columns: by how much the first exceeds the second, relatively."
    )

    def reads(self) -> Iterator[Read]:
        """List the columns that the product reads, for the planner.

        Yields
        ------
        Read
            A column, the key that names it and the sweeps it is read from. A part with a field
            ``sweep`` reads that sweep; a plug-in that reads otherwise extends this method.
        """
        yield from reads_of(self, tuple(self.sweeps))
        for column in self.always:
            yield Read("", column, tuple(self.sweeps))
