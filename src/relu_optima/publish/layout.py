"""Lay out a table within a text width: type size, wrapped columns, row groups, panels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from relu_optima.publish.frames import ProductError
from relu_optima.publish.metrics import (
    SIZES,
    broken,
    longest_piece,
    text_width,
    width_for_lines,
)

HEAD_LINES = 3
INDENT = 6.0  # points, of the rows below the name of their group
RANGE_GAP = 2.0  # points between a number and its interval
_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:e([+-]?)0*(\d+))?")


@dataclass(frozen=True)
class Field:
    """One column as it will be printed; text is plain Unicode.

    Attributes
    ----------
    head, group : str
        Heading, and the heading above it that neighbours share.
    cells : tuple of str
        One for each row.
    key : bool
        Names the row.
    numeric : bool
        Numbers, aligned at their decimal markers.
    ranges : tuple of str
        Interval of each row, empty where there is none; empty if the column has none at all.
    typewriter : bool
        Cells are ids.
    """

    head: str
    group: str
    cells: tuple[str, ...]
    key: bool = False
    numeric: bool = False
    ranges: tuple[str, ...] = ()
    typewriter: bool = False


@dataclass(frozen=True)
class Placed:
    """A column with its heading broken into lines and, if its text wraps, its width in points."""

    field: Field
    head: list[str]
    width: float | None


@dataclass(frozen=True)
class Layout:
    """A table that fits.

    Attributes
    ----------
    size : int
        Type size in points.
    gap : float
        Space on each side of a column, in points.
    panels : list of list of Placed
        Below each other; each repeats the columns that name a row.
    rows_by : Field or None
        Column whose values stand in lines of their own above their rows.
    folded : list of Field
        Columns with one value for all rows, left to the note.
    """

    size: int
    gap: float
    panels: list[list[Placed]]
    rows_by: Field | None
    folded: list[Field]


@dataclass(frozen=True)
class NumberShape:
    """Room that the numbers of a column need.

    Attributes
    ----------
    sign, exponent_sign : str
        ``-`` if some number has one.
    digits, decimals, exponent : int
        Most digits before and behind the decimal marker and in the exponent.
    """

    sign: str
    digits: int
    decimals: int
    exponent_sign: str
    exponent: int

    def model(self) -> str:
        """Return a number of this shape."""
        tail = "." + "8" * self.decimals if self.decimals else ""
        power = f"e{self.exponent_sign}{'8' * self.exponent}" if self.exponent else ""
        return f"{self.sign}{'8' * self.digits}{tail}{power}"


def is_number(text: str) -> bool:
    """Tell whether a cell holds a number."""
    return _NUMBER.fullmatch(text) is not None


def number_shape(cells: Sequence[str]) -> NumberShape:
    """Find the room that the numbers of a column need."""
    found = [m for m in map(_NUMBER.fullmatch, cells) if m]
    return NumberShape(
        "-" if any(m[1] for m in found) else "",
        max((len(m[2]) for m in found), default=1),
        max((len(m[3] or "") for m in found), default=0),
        "-" if any(m[4] == "-" for m in found) else "",
        max((len(m[5] or "") for m in found), default=0),
    )


def lay_out(fields: Sequence[Field], width: float, largest: int, *, group: bool = False) -> Layout:
    """Find the most legible layout that fits."""
    sizes = [s for s in SIZES if s <= largest]
    large = [s for s in sizes if s > SIZES[-1]] or sizes
    passes = ((large, 1, 4.0), (sizes, 2, 4.0), (sizes, HEAD_LINES, 3.0))
    for tried, lines, gap in passes:
        for size in tried:
            for shown, rows_by, folded in _arrangements(fields, group):
                panel = _placed(shown, size, gap, width - _indent(rows_by), lines)
                if panel:
                    return Layout(size, gap, [panel], rows_by, folded)
    *_, (shown, rows_by, folded) = _arrangements(fields, group)
    panels = _panels(shown, SIZES[-1], 3.0, width - _indent(rows_by))
    return Layout(SIZES[-1], 3.0, panels, rows_by, folded)


def table_width(panel: Sequence[Placed], size: int, gap: float) -> float:
    """Estimate the width of a panel from font metrics, from above."""
    widths = [
        max(
            p.width if p.width is not None else _natural(p.field, size),
            *(text_width(line, size) for line in p.head),
        )
        for p in panel
    ]
    return sum(widths) + 2 * gap * (len(panel) - 1) + _spanners(panel, widths, size, gap)


def printed_lines(layout: Layout) -> float:
    """Count the lines of a table, its panels below each other."""
    total = 0.0
    for panel in layout.panels:
        total += 2 + max(len(p.head) for p in panel) + any(p.field.group for p in panel)
        first = layout.rows_by or panel[0].field
        if blocks(first.cells) < len(first.cells):
            total += blocks(first.cells) * (1.5 if layout.rows_by else 0.5)
        for row in range(len(first.cells)):
            total += max(
                len(broken(p.field.cells[row], p.width, layout.size)) if p.width else 1
                for p in panel
            )
    return total


def spans(panel: Sequence[Placed]) -> Iterator[tuple[str, int, int]]:
    """Find neighbours that share a heading."""
    first = 0
    for position in range(1, len(panel) + 1):
        name = panel[first].field.group
        if position == len(panel) or not name or panel[position].field.group != name:
            yield name, first, position
            first = position


def blocks(cells: Sequence[str]) -> int:
    """Count runs of equal neighbours."""
    return sum(i == 0 or cells[i] != cells[i - 1] for i in range(len(cells)))


def _indent(rows_by: Field | None) -> float:
    return INDENT if rows_by else 0.0


def _arrangements(
    fields: Sequence[Field], group: bool
) -> Iterator[tuple[list[Field], Field | None, list[Field]]]:
    """Columns shown, column of the row groups, columns left to the note; the fullest first."""
    first = fields[0]
    keys = sum(f.key for f in fields)
    count = len(first.cells)
    groups = blocks(first.cells)
    groupable = (
        first.key and keys > 1 and not first.numeric and groups == len(set(first.cells)) < count
    )
    constant = [f for f in fields if count > 2 and not f.key and _says_one_thing(f)]
    for folded in [[], constant] if constant else [[]]:
        for rows_by in ([first] if group else [None, first]) if groupable else [None]:
            yield [f for f in fields if f is not rows_by and f not in folded], rows_by, folded


def _says_one_thing(field: Field) -> bool:
    return not field.numeric and len(set(field.cells)) == 1


def _natural(field: Field, size: int) -> float:
    """Width of a column without its heading, nothing wrapped."""
    if not field.numeric:
        return max(
            (text_width(c, size, typewriter=field.typewriter) for c in field.cells), default=0.0
        )
    body = _digits_width(number_shape(field.cells).model(), size)
    words = max((text_width(c, size) for c in field.cells if not is_number(c)), default=0.0)
    beside = max((_digits_width(r, size) for r in field.ranges), default=0.0)
    return max(body, words) + (RANGE_GAP + beside if field.ranges else 0.0)


def _digits_width(text: str, size: int) -> float:
    return text_width(text.replace("-", "−"), size)


def _placed(
    fields: Sequence[Field], size: int, gap: float, width: float, lines: int | None
) -> list[Placed] | None:
    """Place columns within a width, or not, if some cell would need more lines."""
    heads = [width_for_lines(f.head, HEAD_LINES, size) for f in fields]
    natural = [max(_natural(f, size), h) for f, h in zip(fields, heads, strict=True)]
    room = width - 2 * gap * (len(fields) - 1)
    taken: list[float | None] = [None] * len(fields)
    if sum(natural) > room and lines == 1:
        return None
    if sum(natural) > room:
        wraps = [not (f.numeric or f.typewriter) for f in fields]
        least = [
            max(h, *(longest_piece(c, size) for c in f.cells)) if w else n
            for f, w, n, h in zip(fields, wraps, natural, heads, strict=True)
        ]
        if sum(least) > room:
            return None
        shares = _filled(least, natural, room)
        for i, (field, share) in enumerate(zip(fields, shares, strict=True)):
            if not wraps[i] or share >= natural[i]:
                continue
            taken[i] = share
            if lines and any(len(broken(c, share, size)) > lines for c in field.cells):
                return None
    panel = []
    for field, most, wide in zip(fields, natural, taken, strict=True):
        body = wide if wide is not None else most
        panel.append(Placed(field, broken(field.head, body, size), wide))
    return panel if table_width(panel, size, gap) <= width else None


def _filled(least: Sequence[float], most: Sequence[float], room: float) -> list[float]:
    """Give every column the same width as far as its least and most allow, using all the room."""
    low, high = 0.0, room
    for _ in range(50):
        level = (low + high) / 2
        if sum(min(m, max(s, level)) for s, m in zip(least, most, strict=True)) > room:
            high = level
        else:
            low = level
    return [min(m, max(s, low)) for s, m in zip(least, most, strict=True)]


def _spanners(panel: Sequence[Placed], widths: Sequence[float], size: int, gap: float) -> float:
    """By how much shared headings are wider than the columns below them."""
    return sum(
        max(text_width(name, size) - sum(widths[a:b]) - 2 * gap * (b - a - 1), 0.0)
        for name, a, b in spans(panel)
        if name
    )


def _panels(fields: Sequence[Field], size: int, gap: float, width: float) -> list[list[Placed]]:
    """Split columns over panels, as many as fit into each."""
    keys = [f for f in fields if f.key]
    panels: list[list[Placed]] = []
    shown: list[Field] = []
    for field in (f for f in fields if not f.key):
        panel = _placed([*keys, *shown, field], size, gap, width, HEAD_LINES) if shown else None
        if panel:
            panels[-1] = panel
        else:
            shown = []
            panels.append(_placed([*keys, field], size, gap, width, None) or [])
        shown.append(field)
    if not panels or not all(panels):
        raise ProductError(
            "a column does not fit beside those that name a row: "
            + ", ".join(f.head for f in keys),
            fix="shorten names under `values` and `labels`, or name rows by fewer columns",
        )
    return panels
