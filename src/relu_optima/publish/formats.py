"""Write numbers and text for people, LaTeX and HTML."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from relu_optima.config.schema.table import Format
from relu_optima.publish.labels import value_label

MISSING = "–"
_SCIENTIFIC = re.compile(r"(-?\d+(?:\.\d+)?)e([+-]\d+)")

# What pdflatex cannot take as it is. λₘₐₓ comes first: it is one symbol with a subscript.
_LATEX_WORDS = {"λₘₐₓ": r"$\lambda_{\max}$"}
_LATEX_CHARACTERS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # at the start of a row, [ and * would belong to the row end before
    "*": "{*}",
    "\N{NO-BREAK SPACE}": "~",
    "–": "--",
    "—": "---",
    "−": r"$-$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "∞": r"$\infty$",
    "→": r"$\to$",
    "‖": r"$\Vert$",
    "²": r"$^2$",
    "½": r"$\frac12$",
    "…": r"\ldots{}",
    "’": "'",
    "\n": " ",
    "\r": " ",
    "\t": " ",
}
_GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "varepsilon",
    "η": "eta",
    "θ": "theta",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "ρ": "rho",
    "σ": "sigma",
    "τ": "tau",
    "φ": "varphi",
    "Δ": "Delta",
    "Σ": "Sigma",
    "Ω": "Omega",
}


def format_value(value: Any, form: Format, values: Mapping[str, str]) -> str:
    """Write one cell as plain text.

    Parameters
    ----------
    value : object
        Raw value.
    form : Format
        How a number is written; text and truth values are named instead.
    values : mapping of str to str
        Names that the table gives values itself.

    Returns
    -------
    str
        Text; numbers in scientific notation as ``1.2e-07``; a dash for what is missing.
    """
    if hasattr(value, "item"):
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if form == "text" or isinstance(value, bool) or not isinstance(value, int | float):
        return value_label(value, values)
    return _number(value, form)


def _number(value: float, form: Format) -> str:
    if form == "auto":
        if f"{value:.4g}" == f"{value:.12g}":
            return f"{value:g}"  # settings such as 0.05, and small counts
        form = "integer" if isinstance(value, int) else "sig4"
    if form == "integer":
        # a count that is not whole (a median, say) must not look whole
        return f"{int(value)}" if float(value).is_integer() else f"{value:.1f}"
    if form == "percent":
        return f"{100 * value:.1f} %"
    if form == "sci":
        return "0" if value == 0 else f"{value:.1e}"
    if form.startswith("fixed"):
        text = f"{value:.{int(form[5:])}f}"
        return text.lstrip("-") if float(text) == 0 else text
    digits = int(form[3:])
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}"
    exponent = 0 if value == 0 else math.floor(math.log10(abs(value)))
    return f"{value:.{max(digits - 1 - exponent, 0)}f}"


def latex_text(text: str) -> str:
    r"""Escape text for LaTeX.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Pure ASCII plus Latin-1 letters; numbers like ``1.2e-07`` become powers of ten; characters
        that pdflatex lacks appear as ``U+XXXX``.
    """
    match = _SCIENTIFIC.fullmatch(text)
    if match:
        return rf"${match[1]}\times10^{{{int(match[2])}}}$"
    if re.fullmatch(r"-\d+(?:\.\d+)?", text):
        return f"${text}$"
    pieces = re.split("(" + "|".join(map(re.escape, _LATEX_WORDS)) + ")", text)
    return "".join(_LATEX_WORDS.get(p) or "".join(map(_latex_character, p)) for p in pieces)


def _latex_character(character: str) -> str:
    if character in _LATEX_CHARACTERS:
        return _LATEX_CHARACTERS[character]
    if character in _GREEK:
        return rf"$\{_GREEK[character]}$"
    if " " <= character <= "~" or ("À" <= character <= "ÿ" and character.isalpha()):
        return character
    return rf"U+{ord(character):04X}"


def html_text(text: str) -> str:
    """Escape text for HTML.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Without markup of its own; numbers like ``1.2e-07`` become powers of ten.
    """
    match = _SCIENTIFIC.fullmatch(text)
    if match:
        mantissa = match[1].replace("-", "−")
        exponent = str(int(match[2])).replace("-", "−")
        return f"{mantissa}&thinsp;×&thinsp;10<sup>{exponent}</sup>"
    if re.fullmatch(r"-\d+(?:\.\d+)?", text):
        text = text.replace("-", "−")
    printable = "".join(c if c >= " " or c in "\t\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    return html.escape(printable, quote=True).replace("λₘₐₓ", "λ<sub>max</sub>")


def sentences(parts: Iterable[str]) -> str:
    """Join remarks to one line.

    Parameters
    ----------
    parts : iterable of str
        Remarks; empty ones are skipped.

    Returns
    -------
    str
        Each with a capital and a full stop.
    """
    return " ".join(p[0].upper() + p[1:].rstrip(".") + "." for p in parts if p)
