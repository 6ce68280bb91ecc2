"""Which characters LaTeX and the figures' font can set, and how LaTeX writes them."""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from relu_optima.errors import ReluOptimaError

# What the LaTeX files ask for; every character that `latex_text` accepts is defined by these.
PACKAGES = ("[T1]{fontenc}", "{amssymb}", "{booktabs}", "{siunitx}")
SCIENTIFIC = re.compile(r"(-?\d+(?:\.\d+)?)e([+-]\d+)")
_NEGATIVE = re.compile(r"-\d+(?:\.\d+)?")
_SCRIPTS = re.compile(
    "(?P<base>[\N{GREEK SMALL LETTER ALPHA}-\N{GREEK SMALL LETTER OMEGA}‖])?"
    "(?:(?P<sub>[\u2080-\u209c]+)|(?P<sup>[\u00b2\u00b3\u00b9\u2070-\u207f]+))"
)
# Macros that pylatexenc writes and no package above defines.
_UNDEFINED = re.compile(
    r"^\{\\varepsilon|\\(?:CYR|cyr|Elz|ding|mathscr|textfrac|i{2,3}nt|flat|natural|sharp|quarternote|nument|"
    r"texthvlig|textnrleg|textschwa|textphi|textglotstop|textturnk|Upsilon|nobreakdash|"
    r"arrowwave|dblarrow|DownArrowUpArrow|rightangle|surfintegral|volintegral|clwintegral|"
    r"homothetic|lazysinv|approxnotequal|tildetrpl|allequal|estimates|starequal|notlessgreater|"
    r"notgreaterless|truestate|forcesextra|VDash|original|image|hermitconjmatrix|verymuch|"
    r"precedesnotsimilar|udots|varperspcorrespond|recorder|clockoint|sqrint|acute)"
)
# Active where pdflatex reads them, or another character in the old encoding of its fonts.
_OWN = {
    "|": r"{\textbar}",
    '"': r"{\textquotedbl}",
    "`": r"{\textasciigrave}",
    "[": "{[}",  # at the start of a row, [ and * would belong to the row end before
    "*": "{*}",
    "\n": " ",
    "\r": " ",
    "\t": " ",
}


class CharacterError(ReluOptimaError):
    """A text with a character that LaTeX has no command for."""


def latex_text(text: str) -> str:
    r"""Write text for LaTeX."""
    match = SCIENTIFIC.fullmatch(text)
    if match:
        return rf"${match[1]}\times10^{{{int(match[2])}}}$"
    if _NEGATIVE.fullmatch(text):
        return f"${text}$"
    text = unicodedata.normalize("NFC", text)
    for character in dict.fromkeys(text):
        if _latex_lacks(character):
            raise CharacterError(
                f"LaTeX has no command for {_described(character)}",
                where=f"text {text!r}",
                fix="write it otherwise; a value gets another name under `values`",
            )
    return str(_encoder().unicode_to_latex(text))


def untypeset(kind: str, content: dict[str, Any]) -> Iterator[str]:
    """Find the characters that a preset's texts may not hold."""
    lacks, who = (
        (_latex_lacks, "LaTeX has no command for")
        if kind == "table"
        else (_font_lacks, "the figures' font has no sign for")
    )
    for key, text in _texts(content, ""):
        # title and caption of a figure are not drawn, but titles of its parts are
        unseen = kind == "figure" and (key == "title" or key.rpartition(".")[2] == "caption")
        if text.isascii() or unseen:
            continue
        for character in dict.fromkeys(unicodedata.normalize("NFC", text)):
            if lacks(character):
                yield f"{key}: {who} {_described(character)} in {text!r}"


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """List every text below a value, under its dotted key."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{key}.{index}")


def _described(character: str) -> str:
    name = unicodedata.name(character, "a control character")
    return f"{character!r} (U+{ord(character):04X}, {name.lower()})"


@cache
def _latex_lacks(character: str) -> bool:
    if " " <= character <= "~" or character in _OWN:
        return False
    if unicodedata.category(character)[0] in "CM" or ord(character) > 0xFFFF:
        return True
    if _SCRIPTS.fullmatch(character):
        return not _plain(character).isascii()
    try:
        return bool(_UNDEFINED.search(_encoder().unicode_to_latex(character)))
    except ValueError:
        return True


def _font_lacks(character: str) -> bool:
    return character >= " " and ord(character) not in _glyphs()


@cache
def _glyphs() -> frozenset[int]:
    """Code points of the figures' font, read without importing matplotlib."""
    from fontTools.ttLib import TTFont

    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None
    assert spec.submodule_search_locations
    fonts = Path(spec.submodule_search_locations[0], "mpl-data", "fonts", "ttf")
    with TTFont(fonts / "DejaVuSans.ttf", lazy=True) as font:
        return frozenset(font.getBestCmap())


@cache
def _encoder() -> Any:
    from pylatexenc.latexencode import (
        RULE_CALLABLE,
        RULE_DICT,
        UnicodeToLatexConversionRule,
        UnicodeToLatexEncoder,
    )

    rule: Callable[..., Any] = UnicodeToLatexConversionRule
    return UnicodeToLatexEncoder(
        conversion_rules=[
            rule(RULE_CALLABLE, _scripts, replacement_latex_protection="none"),
            rule(RULE_CALLABLE, _no_ligature, replacement_latex_protection="none"),
            rule(
                RULE_DICT,
                {ord(c): latex for c, latex in _OWN.items()},
                replacement_latex_protection="none",
            ),
            "defaults",
        ],
        unknown_char_policy="fail",
        unknown_char_warning=False,
    )


def _scripts(text: str, position: int) -> tuple[int, str] | None:
    """Write λₘₐₓ as one symbol with one subscript."""
    match = _SCRIPTS.match(text, position)
    if match is None:
        return None
    base = _encoder().unicode_to_latex(match["base"]) if match["base"] else ""
    plain = _plain(match["sub"] or match["sup"])
    mark = "_" if match["sub"] else "^"
    inner = plain if not plain.isalpha() or len(plain) == 1 else rf"\mathrm{{{plain}}}"
    return match.end() - position, rf"\ensuremath{{{base}{mark}{{{inner}}}}}"


def _plain(scripts: str) -> str:
    return unicodedata.normalize("NFKC", scripts).replace("−", "-")


def _no_ligature(text: str, position: int) -> tuple[int, str] | None:
    """Keep two hyphens two hyphens."""
    return (1, "{}-") if text[position] == "-" and text[position - 1 : position] == "-" else None
