"""Write numbers and text for people and HTML."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from relu_optima.publish.labels import value_label
from relu_optima.publish.table_config import Format
from relu_optima.publish.typeset import SCIENTIFIC

MISSING = "–"


def format_value(value: Any, form: Format, values: Mapping[str, str]) -> str:
    """Write one cell as plain text."""
    if hasattr(value, "item"):
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if form == "text" or isinstance(value, bool) or not isinstance(value, int | float):
        return value_label(value, values)
    return _number(value, form)


def telling_decimals(low: float, high: float) -> int | None:
    """Say how many decimals mean something in an interval: two digits of its width."""
    width = high - low
    if not (math.isfinite(width) and width > 0):
        return None
    return max(1 - math.floor(math.log10(width)), 0)


def shortened(value: float, text: str, decimals: int) -> str:
    """Write a number with fewer decimals, but never with fewer than two significant digits."""
    if value:
        decimals = max(decimals, 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}" if len(text.partition(".")[2]) > decimals else text


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


def html_text(text: str) -> str:
    """Escape text for HTML."""
    match = SCIENTIFIC.fullmatch(text)
    if match:
        mantissa = match[1].replace("-", "−")
        exponent = str(int(match[2])).replace("-", "−")
        return f"{mantissa}&thinsp;×&thinsp;10<sup>{exponent}</sup>"
    if re.fullmatch(r"-\d+(?:\.\d+)?", text):
        text = text.replace("-", "−")
    printable = "".join(c if c >= " " or c in "\t\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    return html.escape(printable, quote=True).replace("λₘₐₓ", "λ<sub>max</sub>")


def sentences(parts: Iterable[str]) -> str:
    """Join remarks to one line."""
    return " ".join(p[0].upper() + p[1:].rstrip(".") + "." for p in parts if p)
