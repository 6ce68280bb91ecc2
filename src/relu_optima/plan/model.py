"""The manifest ``results/<study>/plan.json``: what a study computes, as jobs read it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relu_optima.errors import StoreError
from relu_optima.files import write_atomically

FORMAT = 3
REPAIR = "plan again: relu-optima plan STUDY"
_SEAL = re.compile('\\{"sha256": "([0-9a-f]{64})", ')
_NAME = re.compile("[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True)
class PlannedRun:
    """One run.

    Attributes
    ----------
    id, code_key, stage : str
        Address in the store, and the stage.
    code : str
        Hash of its code and files alone.
    environment : str
        Libraries that compute it or, if it is accepted, did: a key of `Manifest.environments`.
    seed : int or None
        Seed; None for data sets, whose seed is in their group.
    groups : dict
        Full values of the run's own config groups, operational fields included.
    scientific : dict
        The part of `groups` that decides the result.
    upstream : dict of str to str
        Run ids by stage, transitively.
    """

    id: str
    code_key: str
    stage: str
    code: str
    environment: str
    seed: int | None
    groups: dict[str, dict[str, Any]]
    scientific: dict[str, dict[str, Any]]
    upstream: dict[str, str]


@dataclass(frozen=True)
class Entry:
    """A run as one sweep sees it: the presets it chose and the upstream sweeps it came by."""

    run: str
    choices: dict[str, str] = field(default_factory=dict)
    on: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """Runs that one job computes in one process.

    Attributes
    ----------
    id : str
        ``<sweep>/<number>``.
    entries : list of Entry
        The runs, in order.
    digest : str
        Hash of everything that decides the batch's Parquet file.
    inputs : list of str
        Ids of the batches whose runs these build on.
    """

    id: str
    sweep: str
    stage: str
    entries: list[Entry]
    digest: str
    inputs: list[str]


@dataclass(frozen=True)
class Product:
    """A figure or a table to publish; `note` is what the planner has to say below it."""

    name: str
    config: dict[str, Any]
    sweeps: list[str]
    digest: str
    note: str = ""


@dataclass(frozen=True)
class SweepInfo:
    """What is known of a sweep besides its runs."""

    name: str
    stage: str
    why: str
    on: list[str]
    seconds_per_run: float
    hard_limit: float


@dataclass(frozen=True)
class Manifest:
    """A planned study.

    Attributes
    ----------
    rows : str
        Hash of the code that writes rows.
    environments : dict of str to dict
        See `relu_optima.plan.environment.Environment`.
    accepted : dict of str to list of str
        Runs kept although other libraries computed them, and which.
    notices : list of str
        What the command line narrowed or left out.
    """

    study: str
    base: str
    title: str
    overrides: list[str]
    sweeps: dict[str, SweepInfo]
    runs: dict[str, PlannedRun]
    batches: dict[str, Batch]
    figures: dict[str, Product]
    tables: dict[str, Product]
    rows: str
    environments: dict[str, dict[str, Any]]
    accepted: dict[str, list[str]]
    notices: list[str] = field(default_factory=list)

    def batches_of(self, sweep: str) -> list[Batch]:
        """List a sweep's batches in order."""
        return [b for b in self.batches.values() if b.sweep == sweep]

    def sweep_digest(self, sweep: str) -> str:
        """Hash what decides a sweep's collected table."""
        from relu_optima.config.identity import digest

        return digest([[b.id, b.digest] for b in self.batches_of(sweep)])

    def to_json(self) -> str:
        """Write the manifest as text."""
        body = {"format": FORMAT, **vars(self)}
        # nothing is copied: `asdict` would take longer than all else that planning does
        return sealed(json.dumps(body, sort_keys=True, ensure_ascii=False, default=vars))


def sealed(text: str) -> str:
    """Put a digest of all its bytes in front of a plan's text: ``{"sha256": "…", …}``."""
    return f'{{"sha256": "{_sha256(text)}", {text[1:]}'


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _unsealed(text: str) -> dict[str, Any]:
    """Read a plan's text, if no byte of it was changed."""
    seal = _SEAL.match(text)
    if seal is None:
        raise ValueError("it has no checksum; another version may have written it")
    body = "{" + text[seal.end() :]
    if _sha256(body) != seal[1]:
        raise ValueError("it does not match its checksum")
    value = json.loads(body)
    if value.pop("format") != FORMAT:
        raise ValueError("it has another format")
    assert isinstance(value, dict)
    return value


def read_manifest(path: Path) -> Manifest:
    """Read a manifest."""
    try:
        value = _unsealed(path.read_bytes().decode("utf-8"))
        _check_names(value)
        unknown = {r["environment"] for r in value["runs"].values()} - value["environments"].keys()
        if unknown:
            raise ValueError(f"it does not describe environment {min(unknown)}")
        batches = {
            k: Batch(**{**b, "entries": [Entry(**e) for e in b["entries"]]})
            for k, b in value.pop("batches").items()
        }
        return Manifest(
            sweeps={k: SweepInfo(**s) for k, s in value.pop("sweeps").items()},
            runs={k: PlannedRun(**r) for k, r in value.pop("runs").items()},
            batches=batches,
            figures={k: Product(**p) for k, p in value.pop("figures").items()},
            tables={k: Product(**p) for k, p in value.pop("tables").items()},
            **value,
        )
    except FileNotFoundError:
        raise StoreError("there is no such plan", where=str(path), fix=REPAIR) from None
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"damaged plan: {error}", where=str(path), fix=REPAIR) from None


def _check_names(value: dict[str, Any]) -> None:
    """Refuse names that could lead out of ``results``: files are named after them."""
    names = [value["study"], *value["sweeps"], *value["figures"], *value["tables"]]
    names += [part for batch in value["batches"] for part in batch.split("/", 1)]
    wrong = [name for name in names if not (isinstance(name, str) and _NAME.fullmatch(name))]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no name")


def write_manifest(manifest: Manifest, path: Path) -> bool:
    """Write a manifest if its content changed."""
    text = manifest.to_json()
    try:
        if path.read_text(encoding="utf-8") == text:
            return False
    except (OSError, UnicodeDecodeError):
        pass  # absent or damaged: write it anew
    write_atomically(path, text.encode("utf-8"))
    return True
