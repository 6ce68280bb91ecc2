"""How a stage or a plug-in declares the columns of its results.

A stage lists them as ``COLUMNS`` in ``<package>/columns.py``, which no other module imports by
name: so a better label or one more line of explanation makes no run new. A plug-in whose runs have
columns of their own lists those as ``COLUMNS`` in its module.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

Kind = Literal["number", "text", "flag", "series"]


@dataclass(frozen=True)
class ResultColumn:
    """One column of a stage's results.

    Attributes
    ----------
    name : str
        Name under which the stage returns it.
    about : str
        One line of explanation.
    kind : {"number", "text", "flag", "series"}
        What it holds; any of them may be missing in a single run.
    label : str
        Heading in figures and tables; empty for the last part of the name in plain words.
    unit : str or None
        Unit; None for what has none.
    when : str
        Which runs have it; empty for every run that has a result.
    """

    name: str
    about: str
    kind: Kind
    label: str = ""
    unit: str | None = None
    when: str = ""

    @property
    def column(self) -> str:
        """Name in the collected sweep; that of a series starts with ``series.``."""
        return f"series.{self.name}" if self.kind == "series" else self.name

    @property
    def heading(self) -> str:
        """Heading in figures and tables."""
        return self.label or self.name.rsplit(".", 1)[-1].replace("_", " ")


number = partial(ResultColumn, kind="number")
text = partial(ResultColumn, kind="text")
flag = partial(ResultColumn, kind="flag")
series = partial(ResultColumn, kind="series")
