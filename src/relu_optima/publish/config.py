"""What figures and tables have in common: the sweeps they show and what they say about them.

Fields that name columns of a collected sweep have type `ColumnName`, `SeriesName` or `PooledName`;
so the planner finds every column that a product reads, and refuses one that no run can have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field, model_validator

from relu_optima.config.base import Group, Name
from relu_optima.config.naming import ColumnName as ColumnName
from relu_optima.config.naming import Pair as Pair
from relu_optima.config.naming import PooledName as PooledName
from relu_optima.config.naming import SeriesName as SeriesName
from relu_optima.config.naming import Value as Value
from relu_optima.config.naming import Where as Where
from relu_optima.config.reads import Read, reads_of
from relu_optima.publish.claim_config import AnyClaim


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
    holds: list[AnyClaim] = Field(
        default=[],
        description="What the caption says of these runs, in its own words, and what that means "
        "of the columns; a claim that the runs contradict is an error.",
    )

    @model_validator(mode="after")
    def _said(self) -> ProductConfig:
        said = [" ".join(text.split()) for text in (self.title, self.caption)]
        for claim in self.holds:
            if not any(" ".join(claim.claim.split()) in text for text in said):
                raise ValueError(f"holds: neither title nor caption says {claim.claim!r}")
        return self

    def reads(self) -> Iterator[Read]:
        """List the columns that the product reads, for the planner."""
        yield from reads_of(self, tuple(self.sweeps))
        for column in self.always:
            yield Read("", column, tuple(self.sweeps))

    def shown_in(self) -> Sequence[ProductConfig]:
        """Return the products that this one is composed of, if it is."""
        return ()
