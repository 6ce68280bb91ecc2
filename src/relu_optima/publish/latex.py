"""Write a table and its numbers for LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from relu_optima.publish.contract import Column, TableResult
from relu_optima.publish.formats import (
    MISSING,
    format_value,
    sentences,
    shortened,
    telling_decimals,
)
from relu_optima.publish.layout import (
    INDENT,
    RANGE_GAP,
    Field,
    Layout,
    Placed,
    blocks,
    is_number,
    lay_out,
    number_shape,
    printed_lines,
    spans,
    table_width,
)
from relu_optima.publish.metrics import broken
from relu_optima.publish.style import WIDTHS
from relu_optima.publish.table_config import Format, TableConfig
from relu_optima.publish.typeset import PACKAGES, SCIENTIFIC, latex_text
from relu_optima.publish.writers import is_numeric

LONG = 52  # printed lines above which a table may break across pages
POINTS = 72.27  # in an inch
FONTS = {"normalsize": 10, "small": 9, "footnotesize": 8, "scriptsize": 7}
# Numbers take the font of the text around them; 1.2e-10 is shorter than a power of ten.
_NUMBERS = (
    r"\sisetup{mode=text,reset-text-family=false,reset-text-series=false,"
    r"reset-text-shape=false,output-exponent-marker=e,table-align-exponent=false,group-digits=none}%"
)
# Numbers inside a text that would show a hyphen for a minus.
_SIGNED = re.compile(r"(?<!\S)(-\d+(?:\.\d+)?(?:e[+-]\d+)?|\d+(?:\.\d+)?e[+-]\d+)(?=[\s,;]|$)")


def latex_table(result: TableResult, options: TableConfig, name: str) -> str:
    r"""Write a table that is no wider than the text of its venue."""
    width = WIDTHS[options.width] * POINTS
    fields = _fields(result, options)
    layout = lay_out(fields, width, FONTS[options.font])
    long = printed_lines(layout) > LONG
    if long:
        layout = lay_out(fields, width, FONTS[options.font], group=True)
    note = sentences([result.note, _folded(layout.folded)])
    caption = _caption(options, name)
    panels = [
        _tabular(panel, layout, long, caption if long and not index else "")
        for index, panel in enumerate(layout.panels)
    ]
    font = rf"\fontsize{{{layout.size}}}{{{layout.size * 1.2:g}}}\selectfont"
    body = [rf"{font}\setlength{{\tabcolsep}}{{{layout.gap:g}pt}}%", _NUMBERS]
    below = [rf"\parbox{{{width:.1f}pt}}{{\raggedright {latex_text(note)}}}\par"] if note else []
    packages = ", ".join(PACKAGES + (("{longtable}",) if long else ()))
    head = f"% Needs \\usepackage of {packages}."
    if long:
        # a further panel is no table of its own
        panels = panels[:1] + [p + "\n\\addtocounter{table}{-1}%" for p in panels[1:]]
        frame = [r"\begingroup", rf"\setlength{{\LTcapwidth}}{{{width:.1f}pt}}%"]
        end = [r"\endgroup"]
        below = [r"\noindent" + line for line in below]
    else:
        kind = "table*" if options.width == "icml_text" else "table"
        frame = [rf"\begin{{{kind}}}", r"\centering", caption + r"\smallskip"]
        end = [rf"\end{{{kind}}}"]
        panels = [p + r"\par\smallskip" for p in panels]
    return "\n".join([head, *frame, *body, *panels, *below, *end, ""])


def macro_file(macros: dict[str, str]) -> str:
    r"""Write LaTeX macros."""
    lines = [rf"\newcommand{{\{name}}}{{{latex_text(text)}}}" for name, text in macros.items()]
    return "".join(f"{line}\n" for line in lines)


def _caption(options: TableConfig, name: str) -> str:
    title = latex_text(options.title)
    stop = "" if title.endswith((".", "?", "!")) else "."
    text = latex_text(options.caption)
    return rf"\caption[{{{title}}}]{{\textbf{{{title}{stop}}} {text}}}" + f"\n\\label{{tab:{name}}}"


def _folded(fields: list[Field]) -> str:
    """Say what columns say that have one value only."""
    names = [f"{f.group}, {f.head}" if f.group else f.head for f in fields]
    texts = [f"{name} – {f.cells[0]}" for name, f in zip(names, fields, strict=True)]
    return f"in every row: {'; '.join(texts)}" if texts else ""


def _fields(result: TableResult, options: TableConfig) -> list[Field]:
    """Write every cell as plain text; percent signs and units go into the headings."""
    numbers = {
        name: column.format != "text" and is_numeric(result.frame, name)
        for name, column in result.columns.items()
    }
    units = {
        name: column.unit or ("%" if column.format == "percent" and numbers[name] else "")
        for name, column in result.columns.items()
    }
    shared: dict[str, set[str]] = {}
    for name, column in result.columns.items():
        shared.setdefault(column.group, set()).add(units[name])
    fields = []
    for name, column in result.columns.items():
        # a unit that all columns below a heading have stands there
        above = column.group and len(shared[column.group]) == 1
        rows = list(zip(*(result.frame[c] for c in (name, *(column.ends or ()))), strict=True))
        cells, ranges = [], []
        for value, *ends in rows:
            text, interval = _written(value, ends, column, options)
            cells.append(text)
            ranges.append(interval)
        fields.append(
            Field(
                _with_unit(column.label, "" if above else units[name]),
                _with_unit(column.group, units[name] if above else ""),
                tuple(cells),
                column.key,
                numbers[name],
                tuple(ranges) if column.ends else (),
                name == "run_id",
            )
        )
    return fields


def _with_unit(label: str, unit: str) -> str:
    return f"{label} ({unit})" if unit else label


def _written(
    value: Any, ends: Sequence[Any], column: Column, options: TableConfig
) -> tuple[str, str]:
    """Write a number and its interval with no more decimals than the interval says."""
    texts = [_plain(v, column.format, options) for v in (value, *ends)]
    if not ends or MISSING in texts:
        return texts[0], ""
    scale = 100 if column.format == "percent" else 1
    telling = telling_decimals(scale * ends[0], scale * ends[1])
    if telling is not None and not any(SCIENTIFIC.fullmatch(t) for t in texts):
        shown = ((scale * v, t) for v, t in zip((value, *ends), texts, strict=True))
        texts = [shortened(v, t, telling) for v, t in shown]
    return texts[0], f"[{texts[1]}, {texts[2]}]"


def _plain(value: Any, form: Format, options: TableConfig) -> str:
    text = format_value(value, form, options.values)
    return text.removesuffix(" %") if form == "percent" else text


def _tabular(panel: list[Placed], layout: Layout, long: bool, caption: str) -> str:
    """Write one panel."""
    edge = rf"@{{\hspace{{{INDENT:g}pt}}}}" if layout.rows_by else "@{}"
    columns = edge + "".join(map(_specification, panel)) + "@{}"
    head = [r"\toprule", *_shared_heads(panel), *_heads(panel), r"\midrule"]
    body = list(_rows(panel, layout, long))
    if not long:
        lines = [rf"\begin{{tabular}}{{{columns}}}", *head, *body, r"\bottomrule", r"\end{tabular}"]
        return "\n".join(lines)
    first = [*caption.splitlines()[:1], caption.splitlines()[1] + r" \\"] if caption else []
    lines = [rf"\begin{{longtable}}{{{columns}}}", *first, *head, r"\endfirsthead", *head]
    lines += [r"\endhead", r"\bottomrule", r"\endfoot", *body, r"\end{longtable}"]
    return "\n".join(lines)


def _specification(placed: Placed) -> str:
    if placed.width is not None:
        return rf">{{\raggedright\arraybackslash}}p{{{placed.width:.1f}pt}}"
    if not placed.field.numeric:
        return "l"
    model = re.sub(r"8+", lambda m: str(len(m[0])), number_shape(placed.field.cells).model())
    interval = rf"@{{\hspace{{{RANGE_GAP:g}pt}}}}l" if placed.field.ranges else ""
    return f"S[table-format={model}]{interval}"


def _shared_heads(panel: list[Placed]) -> Iterator[str]:
    """Write the headings that neighbours share, with a rule below each."""
    if not any(p.field.group for p in panel):
        return
    cells, rules, at = [], [], 1
    for name, first, last in spans(panel):
        count = sum(map(_count, panel[first:last]))
        cells.append(
            rf"\multicolumn{{{count}}}{{c}}{{{latex_text(name)}}}" if name else "&" * (count - 1)
        )
        rules += [rf"\cmidrule(lr){{{at}-{at + count - 1}}}"] if name else []
        at += count
    yield " & ".join(cells) + r" \\"
    yield "".join(rules)


def _heads(panel: list[Placed]) -> Iterator[str]:
    """Write the headings line by line, the last lines side by side."""
    tall = max(len(p.head) for p in panel)
    for level in range(tall):
        cells = []
        for placed in panel:
            index = level - tall + len(placed.head)
            text = latex_text(placed.head[index]) if index >= 0 else ""
            if _count(placed) > 1:
                cells.append(rf"\multicolumn{{2}}{{c}}{{{text}}}" if text else "&")
            elif placed.width is not None and text:
                cells.append(rf"\multicolumn{{1}}{{l}}{{{text}}}")
            else:
                cells.append(f"{{{text}}}" if text else "")
        yield " & ".join(cells) + r" \\"


def _count(placed: Placed) -> int:
    return 2 if placed.field.ranges else 1


def _rows(panel: list[Placed], layout: Layout, long: bool) -> Iterator[str]:
    """Write the rows; names of groups stand once."""
    by = layout.rows_by
    names = by.cells if by else panel[0].field.cells
    grouped = blocks(names) < len(names)
    width = table_width(panel, layout.size, layout.gap)
    total = sum(map(_count, panel))
    if not names:
        yield rf"\multicolumn{{{total}}}{{@{{}}l}}{{none}} \\"
    for row in range(len(names)):
        new = row == 0 or names[row] != names[row - 1]
        if grouped and new and row:
            yield r"\addlinespace"
        if by and new:
            for line in broken(names[row], width, layout.size):
                # the rows of a group stay with its name
                yield rf"\multicolumn{{{total}}}{{@{{}}l}}{{\emph{{{latex_text(line)}}}}} \\*"
        cells, repeats = [], not new or by is not None
        for placed in panel:
            cells_of = placed.field.cells
            again = row > 0 and not new and cells_of[row] == cells_of[row - 1]
            repeats = repeats and placed.field.key and not placed.field.numeric and again
            cells += [""] if repeats and not long else _cell(placed.field, row)
        yield " & ".join(cells) + r" \\"


def _cell(field: Field, row: int) -> list[str]:
    text = field.cells[row]
    if not field.numeric:
        if field.typewriter:
            return [rf"\texttt{{{latex_text(text)}}}"]
        parts = _SIGNED.split(text)
        return ["".join(rf"\num{{{p}}}" if i % 2 else latex_text(p) for i, p in enumerate(parts))]
    written = [_power(text) if is_number(text) else f"{{{latex_text(text)}}}"]
    if field.ranges:
        ends = [e for e in field.ranges[row].strip("[]").split(", ") if e]
        numbers = ", ".join(
            rf"\num{{{_power(e)}}}" if is_number(e) else latex_text(e) for e in ends
        )
        written.append(f"{{[}}{numbers}]" if ends else "")
    return written


def _power(text: str) -> str:
    """Drop leading zeros and plus of an exponent."""
    match = SCIENTIFIC.fullmatch(text)
    return f"{match[1]}e{int(match[2])}" if match else text
