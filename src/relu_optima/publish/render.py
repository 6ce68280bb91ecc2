"""Write figures and tables to files, the same bytes for the same runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from relu_optima.config.plugins import load_plugin
from relu_optima.publish.canvas import write_below
from relu_optima.publish.claims import enforce
from relu_optima.publish.contract import FigureResult, TableResult
from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.formats import sentences
from relu_optima.publish.frames import ProductError
from relu_optima.publish.latex import latex_table, macro_file
from relu_optima.publish.style import publication_style
from relu_optima.publish.table_config import TableConfig
from relu_optima.publish.typeset import CharacterError
from relu_optima.publish.writers import csv_table, html_table

if TYPE_CHECKING:
    import pandas as pd

# Neither dates nor versions: files change only if what they show changes.
_PDF_METADATA = {"CreationDate": None, "ModDate": None, "Creator": "relu-optima", "Producer": None}
_PNG_METADATA = {"Software": None}


def render_figure(
    frames: Mapping[str, pd.DataFrame], config: FigureConfig, out_stem: Path, note: str = ""
) -> None:
    """Draw a figure and write ``.pdf``, ``.png`` and ``.csv`` (every plotted point).

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Collected sweeps by name.
    config : FigureConfig
        The figure; its plug-in's ``Config``.
    out_stem : Path
        Folder and name of the figure, without ending.
    note : str, optional
        What the planner has to say of the runs; it stands below the figure and in the CSV.

    Raises
    ------
    ProductError
        If a sweep or column is missing, the data cannot be drawn, or the runs contradict what the
        caption says; names the figure.
    """
    name = out_stem.name
    with publication_style():
        try:
            enforce(frames, config)
            result = load_plugin("figure", config.plot).plot(frames, config)
        except ProductError as error:
            raise error.named(f"figure {name}") from None
        assert isinstance(result, FigureResult)
        write_below(result.figure, sentences([note]))
        metadata = {**_PDF_METADATA, "Title": config.title}
        result.figure.savefig(out_stem.with_name(f"{name}.pdf"), metadata=metadata)
        result.figure.savefig(out_stem.with_name(f"{name}.png"), metadata=_PNG_METADATA)
    _write(out_stem, ".csv", csv_table(_noted(result.points, note)))


def render_table(
    frames: Mapping[str, pd.DataFrame], config: TableConfig, out_stem: Path, note: str = ""
) -> None:
    """Make a table and write ``.csv``, ``.tex``, ``.html`` and ``.macros.tex``.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Collected sweeps by name.
    config : TableConfig
        The table; its plug-in's ``Config``.
    out_stem : Path
        Folder and name of the table, without ending.
    note : str, optional
        What the planner has to say of the runs; it stands below the table and in the CSV.

    Raises
    ------
    ProductError
        If a sweep or column is missing, LaTeX cannot set a text, or the runs contradict what the
        caption says; names the table.
    """
    name = out_stem.name
    try:
        enforce(frames, config)
        result = load_plugin("table", config.table).tabulate(frames, config)
        assert isinstance(result, TableResult)
        result = replace(
            result, note=" ".join(part for part in (result.note, sentences([note])) if part)
        )
        latex, macros = latex_table(result, config, name), macro_file(result.macros)
    except ProductError as error:
        raise error.named(f"table {name}") from None
    except CharacterError as error:
        problem = ProductError(error.problem, where=error.where, fix=error.fix)
        raise problem.named(f"table {name}") from None
    _write(out_stem, ".csv", csv_table(_noted(result.frame, note)))
    _write(out_stem, ".tex", latex)
    _write(out_stem, ".html", html_table(result, config))
    remark = f"% {note}\n" if note else ""
    _write(out_stem, ".macros.tex", remark + macros)


def _noted(frame: pd.DataFrame, note: str) -> pd.DataFrame:
    """Add the note as a column, since CSV has no other place for it."""
    return frame.assign(note=note) if note else frame


def _write(stem: Path, ending: str, text: str) -> None:
    stem.with_name(stem.name + ending).write_text(text, encoding="utf-8", newline="\n")
