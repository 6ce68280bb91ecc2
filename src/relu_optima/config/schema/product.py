"""What figures and tables have in common: the sweeps they show and what they say about them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from relu_optima.config.schema.base import Group
from relu_optima.config.schema.study import Name

Value = str | int | float | bool
Where = dict[str, Value | list[Value]]
Pair = Annotated[list[str], Field(min_length=2, max_length=2)]


class ProductConfig(Group):
    """Fields every figure and every table has."""

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
