"""Flatten a run's configuration, with that of the runs it builds on, into table columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relu_optima.config.identity import canonical_json
from relu_optima.config.plugins import PLUGIN_PACKAGES
from relu_optima.config.result_columns import ResultColumn
from relu_optima.plan.model import Entry, Manifest, PlannedRun
from relu_optima.publish.declared import IDENTITY, plugin_columns, stage_columns

SIZES = ("n_train", "d")  # of the data set, which every run on one repeats


def config_columns(
    runs: Mapping[str, PlannedRun], entry: Entry, upstream: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Flatten a run's configuration into table columns."""
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
            if _of_dataset(key):
                out.setdefault(key, value)
            else:
                out[f"{name}.{key}"] = value
    out.update(entry.choices)
    for group, values in groups.items():
        out.update({f"{group}.{k}": v for k, v in _flat(values)})
    return out


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in _leaves(values):
        yield key, canonical_json(value) if isinstance(value, list) else value


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _of_dataset(key: str) -> bool:
    """Whether a column keeps its name in every sweep that builds on the one it is of."""
    return key == "dataset" or key.startswith("dataset.")


@dataclass
class SweepColumns:
    """The columns that the sweeps of a plan can have, known before anything runs.

    Attributes
    ----------
    runs : mapping of str to PlannedRun
        All runs of the plan.
    sweeps : mapping of str to (str, sequence of Entry)
        Stage and runs of each sweep.
    """

    runs: Mapping[str, PlannedRun]
    sweeps: Mapping[str, tuple[str, Sequence[Entry]]]
    _config: dict[str, dict[str, None]] = field(default_factory=dict)
    _results: dict[str, tuple[ResultColumn, ...]] = field(default_factory=dict)

    @classmethod
    def of_plan(cls, manifest: Manifest) -> SweepColumns:
        """Take runs and sweeps from a plan."""
        entries: dict[str, list[Entry]] = {name: [] for name in manifest.sweeps}
        for batch in manifest.batches.values():
            entries[batch.sweep] += batch.entries
        return cls(manifest.runs, {s: (i.stage, entries[s]) for s, i in manifest.sweeps.items()})

    def __contains__(self, sweep: str) -> bool:
        return sweep in self.sweeps

    def of(self, sweep: str) -> tuple[str, ...]:
        """List all columns of a sweep."""
        names = [*(c.name for c in IDENTITY), *self.config(sweep)]
        if any("dataset" in self.runs[e.run].upstream for e in self.sweeps[sweep][1]):
            names += SIZES
        return tuple(dict.fromkeys([*names, *(c.column for c in self.results(sweep))]))

    def results(self, sweep: str) -> tuple[ResultColumn, ...]:
        """List the result columns of a sweep: those of its stage, then those of plug-ins."""
        if sweep not in self._results:
            stage, entries = self.sweeps[sweep]
            found = {c.column: c for c in stage_columns(stage)}
            plugins = {p for e in entries for p in _plugins(self.runs[e.run])}
            for group, name in sorted(plugins):
                found |= {c.column: c for c in plugin_columns(group, name)}
            self._results[sweep] = tuple(found.values())
        return self._results[sweep]

    def config(self, sweep: str) -> dict[str, None]:
        """List what stands before the results: the keys of `config_columns` over all runs."""
        if sweep not in self._config:
            names: dict[str, None] = {}
            upstream: dict[str, None] = {}
            for entry in self.sweeps[sweep][1]:
                run = self.runs[entry.run]
                data = run.upstream.get("dataset")
                groups = {**(self.runs[data].scientific if data else {}), **run.scientific}
                names |= dict.fromkeys(
                    [*(["seed"] if run.seed is not None else []), *entry.choices]
                )
                for group, values in groups.items():
                    names |= dict.fromkeys(f"{group}.{k}" for k, _ in _leaves(values))
                upstream |= dict.fromkeys(entry.on)
            for name in upstream:
                for key in self._joined(name):
                    names[key if _of_dataset(key) else f"{name}.{key}"] = None
            self._config[sweep] = names
        return self._config[sweep]

    def _joined(self, upstream: str) -> Iterator[str]:
        """Columns of a sweep that join those that build on it; series do not."""
        yield from self.config(upstream)
        yield from ("run_id", "status")
        yield from (c.column for c in self.results(upstream) if c.kind != "series")


def _plugins(run: PlannedRun) -> Iterator[tuple[str, str]]:
    for group, values in run.groups.items():
        if group in PLUGIN_PACKAGES:
            yield group, values[PLUGIN_PACKAGES[group][1]]
