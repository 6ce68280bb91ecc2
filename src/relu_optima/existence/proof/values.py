"""Read the numbers of a certificate, which anybody may have written.

Nothing is converted on the way: ``true`` is no index, 1.5 no integer, and -1 no row. Numbers are
bounded, so that a short text cannot ask for a long computation.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np

MAX_BITS = 4096
_FRACTION = re.compile(r"(-?[0-9]{1,1200})(?:/([0-9]{1,1200}))?")


def integer(value: Any) -> int:
    """Read an integer."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is no integer")
    if value.bit_length() > MAX_BITS:
        raise ValueError(f"an integer has more than {MAX_BITS} bits")
    return value


def index(value: Any, size: int) -> int:
    """Read an index below a size."""
    if not 0 <= integer(value) < size:
        raise ValueError(f"index {value} does not exist, there are {size}")
    return int(value)


def in_range(indices: Any, size: int) -> bool:
    """Say whether a list holds distinct indices below a size."""
    return (
        isinstance(indices, list)
        and all(isinstance(i, int) and not isinstance(i, bool) and 0 <= i < size for i in indices)
        and len(set(indices)) == len(indices)
    )


def fraction(value: Any) -> Fraction:
    """Read an integer, or a text like ``-3/4``."""
    if not isinstance(value, str):
        return Fraction(integer(value))
    parts = _FRACTION.fullmatch(value)
    if parts is None:
        raise ValueError(f"{value[:40]!r} is no fraction")
    top, bottom = int(parts[1]), int(parts[2] or 1)
    if bottom == 0:
        raise ValueError(f"{value[:40]!r} divides by zero")
    return Fraction(top, bottom)


def vector(entries: Any, support: np.ndarray) -> dict[int, Fraction]:
    """Read a sparse vector that lives on a support."""
    out: dict[int, Fraction] = {}
    for place, value in entries:
        i = index(place, len(support))
        number = fraction(value)
        if not support[i]:
            raise ValueError(f"a vector leaves its support at {i}")
        if i in out or number == 0:
            raise ValueError(f"entry {i} of a vector is zero or occurs twice")
        out[i] = number
    return out
