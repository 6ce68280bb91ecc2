"""Lay out panels, legend and notes at the printed size."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.formats import sentences
from relu_optima.publish.frames import levels, status_counts
from relu_optima.publish.labels import column_label, level_label
from relu_optima.publish.style import LABEL, NEUTRAL, SMALL, WIDTHS, line_styles

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase, SubFigure

PAGE = 7.5  # inches; panels above each other must fit on a page
TALLEST = 2.8  # inches; a single wide panel need not fill a page
LEGEND_LINE = 0.17  # inches of height for a line of legend or note
MARK: dict[str, Any] = {
    "marker": "x",
    "linestyle": "none",
    "markersize": 4.5,
    "markeredgewidth": 1.1,
}


@dataclass
class Canvas:
    """A figure with its panels, and what is still to be written on it.

    Attributes
    ----------
    figure : matplotlib.figure.FigureBase
        The figure, or the part of a composed one.
    axes : list of list of Axes
        Panels by row and column.
    handles : dict of str to Artist
        Legend entries by their text, each once.
    notes : list of str
        Remarks below the panels.
    """

    figure: FigureBase
    axes: list[list[Axes]]
    handles: dict[str, Artist] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Add a remark below the panels, once."""
        if text and text not in self.notes:
            self.notes.append(text)


@dataclass
class Place:
    """Where a part of a composed figure is drawn, and what is to be known of it there.

    Attributes
    ----------
    width : float
        Inches.
    height : float
        Inches that the part takes by itself; what is given counts for a part with a cell.
    cell : matplotlib.figure.SubFigure or None
        The place in the composed figure; without it the part is drawn alone, to be measured.
    heading : str
        Stands above the part.
    notes : list of str
        What is to be written below the composed figure.
    """

    width: float
    height: float = 0.0
    cell: SubFigure | None = None
    heading: str = "(a)"
    notes: list[str] = field(default_factory=list)


_place: ContextVar[Place | None] = ContextVar("place", default=None)


@contextmanager
def placed(place: Place) -> Iterator[None]:
    """Have the canvases that are made meanwhile take a place instead of a figure of their own."""
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)


def make_canvas(
    options: FigureConfig, rows: int, columns: int, *, share_x: bool = False, share_y: bool = False
) -> Canvas:
    """Make empty panels at the printed width."""
    from matplotlib.figure import Figure

    place = _place.get()
    width = WIDTHS[options.width] if place is None else place.width
    height = width / columns * options.aspect * rows
    figure: FigureBase = (
        Figure(figsize=(width, height), layout="constrained")
        if place is None or place.cell is None
        else place.cell
    )
    axes = figure.subplots(
        rows,
        columns,
        squeeze=False,
        sharex="col" if share_x else False,
        sharey="row" if share_y else False,
    )
    return Canvas(figure, [list(row) for row in axes])


def panel_canvas(
    options: FigureConfig, count: int, columns: int, *, share_y: bool = False
) -> tuple[Canvas, list[Axes]]:
    """Make a grid of panels of which the last row may be short."""
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    canvas = make_canvas(options, rows, columns, share_y=share_y)
    flat = [axis for row in canvas.axes for axis in row]
    for axis in flat[count:]:
        axis.set_visible(False)
    return canvas, flat[:count]


def split(frame: pd.DataFrame, column: str | None) -> list[tuple[Any, pd.DataFrame]]:
    """Split runs by the values of a column."""
    if column is None:
        return [(None, frame)]
    parts = [(value, frame[frame[column] == value]) for value in levels(frame[column])]
    rest = frame[frame[column].isna()]
    return [*parts, (None, rest)] if len(rest) else parts


def hue_levels(frame: pd.DataFrame, hue: str | None) -> list[Any]:
    """List the values that `split` by the hue column finds, over all panels."""
    return [value for value, _ in split(frame, hue)]


def styles_of(found: Sequence[Any]) -> dict[Any, Any]:
    """Give each hue level its style."""
    return dict(zip(found, line_styles(found), strict=True))


def hue_label(options: FigureConfig, hue: str | None, level: Any) -> str:
    """Name a hue level in the legend."""
    return "" if hue is None else level_label(hue, level, options.labels, options.values)


def title_panel(axis: Axes, options: FigureConfig, panel: str | None, value: Any) -> None:
    """Write the panel's value above it."""
    if panel is not None:
        axis.set_title(level_label(panel, value, options.labels, options.values), pad=3)


