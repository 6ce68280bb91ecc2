"""Lay out panels, legend and notes at the printed size."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from relu_optima.config.schema.figure import FigureConfig
from relu_optima.publish.formats import sentences
from relu_optima.publish.frames import levels, status_counts
from relu_optima.publish.labels import column_label, level_label
from relu_optima.publish.style import LABEL, NEUTRAL, SMALL, WIDTHS, line_styles

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import XAxis, YAxis
    from matplotlib.figure import Figure

NARROW = 8  # ratio of largest to smallest value below which 1, 2, 5 leave too few ticks
FEW = 8  # distinct values on a logarithmic axis that get a label each
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
    figure : matplotlib.figure.Figure
        The figure.
    axes : list of list of Axes
        Panels by row and column.
    handles : dict of str to Artist
        Legend entries by their text, each once.
    notes : list of str
        Remarks below the panels.
    """

    figure: Figure
    axes: list[list[Axes]]
    handles: dict[str, Artist] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Add a remark below the panels, once.

        Parameters
        ----------
        text : str
            The remark; empty text is no remark.
        """
        if text and text not in self.notes:
            self.notes.append(text)


def make_canvas(
    options: FigureConfig, rows: int, columns: int, *, share_x: bool = False, share_y: bool = False
) -> Canvas:
    """Make empty panels at the printed width.

    Parameters
    ----------
    options : FigureConfig
        Gives width and aspect.
    rows, columns : int
        Grid of panels.
    share_x : bool
        One x range for the panels of a column, labelled below the lowest.
    share_y : bool
        One y range for the panels of a row.

    Returns
    -------
    Canvas
        Panels in constrained layout, so that nothing is cut off.
    """
    from matplotlib.figure import Figure

    width = WIDTHS[options.width]
    figure = Figure(figsize=(width, width / columns * options.aspect * rows), layout="constrained")
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
    """Make a grid of panels of which the last row may be short.

    Parameters
    ----------
    options : FigureConfig
        Gives width and aspect.
    count : int
        Panels.
    columns : int
        Most panels side by side.
    share_y : bool
        One y range for the panels of a row.

    Returns
    -------
    canvas : Canvas
        The figure.
    panels : list of Axes
        One for each panel, in reading order.
    """
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    canvas = make_canvas(options, rows, columns, share_y=share_y)
    flat = [axis for row in canvas.axes for axis in row]
    for axis in flat[count:]:
        axis.set_visible(False)
    return canvas, flat[:count]


def split(frame: pd.DataFrame, column: str | None) -> list[tuple[Any, pd.DataFrame]]:
    """Split runs by the values of a column.

    Parameters
    ----------
    frame : pandas.DataFrame
        Runs.
    column : str or None
        Column; None keeps all runs together.

    Returns
    -------
    list of (value, DataFrame)
        Numbers ascending, text in order of appearance; runs without a value come last as None.
    """
    if column is None:
        return [(None, frame)]
    parts = [(value, frame[frame[column] == value]) for value in levels(frame[column])]
    rest = frame[frame[column].isna()]
    return [*parts, (None, rest)] if len(rest) else parts


def hue_levels(frame: pd.DataFrame, hue: str | None) -> list[Any]:
    """List the values that `split` by the hue column finds, over all panels.

    Parameters
    ----------
    frame : pandas.DataFrame
        All runs of the figure.
    hue : str or None
        Column.

    Returns
    -------
    list
        The values, None for no hue or no value.
    """
    return [value for value, _ in split(frame, hue)]


def styles_of(found: Sequence[Any]) -> dict[Any, Any]:
    """Give each hue level its style.

    Parameters
    ----------
    found : sequence
        Hue levels.

    Returns
    -------
    dict
        `LineStyle` by level.
    """
    return dict(zip(found, line_styles(found), strict=True))


def hue_label(options: FigureConfig, hue: str | None, level: Any) -> str:
    """Name a hue level in the legend.

    Parameters
    ----------
    options : FigureConfig
        Gives the figure's own names.
    hue : str or None
        Hue column.
    level : object
        Its value.

    Returns
    -------
    str
        Text of the legend entry; empty without hue.
    """
    return "" if hue is None else level_label(hue, level, options.labels, options.values)


def title_panel(axis: Axes, options: FigureConfig, panel: str | None, value: Any) -> None:
    """Write the panel's value above it.

    Parameters
    ----------
    axis : Axes
        The panel.
    options : FigureConfig
        Gives the figure's own names.
    panel : str or None
        Panel column; None writes nothing.
    value : object
        Its value.
    """
    if panel is not None:
        axis.set_title(level_label(panel, value, options.labels, options.values), pad=3)


def label_axes(
    canvas: Canvas, panels: Sequence[Axes], options: FigureConfig, x: str, y: str
) -> None:
    """Name x below the lowest panel of each column and y left of each row.

    Parameters
    ----------
    canvas : Canvas
        The figure.
    panels : sequence of Axes
        Panels in use.
    options : FigureConfig
        Gives the figure's own names.
    x, y : str
        Columns on the axes.
    """
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
    """Name the y axis, on several lines if the name is longer than the panel is high.

    Parameters
    ----------
    axis : Axes
        The panel.
    text : str
        Its name.
    """
    figure = axis.figure
    height = axis.get_position().height * figure.get_figheight()  # type: ignore[union-attr]
    letters = max(int(height * 72 / (0.62 * LABEL)), 8)
    axis.set_ylabel("\n".join(textwrap.wrap(text, letters)))


def scale_axis(
    canvas: Canvas, panels: Iterable[Axes], values: Iterable[float], which: str, log: bool
) -> float | None:
    """Make an axis logarithmic if asked, and find where to draw what has no logarithm.

    A linear axis of whole numbers gets whole ticks.

    Parameters
    ----------
    canvas : Canvas
        Gets a note if some value is not positive.
    panels : iterable of Axes
        Panels to scale.
    values : iterable of float
        All values on that axis.
    which : {"x", "y"}
        Which axis.
    log : bool
        Whether it is logarithmic.

    Returns
    -------
    float or None
        Floor at which values <= 0 are drawn, a power of ten below all others; None if not needed.
    """
    from matplotlib.ticker import MaxNLocator

    finite = [float(v) for v in values if math.isfinite(v)]
    if not log:
        if all(v.is_integer() for v in finite):
            for axis in panels:
                line = axis.xaxis if which == "x" else axis.yaxis
                line.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
        return None
    positive = [v for v in finite if v > 0]
    floor = None
    if len(positive) < len(finite):
        floor = 10.0 ** (math.floor(math.log10(min(positive))) - 1) if positive else 1e-16
        canvas.note(f"values ≤ 0 on the {which} axis are drawn at {floor:.0e}")
    for axis in panels:
        axis.set_xscale("log") if which == "x" else axis.set_yscale("log")
        drawn = positive if floor is None else [floor, *positive]
        _tick_logarithmic(axis.xaxis if which == "x" else axis.yaxis, drawn)
    return floor


def _tick_logarithmic(axis: XAxis | YAxis, values: Sequence[float]) -> None:
    """Label a logarithmic axis so that labels neither collide nor run out.

    A few distinct values are labelled themselves; less than a decade gets evenly spaced ticks,
    less than two get 1, 2, 5, more get powers of ten.
    """
    from matplotlib.ticker import (
        FixedLocator,
        FuncFormatter,
        LogLocator,
        MaxNLocator,
        NullFormatter,
        NullLocator,
    )

    axis.set_minor_formatter(NullFormatter())
    distinct = sorted(set(values))
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    steps = [b / a for a, b in itertools.pairwise(distinct)]
    if 1 < len(distinct) <= FEW and min(steps) > 1.5 and max(distinct) / min(distinct) < 1e3:
        axis.set_major_locator(FixedLocator(distinct))
        axis.set_major_formatter(plain)
    elif distinct and max(distinct) / min(distinct) < NARROW:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(plain)
        axis.set_minor_locator(NullLocator())
    elif distinct and max(distinct) / min(distinct) < 100:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(plain)
    else:
        axis.set_major_locator(LogLocator(numticks=8))


def at_least(values: Iterable[float], floor: float | None) -> list[float]:
    """Lift values that a logarithmic axis cannot show to its floor.

    Parameters
    ----------
    values : iterable of float
        Values.
    floor : float or None
        What `scale_axis` returned.

    Returns
    -------
    list of float
        Values to draw.
    """
    return [float(v) if floor is None or not v <= 0 else floor for v in values]


def note_statuses(canvas: Canvas, frame: pd.DataFrame, *, marked: bool) -> None:
    """List below the figure the runs whose status is not good.

    Parameters
    ----------
    canvas : Canvas
        The figure.
    frame : pandas.DataFrame
        All runs of the figure.
    marked : bool
        Whether they are drawn as crosses.
    """
    bad = status_counts(frame)
    if bad:
        drawn = "× marks runs that are not ok" if marked else "some runs are not ok"
        canvas.note(f"{drawn} ({bad} of {len(frame)})")


def finish(canvas: Canvas) -> Figure:
    """Write legend and notes outside the panels and make room for them.

    Parameters
    ----------
    canvas : Canvas
        A drawn figure.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, taller by what was added.
    """
    figure = canvas.figure
    width, height = figure.get_size_inches()
    handles = {text: handle for text, handle in canvas.handles.items() if text}
    extra = 0.0
    if handles:
        columns = _legend_columns(list(handles), width)
        figure.legend(
            list(handles.values()),
            list(handles),
            loc="outside upper center",
            ncols=columns,
            borderaxespad=0.2,
        )
        extra += LEGEND_LINE * math.ceil(len(handles) / columns)
    if canvas.notes:
        # DejaVu Sans is on average 0.55 em wide
        letters = int(width * 72 / (0.55 * SMALL))
        lines = textwrap.wrap(sentences(canvas.notes), letters)
        figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=SMALL, color=NEUTRAL)
        extra += LEGEND_LINE * len(lines)
    figure.set_size_inches(width, height + extra)
    return figure


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
