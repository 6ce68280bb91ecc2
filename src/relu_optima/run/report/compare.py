"""Two studies side by side: every result of every run that both have, cell by cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relu_optima.errors import ReluOptimaError
from relu_optima.plan.model import Manifest
from relu_optima.publish.frames import is_setting
from relu_optima.store.plans import read_plan
from relu_optima.store.soundness import read_sweep

if TYPE_CHECKING:
    import pandas as pd

_NAMES = {"run_id", "code_key", "sweep", "stage"}


@dataclass(frozen=True)
class Difference:
    """How the runs of one sweep differ between two studies.

    Attributes
    ----------
    sweep : str
        The sweep that both have.
    matched, only_first, only_second : int
        Runs whose settings both have, and those of one alone.
    cells : int
        Results compared.
    changed : dict of str to tuple
        By column: how many cells differ, and the largest relative difference (NaN for text).
    """

    sweep: str
    matched: int
    only_first: int
    only_second: int
    cells: int
    changed: dict[str, tuple[int, float]]


def compare_studies(first: str, second: str, results: Path) -> list[Difference]:
    """Compare two studies by their collected sweeps."""
    plans = [read_plan(results, name) for name in (first, second)]
    shared = [name for name in plans[0].sweeps if name in plans[1].sweeps]
    if not shared:
        raise ReluOptimaError(f"{first} and {second} have no sweep in common", where="compare")
    return [_compare(name, plans, results) for name in shared]


def _compare(sweep: str, plans: list[Manifest], results: Path) -> Difference:
    frames = [read_sweep(plan, sweep, results)[0] for plan in plans]
    shared = [c for c in frames[0].columns if c in frames[1].columns and c not in _NAMES]
    # ids of runs before this one name settings that stand in columns of their own
    settings = [c for c in shared if is_setting(c)]
    rest = [c for c in shared if not is_setting(c) and c.rsplit(".", 1)[-1] not in _NAMES]
    one, two = (_by_setting(frame, settings) for frame in frames)
    both = [key for key in one if key in two]
    changed: dict[str, tuple[int, float]] = {}
    for column in rest:
        values = [(one[k][column], two[k][column]) for k in both]
        found = [difference(a, b) for a, b in values]
        differing = [d for d in found if d != 0]
        if differing:
            numbers = [d for d in differing if not math.isnan(d)]
            changed[column] = len(differing), max(numbers, default=math.nan)
    return Difference(
        sweep, len(both), len(one) - len(both), len(two) - len(both), len(both) * len(rest), changed
    )


def _by_setting(frame: pd.DataFrame, settings: list[str]) -> dict[tuple[str, ...], Any]:
    keys = zip(*(frame[c].map(repr) for c in settings), strict=True)
    return {key: run for key, (_, run) in zip(keys, frame.iterrows(), strict=True)}


def difference(a: Any, b: Any) -> float:
    """Return the largest relative difference, 0 if there is none, NaN if no number says it."""
    import numpy as np

    if a is b or repr(a) == repr(b):
        return 0.0
    try:
        x, y = np.atleast_1d(np.asarray(a, float)), np.atleast_1d(np.asarray(b, float))
    except (TypeError, ValueError):
        return math.nan
    if x.shape != y.shape or not (np.isnan(x) == np.isnan(y)).all():
        return math.nan
    scale = np.maximum(np.maximum(abs(x), abs(y)), np.finfo(float).tiny)
    gaps = np.where(np.isnan(x), 0.0, abs(x - y) / scale)
    return float(gaps.max(initial=0.0))
