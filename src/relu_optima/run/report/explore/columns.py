"""Columns as short JSON: constants once, few values by letters, upstream columns by reference.

Settings keep all digits, results `DIGITS` significant ones, which is finer than a screen draws.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

DIGITS = 6
# one letter stands for one value; none of them means anything in JSON or HTML
LETTERS = "".join(chr(c) for c in range(35, 127) if chr(c) not in "&<>\\")


def json_text(value: Any, *, exact: bool) -> str:
    """Write a cell as JSON; what is missing or no number is null, and infinity overflows."""
    if hasattr(value, "item"):
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "null"
    if isinstance(value, float):
        if math.isinf(value):
            return "1e999" if value > 0 else "-1e999"
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        return repr(value) if exact else f"{value:.{DIGITS}g}"
    return json.dumps(value, ensure_ascii=False)


def coded(texts: Sequence[str]) -> str:
    """Write a column of JSON texts in the shortest of its forms."""
    levels = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    if len(levels) == 1:
        return f'{{"c":{texts[0]}}}'
    known = ",".join(levels)
    if len(levels) <= min(len(LETTERS), len(texts) // 2):
        letters = "".join(LETTERS[levels[text]] for text in texts)
        return f'{{"d":[{known}],"i":"{letters}"}}'
    if len(levels) <= len(texts) // 4:
        return f'{{"d":[{known}],"i":[{",".join(str(levels[text]) for text in texts)}]}}'
    return f'{{"v":[{",".join(texts)}]}}'


def referred(
    name: str, texts: Sequence[str], upstream: Mapping[str, tuple[Sequence[int], Mapping[str, Any]]]
) -> str | None:
    """Name the sweep whose rows hold this column already; None if none does, cell by cell."""
    for sweep, (rows, columns) in upstream.items():
        known = (
            columns.get(name.removeprefix(f"{sweep}.")) if name.startswith(f"{sweep}.") else None
        )
        if known is not None and [known[row] for row in rows] == list(texts):
            return sweep
    return None


def inert(text: str) -> str:
    """Write JSON so that no page takes a part of it for markup."""
    for sign in "<>&\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
