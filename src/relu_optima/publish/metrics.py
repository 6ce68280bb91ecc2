"""Widths of text in print, so that a table is laid out before LaTeX sees it.

The widths are those of Computer Modern Roman, rounded up; the Times of the venues is narrower.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# Thousandths of an em at 10 pt, and by how much smaller cuts are wider for their size.
_CHARACTERS = {
    278: "!',.:;[]il`’·",
    306: "fj",
    333: "- ",
    361: "I",
    389: "()t",
    392: "r",
    394: "s",
    444: "cez",
    472: "?",
    500: '$/0123456789ago^~{}\\"‖–_*',
    514: "J",
    528: "kqvxy",
    556: "Sbdhnpu",
    583: "λ",
    611: "Z",
    625: "L",
    653: "F",
    681: "EP",
    708: "B",
    722: "CTw",
    736: "R",
    750: "AHNUVXY",
    764: "D",
    778: "&+=@KOQ<>−×≤≥|",
    785: "G",
    833: "#%m",
    917: "M",
    1028: "W",
}
_EM = {c: width for width, characters in _CHARACTERS.items() for c in characters}
_CUTS = {10: 1.0, 9: 1.028, 8: 1.063, 7: 1.139}
SIZES = tuple(_CUTS)  # points, largest first
_TYPEWRITER = 0.6  # em; Courier, the wider one of the two
_SIGN = re.compile(r"(?<![\w-])-(?=\d)")  # printed as a minus, which is wider than a hyphen
# A line may end at a space and after a hyphen, but not before a sign or a percent sign.
_PIECES = re.compile("(?:[^ ]*?[^ -]-(?=[^ 0-9-])|[^ ]+(?: / [^ ]+)*(?: [-–−+=](?= ))?(?: %)?) *")


@cache
def _em(character: str) -> float:
    if character in _EM:
        return _EM[character]
    parts = [c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)]
    return sum(_EM.get(c, 1000) for c in parts)


def text_width(text: str, size: int, *, typewriter: bool = False) -> float:
    """Return the width of a line, kerning left out."""
    if typewriter:
        return len(text) * _TYPEWRITER * size
    return sum(map(_em, _SIGN.sub("−", text))) * size * _CUTS[size] / 1000


def longest_piece(text: str, size: int) -> float:
    """Return the least width in which a text can be set."""
    return max((text_width(p.rstrip(), size) for p in _PIECES.findall(text)), default=0.0)


def broken(text: str, width: float, size: int) -> list[str]:
    """Break a text into lines."""
    lines: list[str] = []
    for piece in _PIECES.findall(text):
        if lines and text_width(lines[-1] + piece.rstrip(), size) <= width:
            lines[-1] += piece
        else:
            lines.append(piece)
    return [line.rstrip() for line in lines] or [""]


def width_for_lines(text: str, count: int, size: int) -> float:
    """Return the least width in which a text takes no more than some lines."""
    found = _PIECES.findall(text)
    widths = sorted(
        text_width("".join(found[i:j]).rstrip(), size)
        for i in range(len(found))
        for j in range(i + 1, len(found) + 1)
    )
    least = longest_piece(text, size)  # no line is narrower than what cannot be broken
    return next((w for w in widths if w >= least and len(broken(text, w, size)) <= count), 0.0)
