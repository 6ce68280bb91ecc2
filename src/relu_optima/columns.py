"""Flatten a run's configuration, with that of the runs it builds on, into table columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from relu_optima.config.identity import canonical_json
from relu_optima.manifest import Entry, PlannedRun


def config_columns(
    runs: Mapping[str, PlannedRun], entry: Entry, upstream: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Flatten a run's configuration into table columns.

    Parameters
    ----------
    runs : mapping of str to PlannedRun
        All runs of the plan.
    entry : Entry
        The run in its sweep.
    upstream : mapping of str to mapping
        Columns of the upstream runs by sweep; they join with the sweep's name in front.

    Returns
    -------
    dict
        ``seed``, preset names by group, ``<group>.<key>``, ``<sweep>.<column>``.
    """
    run = runs[entry.run]
    out: dict[str, Any] = {}
    if run.seed is not None:
        out["seed"] = run.seed
    data = run.upstream.get("dataset")
    groups = dict(run.scientific)
    if data is not None:
        groups = {**runs[data].scientific, **groups}
    for name, columns in upstream.items():
        for key, value in columns.items():
            if key == "dataset" or key.startswith("dataset."):
                out.setdefault(key, value)
            else:
                out[f"{name}.{key}"] = value
    out.update(entry.choices)
    for group, values in groups.items():
        out.update({f"{group}.{k}": v for k, v in _flat(values)})
    return out


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", canonical_json(value) if isinstance(value, list) else value
