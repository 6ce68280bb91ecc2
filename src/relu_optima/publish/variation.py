"""Say in words what varies under an interval, and for which data: from the runs, not from a file.

A run that draws nothing has no seed, so a seed that differs among runs has decided something.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from relu_optima.config.plugins import load_plugin
from relu_optima.errors import ReluOptimaError
from relu_optima.publish.frames import is_ok, levels
from relu_optima.publish.labels import value_label
from relu_optima.stage import STAGES

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 3  # data sets at most whose sizes are given one by one
_WORDS = {"dataset.validation_seed": "validation rows", "pattern.seed": "masks"}


def describe_seeds(frame: pd.DataFrame, by: Sequence[str]) -> str:
    """Say over what the runs of each group differ."""
    good = frame[is_ok(frame)]
    groups = [g for _, g in good.groupby(list(by), sort=False, dropna=False)] if by else [good]
    varying = [c for c in _seeds(frame) if any(g[c].nunique() > 1 for g in groups)]
    if not varying:
        return "runs"
    counts = [len(g[varying].drop_duplicates()) for g in groups]
    words = dict.fromkeys(_word(good, column) for column in varying)
    return f"{_span(counts)} seeds ({', '.join(words)})"


def seed_words(frame: pd.DataFrame) -> dict[str, str]:
    """Name what each seed of the runs draws."""
    good = frame[is_ok(frame)]
    return {column: _word(good, column) for column in _seeds(frame) if frame[column].nunique() > 1}


def _seeds(frame: pd.DataFrame) -> list[str]:
    return [c for c in map(str, frame.columns) if c == "seed" or c.endswith((".seed", "_seed"))]


def describe_sizes(frame: pd.DataFrame) -> str:
    """Give the sizes of the data, the number of gates and the strength of regularisation."""
    parts = []
    if "n_train" in frame and frame["n_train"].notna().any():
        names = levels(frame["dataset"]) if "dataset" in frame else []
        if 1 < len(names) <= _NAMED:
            parts = [f"{value_label(n, {})}: {_sizes(frame[frame['dataset'] == n])}" for n in names]
        else:
            parts = [_sizes(frame)]
    gates = _upstream(frame, "n_gates")
    if gates is not None:
        parts.append(f"P = {_span(gates)}")
    strengths = _upstream(frame, "lam_fraction")
    if strengths is not None and "series.lam_fraction" not in frame:
        parts.append(f"λ = {_span(strengths)} λₘₐₓ")
    return f"data: {'; '.join(parts)}" if parts else ""


def _sizes(frame: pd.DataFrame) -> str:
    return f"n = {_span(frame['n_train'])}, d = {_span(frame['d'])}"


def _upstream(frame: pd.DataFrame, name: str) -> pd.Series | None:
    """Return a column of the runs or of one sweep they build on, if it is there."""
    found = [c for c in frame.columns if c == name or str(c).endswith(f".{name}")]
    found = [c for c in found if not str(c).startswith("series.") and frame[c].notna().any()]
    return frame[found[0]].dropna() if len(found) == 1 else None


def _span(values: Iterable[float]) -> str:
    known = [v for v in values if v == v]
    low, high = (f"{float(end):.3g}" if end < 1 else f"{end:g}" for end in (min(known), max(known)))
    return low if low == high else f"{low}–{high}"


def _word(frame: pd.DataFrame, column: str) -> str:
    """Name what a seed draws."""
    prefix, _, last = column.rpartition(".")
    for ending, word in _WORDS.items():
        if column == ending or column.endswith(f".{ending}"):
            return word
    if prefix == "dataset" or prefix.endswith(".dataset"):
        return _data_word(frame, f"{prefix}.loader")
    if last != "seed":
        return column
    stages: list[str] = []
    if prefix:
        heads = {".".join(str(c).split(".")[: prefix.count(".") + 2]) for c in frame.columns}
        stages = [s for s in STAGES if f"{prefix}.{s}" in heads]
    elif "stage" in frame:
        stages = list(frame["stage"].dropna().unique())
    words = [STAGES[s].drawn for s in stages if s in STAGES and STAGES[s].drawn]
    return words[0] if len(words) == 1 else column


def _data_word(frame: pd.DataFrame, column: str) -> str:
    loaders: list[str] = list(frame[column].dropna().unique()) if column in frame else []
    try:
        words = dict.fromkeys(str(load_plugin("dataset", n).Config.drawn) for n in loaders)
    except ReluOptimaError:
        words = {}
    return " or ".join(words) or "data"
