"""The inputs that neurons may read: checked, named, or taken from a mask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import comb

import numpy as np

from relu_optima.errors import BudgetError, SolveInputError

Supports = tuple[tuple[int, ...], ...]
NAMED = {"pairs": 2, "pairs_with_bias": 2, "triples": 3}
MOST = 200_000  # supports: each keeps its sorted hyperplanes


def supports_of(given: str | Sequence[Iterable[int]] | np.ndarray, X: np.ndarray) -> Supports:
    """Return the supports that a name, a list or a mask of the first layer stands for.

    ``pairs`` and ``triples`` are all sets of two and three inputs, ``pairs_with_bias`` all pairs
    together with the last input, a column of equal numbers. A mask has one row for each neuron;
    equal rows are one support, rows without an input none.
    """
    d = X.shape[1]
    if isinstance(given, str):
        return _named(given, X)
    if isinstance(given, np.ndarray) and given.ndim == 2:
        return _of_mask(given, d)
    listed = []
    for support in given:
        inputs = tuple(int(i) for i in support)
        if not inputs or len(set(inputs)) < len(inputs) or min(inputs) < 0 or max(inputs) >= d:
            raise SolveInputError(
                f"support {list(inputs)}",
                allowed=f"different inputs from 0 to {d - 1}, at least one",
                where="supports",
            )
        listed.append(tuple(sorted(inputs)))
    if not listed:
        raise SolveInputError("there is none", allowed="at least one support", where="supports")
    if len(set(listed)) < len(listed):
        again = next(s for s in listed if listed.count(s) > 1)
        raise SolveInputError(
            f"support {list(again)} is listed twice",
            allowed="different supports",
            where="supports",
            fix="list each once: it may have any number of neurons",
        )
    _check_blocks(listed, X)
    return tuple(listed)


def _named(name: str, X: np.ndarray) -> Supports:
    d = X.shape[1]
    if name not in NAMED:
        raise SolveInputError(
            f"unknown name {name!r}", allowed=", ".join(NAMED), where="convex.supports"
        )
    size = NAMED[name]
    inputs = range(d - 1 if name == "pairs_with_bias" else d)
    if name == "pairs_with_bias" and (X[0, -1] == 0 or np.ptp(X[:, -1]) > 0):
        raise SolveInputError(
            "the last input is no column of equal numbers",
            where="convex.supports",
            fix="use dataset.bias=true, or append a column of ones",
        )
    if len(inputs) < size:
        raise SolveInputError(
            f"{name} of {len(inputs)} inputs", allowed=f"at least {size}", where="convex.supports"
        )
    if comb(len(inputs), size) > MOST:
        raise BudgetError(
            f"{comb(len(inputs), size)} supports",
            allowed=str(MOST),
            where="convex.supports",
            fix="list the ones that matter",
        )
    last = (d - 1,) if name == "pairs_with_bias" else ()
    found = [(*chosen, *last) for chosen in combinations(inputs, size)]
    return tuple(s for s in found if X[:, s].any())


def _of_mask(mask: np.ndarray, d: int) -> Supports:
    if mask.shape[1] != d or not np.isin(mask, (0, 1)).all():
        raise SolveInputError(
            f"the mask has shape {mask.shape} or entries that are not 0 and 1",
            allowed=f"(neurons, {d}), 0 or 1",
            where="supports",
        )
    rows = {tuple(int(i) for i in np.flatnonzero(row)) for row in mask}
    rows.discard(())
    if not rows:
        raise SolveInputError("no neuron reads an input", where="supports", fix="choose a mask")
    return tuple(sorted(rows))


def _check_blocks(listed: list[tuple[int, ...]], X: np.ndarray) -> None:
    for support in listed:
        if not X[:, support].any():
            raise SolveInputError(
                f"the inputs {list(support)} are zero in all rows",
                allowed="supports with data",
                where="supports",
                fix="leave this support out: its neurons have no output",
            )
