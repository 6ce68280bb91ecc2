"""What a figure or table plug-in returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relu_optima.publish.table_config import Format

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class FigureResult:
    """A drawn figure and the numbers in it.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        The figure at its printed size.
    points : pandas.DataFrame
        One row for each plotted point, with the ids of the runs behind it.
    """

    figure: Figure
    points: pd.DataFrame


@dataclass(frozen=True)
class Column:
    """How one column of a table is written.

    Attributes
    ----------
    label : str
        Heading.
    unit : str
        Unit, shown behind the heading.
    format : Format
        How numbers are written.
    ends : pair of str or None
        Columns of the frame that hold an interval, written behind the value in brackets.
    group : str
        Heading that neighbouring columns share, empty for none.
    key : bool
        The column names the row.
    """

    label: str
    unit: str = ""
    format: Format = "auto"
    ends: tuple[str, str] | None = None
    group: str = ""
    key: bool = False

    @property
    def full_label(self) -> str:
        """Heading that needs no other above it.

        Returns
        -------
        str
            E.g. ``product set: closed``.
        """
        return f"{self.group}: {self.label}" if self.group else self.label


@dataclass(frozen=True)
class TableResult:
    """A table before it is written.

    Attributes
    ----------
    frame : pandas.DataFrame
        Raw values; the CSV holds them all at full precision.
    columns : dict of str to Column
        How the columns that LaTeX and HTML show are written, in order.
    macros : dict of str to str
        LaTeX macro names and their plain text, formatted but not yet escaped.
    note : str
        Line below the table: what the columns mean, which runs are not as they should be.
    """

    frame: pd.DataFrame
    columns: dict[str, Column]
    macros: dict[str, str] = field(default_factory=dict)
    note: str = ""
