"""How often each pair of outcomes occurs, e.g. verdict against observed divergence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from relu_optima.config.reads import Read
from relu_optima.publish.canvas import finish, hue_levels, make_canvas, note_statuses
from relu_optima.publish.config import ColumnName
from relu_optima.publish.contract import FigureResult
from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.figures._points import grouping, points_table
from relu_optima.publish.frames import (
    ProductError,
    gather,
    require,
    run_ids,
    select,
    sweep_of,
)
from relu_optima.publish.labels import column_label, value_label
from relu_optima.publish.style import SMALL

if TYPE_CHECKING:
    import pandas as pd


class Config(FigureConfig):
    """The two outcomes, and what joins them if they are in different sweeps."""

    x: ColumnName = Field(description="Column across, of the last sweep.")
    y: ColumnName = Field(description="Column down, of the first sweep.")
    join: list[ColumnName] = Field(
        default=[],
        description="Columns on which the runs of the last sweep find those of the first.",
    )

    def reads(self) -> Iterator[Read]:
        """List the columns that are read, `y` from the first sweep only if two are joined."""
        last = {"x": self.sweeps[-1:], "y": self.sweeps[:1], "where": self.sweeps[-1:]}
        for read in super().reads():
            of = last.get(read.key) if self.join else None
            yield read if of is None else replace(read, sweeps=tuple(of))


def plot(frames: Mapping[str, pd.DataFrame], options: Config) -> FigureResult:
    """Draw a table of counts."""
    import matplotlib
    from matplotlib.patches import Rectangle

    x, y = options.x, options.y
    frame = _joined(frames, options) if options.join else gather(frames, options, (x, y))
    frame = frame.assign(**{c: frame[c].where(frame[c].notna(), "missing") for c in (x, y)})
    canvas = make_canvas(options, 1, 1)
    axis = canvas.axes[0][0]
    across, down = hue_levels(frame, x), hue_levels(frame, y)
    cells = {(a, d): frame[(frame[x] == a) & (frame[y] == d)] for a in across for d in down}
    most = max(len(cell) for cell in cells.values())
    shades = matplotlib.colormaps["Blues"]
    points: list[dict[str, Any]] = []
    for (a, d), cell in cells.items():
        place = (across.index(a), down.index(d))
        share = len(cell) / most
        axis.add_patch(
            Rectangle(
                (place[0] - 0.5, place[1] - 0.5),
                1,
                1,
                facecolor=shades(0.85 * share),
                edgecolor="white",
                lw=1.2,
            )
        )
        axis.text(
            *place,
            str(len(cell)),
            ha="center",
            va="center",
            fontsize=SMALL + 2,
            color="white" if share > 0.6 else "black",
        )
        points.append(
            {
                x: a,
                y: d,
                "kind": "count",
                "count": len(cell),
                "n": len(frame),
                "runs": run_ids(cell),
            }
        )
    axis.set_xlim(-0.5, len(across) - 0.5)
    axis.set_ylim(len(down) - 0.5, -0.5)
    axis.set_xticks(range(len(across)), [value_label(v, options.values) for v in across])
    axis.set_yticks(range(len(down)), [value_label(v, options.values) for v in down])
    axis.set_xlabel(column_label(x, options.labels))
    axis.set_ylabel(column_label(y, options.labels))
    axis.grid(visible=False)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    canvas.note(f"number of runs, {len(frame)} in all")
    if "status" not in (x, y):
        note_statuses(canvas, frame, marked=False)
    return FigureResult(finish(canvas), points_table(points, grouping(x, y)))


def _joined(frames: Mapping[str, pd.DataFrame], options: Config) -> pd.DataFrame:
    """Give each run of the last sweep the outcome that the first sweep has for it."""
    x, y, keys = options.x, options.y, options.join
    if len(options.sweeps) != 2:
        raise ProductError("joins exactly two sweeps", where="sweeps")
    first, last = (sweep_of(frames, name) for name in options.sweeps)
    require(first, [y, *keys], options.sweeps[0])
    require(last, [x, *keys, *options.where], options.sweeps[1])
    answers = first[[*keys, y]].drop_duplicates()
    if answers.duplicated(keys).any():
        raise ProductError(
            f"runs that agree on {', '.join(keys)} differ in {y!r}",
            where=f"sweep {options.sweeps[0]}",
            fix="add the columns that tell them apart to `join`",
        )
    runs = select(last, options.where, options.sweeps[1]).drop(columns=y, errors="ignore")
    return runs.merge(answers, on=keys, how="left")
