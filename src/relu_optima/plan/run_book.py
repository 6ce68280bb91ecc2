"""The runs of a plan: each scientific content once, under its id, with the key of its code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from relu_optima.config.groups import CheckedGroup
from relu_optima.config.identity import digest, run_id
from relu_optima.config.problems import Problems
from relu_optima.plan.code_key import RunKey, key_of
from relu_optima.plan.model import PlannedRun

Keep = Callable[[str, RunKey, dict[str, str]], RunKey | None]


class RunBook:
    """Keeps runs; `kept` may know records that other libraries left and that are accepted."""

    def __init__(self, problems: Problems, kept: Keep | None) -> None:
        self.problems = problems
        self.kept = kept
        self.runs: dict[str, PlannedRun] = {}
        self.environments: dict[str, dict[str, Any]] = {}
        self.accepted: dict[str, list[str]] = {}
        self._full_digests: dict[str, str] = {}

    def keep(
        self,
        stage: str,
        seed: int | None,
        groups: Mapping[str, CheckedGroup],
        upstream: dict[str, str],
    ) -> PlannedRun:
        """Give a run its id and key, once."""
        scientific = {g: c.scientific for g, c in groups.items()}
        # a run that draws nothing is that of seed 0, so that no seed makes a copy of it
        hashed = 0 if seed is None and stage != "dataset" else seed
        identifier = run_id(stage, hashed, scientific, upstream)
        full = digest([stage, hashed, scientific, upstream])
        if self._full_digests.setdefault(identifier, full) != full:
            self.problems.append(
                f"two different runs share the id {identifier}: change any value of one of them"
            )
        if identifier not in self.runs:
            key = self._key(identifier, stage, groups, upstream)
            if key.environment.id not in self.environments:
                self.environments[key.environment.id] = key.environment.to_json()
            self.runs[identifier] = PlannedRun(
                id=identifier,
                code_key=key.code_key,
                stage=stage,
                code=key.code,
                environment=key.environment.id,
                seed=seed,
                groups={g: c.values for g, c in groups.items()},
                scientific=scientific,
                upstream=upstream,
            )
        return self.runs[identifier]

    def _key(
        self,
        identifier: str,
        stage: str,
        groups: Mapping[str, CheckedGroup],
        upstream: Mapping[str, str],
    ) -> RunKey:
        """Return a run's key, or that of a record which other libraries left and is accepted."""
        key = key_of(
            stage, [g.reach for g in groups.values()], [self.runs[u] for u in upstream.values()]
        )
        if self.kept is None:
            return key
        keys = {s: self.runs[u].code_key for s, u in upstream.items()}
        kept = self.kept(identifier, key, keys)
        if kept is None:
            return key
        self.accepted[identifier] = kept.environment.changes(key.environment)
        return kept
