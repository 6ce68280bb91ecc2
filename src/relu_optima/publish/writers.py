"""Write a table as CSV and HTML from one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relu_optima.publish.contract import TableResult
from relu_optima.publish.formats import MISSING, format_value, html_text
from relu_optima.publish.frames import GOOD_STATUSES, ProductError
from relu_optima.publish.table_config import TableConfig

if TYPE_CHECKING:
    import pandas as pd

STATUS_COLUMNS = ("status", "statuses", "not_ok")

_OPEN, _CLOSE = '<div class="scroll"><table>', "</div>"
_STYLE = """
:root { color-scheme: light; }
body { margin: 1.2rem; color: #1b1b1b; background: #ffffff;
  font: 14px/1.45 "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.15rem; margin: 0 0 .3rem; }
p { margin: 0 0 .8rem; max-width: 60rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; border-top: 2px solid #1b1b1b;
  border-bottom: 2px solid #1b1b1b; font-variant-numeric: tabular-nums; }
th { border-bottom: 1px solid #1b1b1b; text-align: left; vertical-align: bottom;
  background: #ffffff; position: sticky; top: 0; }
th, td { padding: .25rem .7rem; white-space: nowrap; }
td.number, th.number { text-align: right; }
tbody tr:nth-child(even) { background: #f4f6f8; }
td.good { color: #00664b; }
td.bad { color: #9a3c00; font-weight: 600; }
td.id { font-family: "DejaVu Sans Mono", monospace; font-size: .85em; }
.unit, .note { color: #555555; }
.note { margin-top: .6rem; font-size: .92em; }
"""


def csv_table(frame: pd.DataFrame) -> str:
    r"""Write raw values at full precision."""
    text = frame.to_csv(index=False, lineterminator="\n")
    assert isinstance(text, str)
    return text


def is_numeric(frame: pd.DataFrame, column: str) -> bool:
    """Tell whether a column holds numbers and nothing else, so that it is set to the right."""
    known = [v.item() if hasattr(v, "item") else v for v in frame[column].dropna()]
    return bool(known) and all(
        isinstance(v, int | float) and not isinstance(v, bool) for v in known
    )


def html_table(result: TableResult, options: TableConfig) -> str:
    """Write a page that stands alone and reads well inside the report."""
    numeric = {c: is_numeric(result.frame, c) for c in result.columns}
    head = "".join(
        f'<th{_class("number" if numeric[name] else "")} scope="col">'
        + html_text(column.full_label)
        + (f' <span class="unit">[{html_text(column.unit)}]</span>' if column.unit else "")
        + "</th>"
        for name, column in result.columns.items()
    )
    raw = result.frame[list(result.columns)].itertuples(index=False, name=None)
    body = []
    for values, texts in zip(raw, _cells(result, options), strict=True):
        cells = zip(result.columns, values, texts, strict=True)
        body.append(
            "<tr>"
            + "".join(
                f"<td{_class(_kind(name, value, numeric[name]))}{_raw(value)}>"
                f"{html_text(text)}</td>"
                for name, value, text in cells
            )
            + "</tr>"
        )
    title, caption = html_text(options.title), html_text(options.caption)
    note = f'<p class="note">{html_text(result.note)}</p>' if result.note else ""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            f'<head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>',
            "<body>",
            f"<h1>{title}</h1>",
            f"<p>{caption}</p>",
            _OPEN,
            f"<thead><tr>{head}</tr></thead>",
            "<tbody>",
            *body,
            f"</tbody></table>{_CLOSE}",
            note,
            "</body></html>",
            "",
        ]
    )


def table_of(page: str) -> str:
    """Take the table out of a page that `html_table` wrote."""
    _, opening, rest = page.partition(_OPEN)
    inner, closing, _ = rest.partition(_CLOSE)  # no cell holds a tag
    if not (opening and closing):
        raise ProductError("the page holds no table of ours", fix="make the table again")
    return opening + inner + closing


def _cells(result: TableResult, options: TableConfig) -> list[list[str]]:
    """Format every cell, row by row; intervals go in brackets behind their value."""
    written = []
    for name, column in result.columns.items():
        texts, *ends = (
            [format_value(v, column.format, options.values) for v in result.frame[c]]
            for c in (name, *(column.ends or ()))
        )
        if ends:
            triples = zip(texts, *ends, strict=True)
            texts = [f"{t} [{a}, {b}]" if MISSING not in (t, a, b) else t for t, a, b in triples]
        written.append(texts)
    return [list(row) for row in zip(*written, strict=True)]


def _kind(column: str, value: Any, numeric: bool) -> str:
    if column in STATUS_COLUMNS and isinstance(value, str) and value:
        return "good" if value in GOOD_STATUSES else "bad"
    if column == "run_id":
        return "id"
    return "number" if numeric else ""


def _raw(value: Any) -> str:
    """Give a number with all its digits, by which the report sorts."""
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, bool) or not isinstance(plain, int | float) or plain != plain:
        return ""
    return f' data-value="{plain!r}"'


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
