"""Several figures as parts of one: each drawn by its own plug-in at its share of the width."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field, SerializeAsAny, model_validator

from relu_optima.config.plugins import load_plugin
from relu_optima.config.reads import Read, reads_of
from relu_optima.config.validate import InvalidGroup, Mistake, validate_group
from relu_optima.config.validate import plugin_modules as group_modules
from relu_optima.publish.canvas import Place, finish_whole, placed
from relu_optima.publish.claims import enforce
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.style import WIDTHS

if TYPE_CHECKING:
    import pandas as pd

SHARED = ("title", "caption", "category", "width")  # what a part takes from the whole


class Config(FigureConfig):
    """The parts in reading order, and how wide each is within its row."""

    parts: list[SerializeAsAny[FigureConfig]] = Field(
        min_length=2,
        max_length=8,
        description="Figures of any kind, each with its `plot` and that plug-in's keys; its title "
        "stands above it behind its letter.",
    )
    rows: list[list[float]] = Field(
        default=[],
        description="Relative widths of the parts of each row; by default one row of equal parts.",
    )

    @model_validator(mode="before")
    @classmethod
    def _read_parts(cls, values: Any) -> Any:
        """Validate each part by its plug-in, with the title and the like of the whole."""
        if not isinstance(values, dict) or not isinstance(values.get("parts"), list):
            return values
        shared = {k: values[k] for k in SHARED if k in values}
        parts: list[Any] = []
        mistakes: list[Mistake] = []
        for index, part in enumerate(values["parts"]):
            if not isinstance(part, dict):
                parts.append(part)
                continue
            try:
                parts.append(validate_group("figure", {**shared, **part}))
            except InvalidGroup as error:
                mistakes += [replace(m, key=f"parts.{index}.{m.key}") for m in error.mistakes]
        if mistakes:
            raise InvalidGroup(mistakes)
        return {**values, "parts": parts}

    @model_validator(mode="after")
    def _fits(self) -> Config:
        shown = {sweep for part in self.parts for sweep in part.sweeps}
        if shown != set(self.sweeps):
            raise ValueError(f"sweeps: the parts show {', '.join(sorted(shown))}")
        if self.rows and sum(map(len, self.rows)) != len(self.parts):
            raise ValueError(f"rows: {sum(map(len, self.rows))} places, {len(self.parts)} parts")
        if not all(width > 0 for row in self.rows for width in row):
            raise ValueError("rows: widths are positive")
        return self

    def reads(self) -> Iterator[Read]:
        """List the columns that the whole reads, and those of its parts."""
        yield from reads_of(self.model_copy(update={"parts": []}), tuple(self.sweeps))
        for index, part in enumerate(self.parts):
            for read in part.reads():
                yield replace(read, key=f"parts.{index}.{read.key}")

    def shown_in(self) -> Sequence[FigureConfig]:
        """Return the parts."""
        return self.parts


def plugin_modules(values: Mapping[str, Any]) -> list[str]:
    """Name the modules that draw the parts, for the figure's key."""
    return [module for part in values["parts"] for module in group_modules("figure", part)]


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw the parts twice: alone, to learn how high they are, and then each in its place."""
    import pandas as pd
    from matplotlib.figure import Figure

    for part in options.parts:
        enforce(frames, part)
    width = WIDTHS[options.width]
    rows = options.rows or [[1.0] * len(options.parts)]
    shares = [share / sum(row) for row in rows for share in row]
    alone = [Place(width * share) for share in shares]
    for part, place in zip(options.parts, alone, strict=True):
        _draw(frames, part, place)
    high = iter(alone)
    heights = [max(next(high).height for _ in row) for row in rows]
    figure = Figure(figsize=(width, sum(heights)), layout="constrained")
    notes: dict[str, list[str]] = {}
    tables = []
    letters = iter(string.ascii_lowercase)
    remaining = iter(options.parts)
    strips = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)
    for row, height, (strip,) in zip(rows, heights, strips, strict=True):
        cells = strip.subfigures(1, len(row), width_ratios=row, squeeze=False)
        for share, cell in zip(row, cells[0], strict=True):
            part, letter = next(remaining), next(letters)
            title = "" if part.title == options.title else f"  {part.title}"
            place = Place(width * share / sum(row), height, cell, f"({letter}){title}")
            result = _draw(frames, part, place)
            for note in place.notes:
                notes.setdefault(note, []).append(letter)
            tables.append(result.points.assign(part=letter))
    finish_whole(figure, notes, len(options.parts))
    points = pd.concat(tables, ignore_index=True)
    order = ["part", *(c for c in points.columns if c not in ("part", "runs")), "runs"]
    return FigureResult(figure, points[order])


def _draw(frames: Mapping[str, pd.DataFrame], part: FigureConfig, place: Place) -> FigureResult:
    with placed(place):
        result = load_plugin("figure", part.plot).plot(frames, part)
    assert isinstance(result, FigureResult)
    return result
