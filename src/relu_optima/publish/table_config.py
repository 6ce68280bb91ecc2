"""Config group ``table``: which runs a table shows, in which columns, and what the text quotes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from relu_optima.config.base import Group
from relu_optima.publish.config import ColumnName, ProductConfig, Where

Format = Literal[
    "auto",
    "text",
    "integer",
    "fixed1",
    "fixed2",
    "fixed3",
    "fixed4",
    "sig3",
    "sig4",
    "sig6",
    "sci",
    "percent",
]
# LaTeX command names hold letters only.
MacroName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]+$")]
Statistic = Literal["min", "max", "median", "count", "only"]


class ColumnSpec(Group):
    """One column of a table."""

    column: ColumnName = Field(description="Column of the collected sweep.")
    label: str | None = Field(default=None, description="Heading; default from the label list.")
    unit: str | None = Field(
        default=None,
        description="Unit shown in the heading; default that of the column, with its own label.",
    )
    group: str = Field(default="", description="Heading above that of neighbours with the same.")
    format: Format = Field(default="auto", description="How numbers are written.")


class MacroSpec(Group):
    """One number that the text of a paper quotes, as a LaTeX macro."""

    reads_first_sweep: ClassVar[bool] = True  # where it names no sweep

    column: ColumnName = Field(description="Column of the collected sweep.")
    statistic: Statistic = Field(
        description="What of the column; `only` demands that all runs agree."
    )
    sweep: str | None = Field(default=None, description="Sweep; default the table's first.")
    where: Where = Field(default={}, description="Runs that count, by exact values.")
    format: Format = Field(default="auto", description="How the number is written.")


class TableConfig(ProductConfig):
    """What every table has; a plug-in's ``Config`` adds its own keys."""

    table: str = Field(min_length=1, description="Plug-in in publish/tables.")
    width: Literal["icml_column", "icml_text", "neurips_text", "jmlr_text"] = Field(
        default="neurips_text", description="Text width of the venue, which LaTeX must not exceed."
    )
    font: Literal["normalsize", "small", "footnotesize", "scriptsize"] = Field(
        default="footnotesize", description="Largest LaTeX font size; less is taken where needed."
    )
    macros: dict[MacroName, MacroSpec] = Field(
        default={}, description="Numbers quoted in the text, by LaTeX macro name."
    )
