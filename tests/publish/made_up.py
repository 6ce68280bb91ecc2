"""Made-up sweeps for any table preset: every column it names, with long names and wide numbers."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

COLUMN_KEYS = (
    *("column", "by", "count", "of", "key", "sort", "outcome", "score", "scores", "over"),
    *("method", "pair", "pool", "during", "difference", "value", "along", "lower", "same"),
    *("least", "most"),
)
WORDS: dict[str, list[Any]] = {
    "dataset": ["breast_cancer_wisconsin", "heart_hungarian_uci", "blood_uci"],
    "pattern": ["block_diagonal", "lu", "dense_4"],
    "convex": ["relu", "gated"],
    "training": ["gradual_pruning", "random_mask", "rigl"],
    "optimizer": ["sgd", "adam", "lbfgs"],
    "distribution": ["uniform", "erk"],
    "pruning": ["optimal_ls", "global_minimum", "magnitude", "gradient", "random"],
    "mode": ["exact", "published"],
    "verdict_product": ["closed", "not_closed", "unknown"],
    "verdict_function": ["closed", "not_closed", "unknown"],
    "verdict_optimum": ["always", "not_always", "unknown"],
    "method": [
        "no closed rule applies and no refutable limit was found within the budget",
        "merging, peeling and windows do not decide this chain",
        "rigid_blocks",
    ],
    "method_function": [
        "the product set of a subset of the neurons is undecided",
        "no rule for more than one hidden layer unless the product set is not closed",
        "no hidden layer",
    ],
    "behaviour": ["growing", "bounded"],
    "jumps": ["found", "none"],
    "certificate_verified": [True],
    "is_unique": [True, False],
    "fitted": [True, False],
    "symmetrize": [True, False],
    "run_id": [f"{i:012x}" for i in range(5)],
}
# Columns that a plug-in reads without being told.
OWN_COLUMNS = {"certificates": ["objective", "dual_objective", "gap", "violation", "kkt_residual"]}
STEPS = {"lam": [0.1, 0.001], "interior_tol": [1e-4, 1e-8], "weight_decay": [0.0, 5e-4]}


def frames_for(values: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Make every sweep of a table preset.

    Parameters
    ----------
    values : mapping
        The preset.

    Returns
    -------
    dict of str to DataFrame
        By sweep; all settings that the preset selects or groups by, two seeds of each.
    """
    return {name: _sweep(name, _for_sweep(values, name)) for name in values["sweeps"]}


def _for_sweep(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Keep the statements that one sweep answers."""
    claims = [c for c in values.get("claims", []) if c.get("sweep", name) == name]
    return {**values, "claims": claims} if claims else dict(values)


def _sweep(name: str, values: Mapping[str, Any]) -> pd.DataFrame:
    excess = values.get("excess", {})
    asked = {*_columns(values), *OWN_COLUMNS.get(values["table"], [])}
    asked |= {c for pair in excess.values() for c in pair}
    columns = sorted(asked - set(excess))
    selected: dict[str, list[Any]] = {}
    for column, wanted in _where(values):
        found = selected.setdefault(column, [])
        found += [v for v in _list(wanted) if v not in found]
    for claim in values.get("claims", []):
        if "best" in claim:
            selected[claim["method"]] = [claim["best"], *claim["others"]]
        if "along" in claim:  # at least two values, beside those that are selected
            selected.setdefault(claim["along"], []).extend(_levels(claim["along"]))
    rng = np.random.default_rng(int(hashlib.sha256(name.encode()).hexdigest()[:8], 16))
    axes = {c: selected.get(c) or _levels(c) for c in _axes(values, columns, selected)}
    rows = []
    for setting in itertools.product(*axes.values()):
        # statements compare single runs
        for seed in range(1 if "claims" in values else 2):
            row: dict[str, Any] = {_real(c): _value(c, rng) for c in columns}
            row |= {_real(c): v for c, v in zip(axes, setting, strict=True)}
            head = {"run_id": f"{int(rng.integers(2**47)):012x}", "sweep": name, "status": "ok"}
            rows.append(row | {_real(c): seed for c in columns if c.endswith("seed")} | head)
    if not _axes(values, columns, selected):
        rows *= 4
    return pd.DataFrame(rows)


def _axes(values: Mapping[str, Any], columns: list[str], selected: dict[str, Any]) -> list[str]:
    """List the columns whose levels make the settings: what rows are named by, what is selected."""
    named = [*_list(values.get("by", [])), *_list(values.get("key", []))]
    for claim in values.get("claims", []):
        named += [claim.get("method", "dataset"), *claim.get("by", []), *claim.get("pair", [])]
    asked = [*named, *selected, *(c for c in ("dataset", "pattern") if c in columns)]
    return [c for c in dict.fromkeys(asked) if c in columns or c in selected]


def _columns(values: Any) -> Iterator[str]:
    if isinstance(values, Mapping):
        for key, inner in values.items():
            if key in COLUMN_KEYS:
                yield from (c for c in _list(inner) if isinstance(c, str))
            elif key == "where":
                yield from inner
            yield from _columns(inner)
    elif isinstance(values, list):
        for inner in values:
            yield from _columns(inner)


def _where(values: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(values, Mapping):
        yield from values.get("where", {}).items()
        for inner in values.values():
            yield from _where(inner)
    elif isinstance(values, list):
        for inner in values:
            yield from _where(inner)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _real(column: str) -> str:
    """Give ``*.name`` a sweep that it comes from."""
    return f"upstream{column[1:]}" if column.startswith("*.") else column


def _levels(column: str) -> list[Any]:
    last = column.rsplit(".", 1)[-1]
    return WORDS.get(last) or STEPS.get(last) or [2, 64]


def _value(column: str, rng: np.random.Generator) -> Any:
    last = column.rsplit(".", 1)[-1]
    if last in WORDS:
        return WORDS[last][int(rng.integers(len(WORDS[last])))]
    if column.startswith("series."):
        return [0.0, 1.0]
    if last.startswith("n_") or last in ("dimension", "layers", "nonzeros", "index", "count"):
        return int(rng.integers(1, 3000))
    if "accuracy" in last or "fraction" in last or "density" in last:
        return float(rng.uniform(0, 1))
    if any(word in last for word in ("gap", "error", "change", "residual", "violation")):
        return float(10 ** rng.uniform(-14, -3))
    return float(rng.normal() * 10 ** rng.uniform(-2, 3))