def label_axes(
    canvas: Canvas, panels: Sequence[Axes], options: FigureConfig, x: str, y: str
) -> None:
    """Name x below the lowest panel of each column and y left of each row."""
    for row_index, row in enumerate(canvas.axes):
        for column_index, axis in enumerate(row):
            if axis not in panels:
                continue
            below = [r[column_index] for r in canvas.axes[row_index + 1 :]]
            if not any(other in panels for other in below):
                axis.set_xlabel(column_label(x, options.labels))
            if column_index == 0:
                label_y(axis, column_label(y, options.labels))


def label_y(axis: Axes, text: str) -> None:
    """Name the y axis, on several lines if the name is longer than the panel is high."""
    letters = max(int(inches(axis)[1] * 72 / (0.62 * LABEL)), 8)
    axis.set_ylabel("\n".join(textwrap.wrap(text, letters)))


def inches(axis: Axes) -> tuple[float, float]:
    """Estimate how large a panel is, before the layout is known."""
    figure = axis.get_figure(root=True)
    assert figure is not None
    return axis.bbox.width / figure.dpi, axis.bbox.height / figure.dpi


def note_statuses(canvas: Canvas, frame: pd.DataFrame, *, marked: bool) -> None:
    """List below the figure the runs whose status is not good."""
    bad = status_counts(frame)
    if bad:
        drawn = "× marks runs that are not ok" if marked else "some runs are not ok"
        canvas.note(f"{drawn} ({bad} of {len(frame)})")


def finish(canvas: Canvas) -> Figure:
    """Write legend and notes outside the panels and make room for them; a part leaves its notes."""
    from matplotlib.figure import Figure

    figure, place = canvas.figure, _place.get()
    handles = {text: handle for text, handle in canvas.handles.items() if text}
    width = cast("Figure", figure).get_figwidth() if place is None else place.width
    lines = 0
    if handles or place:
        columns = _legend_columns(list(handles), width) if handles else 1
        figure.legend(
            list(handles.values()),
            list(handles),
            loc="outside upper center" if place is None else "outside upper left",
            ncols=columns,
            borderaxespad=0.2,
            **({} if place is None else _heading(place)),
        )
        lines = math.ceil(len(handles) / columns)
    if place is not None:
        lines += len(place.heading.splitlines())
        place.notes += canvas.notes
    if place is not None and place.cell is not None:
        return cast("Figure", figure)
    assert isinstance(figure, Figure)
    high = figure.get_figheight() + LEGEND_LINE * lines
    figure.set_size_inches(width, high)
    if place is None:
        write_below(figure, sentences(canvas.notes))
    else:
        place.height = high
    return figure


def _heading(place: Place) -> dict[str, Any]:
    """Write the heading of a part as that of its legend, which is laid out above the panels."""
    return {
        "title": place.heading,
        "title_fontproperties": {"size": LABEL, "weight": "bold"},
        "alignment": "left",
    }


def finish_whole(figure: Figure, notes: Mapping[str, Sequence[str]], parts: int) -> None:
    """Write the notes of all parts below a composed figure, each once, behind their letters."""
    of: dict[tuple[str, ...], list[str]] = {}
    for note, letters in notes.items():
        of.setdefault(tuple(dict.fromkeys(letters)), []).append(note)
    said = [
        f"{'' if len(letters) == parts else ', '.join(letters) + ': '}{sentences(found)}"
        for letters, found in sorted(of.items(), key=lambda item: item[0])
    ]
    write_below(figure, " ".join(said))


def write_below(figure: Figure, text: str) -> None:
    """Write a note below a figure and what is written there already, and make room for it."""
    if not text:
        return
    width, height = figure.get_size_inches()
    # DejaVu Sans is on average 0.55 em wide
    lines = textwrap.wrap(text, int(width * 72 / (0.55 * SMALL)))
    above = figure.get_supxlabel().splitlines()
    figure.supxlabel("\n".join([*above, *lines]), x=0.01, ha="left", fontsize=SMALL, color=NEUTRAL)
    figure.set_size_inches(width, height + LEGEND_LINE * len(lines))


def _legend_columns(texts: Sequence[str], width: float) -> int:
    """Find how many entries fit side by side, from the width of the widest."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    widest = max(
        float(TextPath((0, 0), t, size=SMALL, prop=FontProperties("DejaVu Sans")).get_extents().x1)
        for t in texts
    )
    # handle (2.4), gaps (0.8 + 1.2) in units of the type size
    entry = (widest + 4.6 * SMALL) / 72
    fitting = max(1, min(len(texts), int(width / entry)))
    lines = math.ceil(len(texts) / fitting)
    return math.ceil(len(texts) / lines)  # even lines
