"""Examine all results: integrity of every file, certificates re-checked, what nobody needs."""

from __future__ import annotations

import importlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relu_optima.collect import sweep_file
from relu_optima.environment import environment_changes
from relu_optima.errors import ReluOptimaError, StoreError
from relu_optima.manifest import Manifest, read_manifest
from relu_optima.parquet import DIGEST, checked_metadata
from relu_optima.products import product_files, why_stale
from relu_optima.stage import STAGES, Record
from relu_optima.store import Store
from relu_optima.worker import batch_file

NAMED = 5  # records of one kind; `doctor RUN` says it of each


@dataclass
class Findings:
    """What an examination found.

    Attributes
    ----------
    problems : list of str
        Everything that is wrong, one line each.
    notes : list of str
        What is worth knowing and not wrong (orphans, runs not computed yet).
    counts : Counter
        How many things of each kind were examined.
    orphans : list of (str, str)
        Addresses of records that no plan refers to.
    """

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    orphans: list[tuple[str, str]] = field(default_factory=list)


def plans(results: Path, findings: Findings) -> list[Manifest]:
    """Read every plan in a results folder.

    Parameters
    ----------
    results : Path
        ``results``.
    findings : Findings
        Damaged plans are noted here.

    Returns
    -------
    list of Manifest
        The plans that can be read.
    """
    out = []
    for path in sorted(results.glob("*/plan.json")):
        try:
            out.append(read_manifest(path))
        except StoreError as error:
            findings.problems.append(str(error))
    return out


def examine(
    results: Path, *, verify: bool, progress: Callable[[int, int], None] = lambda done, total: None
) -> Findings:
    """Re-hash every record, re-check certificates, compare every file with its plan.

    Parameters
    ----------
    results : Path
        ``results``.
    verify : bool
        Re-check certificates too, with each stage's ``verify``; else only checksums.
    progress : callable, optional
        Called with (done, total) records.

    Returns
    -------
    Findings
        Problems, notes and counts.
    """
    findings = Findings()
    manifests = plans(results, findings)
    store = Store(results / "store")
    addresses = store.addresses()
    others: dict[str, list[str]] = {}
    for done, address in enumerate(addresses):
        progress(done, len(addresses))
        _examine_record(store, address, findings, others, verify=verify)
    progress(len(addresses), len(addresses))
    for change, records in sorted(others.items()):
        shown = ", ".join(records[:NAMED]) + (", ..." if len(records) > NAMED else "")
        findings.notes.append(
            f"{len(records)} records were computed in another environment than the present one "
            f"({change}): {shown}"
        )
    for manifest in manifests:
        _examine_study(manifest, results, findings)
    findings.orphans = orphans(store, manifests)
    if findings.orphans:
        findings.notes.append(
            f"{len(findings.orphans)} records belong to no plan (older code or dropped values); "
            "list them with --orphans; --prune says what it would remove, --prune --yes removes it"
        )
    if half := leftovers(results):
        findings.notes.append(f"{len(half)} half-written files of killed processes (see --prune)")
    return findings


def _examine_record(
    store: Store,
    address: tuple[str, str],
    findings: Findings,
    others: dict[str, list[str]],
    *,
    verify: bool,
) -> None:
    findings.counts["records"] += 1
    try:
        record = store.load(*address)
    except StoreError as error:
        findings.problems.append(" ".join(str(error).split()))
        return
    if changes := environment_changes(record):
        others.setdefault("; ".join(changes), []).append("/".join(address))
    if not verify or record.status == "refused":
        return
    upstream: dict[str, Record] = {}
    for stage, run_id in record.config.get("upstream", {}).items():
        found = _any_version(store, run_id)
        if found is None:
            findings.notes.append(
                f"{record.stage} {record.run_id}: not re-checked, its upstream {stage} run "
                f"{run_id} is not in the store"
            )
            return
        upstream[stage] = found
    entry = importlib.import_module(f"{STAGES[record.stage].package}.stage")
    try:
        wrong = entry.verify(record, upstream)
    except (ReluOptimaError, KeyError, ValueError, TypeError) as error:
        wrong = [f"cannot be re-checked: {type(error).__name__}: {error}"]
    findings.counts[f"{record.stage} certificates"] += 1
    findings.problems.extend(f"{record.stage} {'/'.join(address)}: {text}" for text in wrong)


def _any_version(store: Store, run_id: str) -> Record | None:
    """Load an upstream record; its science is fixed by the run id, whatever code computed it."""
    for path in sorted((store.root / run_id).glob("*/record.json"), reverse=True):
        try:
            return store.load(run_id, path.parent.name)
        except StoreError:
            continue  # the damage is reported where that record itself is examined
    return None


def _examine_study(manifest: Manifest, results: Path, findings: Findings) -> None:
    study = manifest.study
    again = f"run study {study!r} again"
    missing = 0
    for batch in manifest.batches.values():
        path = batch_file(results, study, batch.id)
        if not path.exists():
            missing += 1
            continue
        findings.counts["batch files"] += 1
        _examine_table(path, batch.digest, again, findings)
    if missing:
        findings.notes.append(
            f"study {study!r}: {missing} of {len(manifest.batches)} batches not computed yet"
        )
    digests: dict[str, str | None] = {}
    for sweep in manifest.sweeps:
        path = sweep_file(results, study, sweep)
        if not path.exists():
            continue
        findings.counts["sweep files"] += 1
        held = _examine_table(path, manifest.sweep_digest(sweep), again, findings)
        digests[sweep] = held[DIGEST] if held else None
    for kind, products in (("figure", manifest.figures), ("table", manifest.tables)):
        for product in products.values():
            files = product_files(results, study, kind, product.name)
            if not any(p.exists() for p in files):
                continue
            findings.counts[f"{kind}s"] += 1
            why = why_stale(results, study, kind, product, digests)
            if why is not None:
                findings.problems.append(f"{files[0].with_suffix('')}: {why}; {again}")


def _examine_table(path: Path, digest: str, fix: str, findings: Findings) -> dict[str, Any] | None:
    """Check one Parquet file; return what it says of itself if it is the plan's."""
    held = checked_metadata(path)
    if held is None:
        findings.problems.append(f"{path}: damaged Parquet file; {fix}")
    elif held.get("digest") != digest:
        findings.problems.append(f"{path}: belongs to another plan; {fix}")
    else:
        return held
    return None


def orphans(store: Store, manifests: list[Manifest]) -> list[tuple[str, str]]:
    """List the records that no plan refers to.

    Parameters
    ----------
    store : Store
        The store.
    manifests : list of Manifest
        All plans.

    Returns
    -------
    list of (str, str)
        Their addresses.
    """
    planned = {(r.id, r.code_key) for m in manifests for r in m.runs.values()}
    return [address for address in store.addresses() if address not in planned]


def leftovers(results: Path) -> list[Path]:
    """List half-written files and folders that killed processes left behind.

    Parameters
    ----------
    results : Path
        ``results``.

    Returns
    -------
    list of Path
        Nobody reads them; they only take space.
    """
    half = re.compile(r"\.(tmp-|.+\.)[0-9a-f]{32}")
    # beside a running study folders vanish: os.walk passes over them, Path.rglob stops at them
    return sorted(
        Path(folder, name)
        for folder, folders, files in os.walk(results)
        for name in (*folders, *files)
        if half.fullmatch(name)
    )


@dataclass(frozen=True)
class Removal:
    """What pruning removes.

    Attributes
    ----------
    records : list of (str, str)
        Addresses of records that no plan refers to.
    leftovers : list of Path
        Half-written files and folders.
    size : int
        Their bytes.
    """

    records: list[tuple[str, str]]
    leftovers: list[Path]
    size: int


def prune(results: Path, *, remove: bool) -> Removal:
    """Remove what no plan refers to, or only say what that would be.

    Parameters
    ----------
    results : Path
        ``results``; hold its lock, so that no study plans or writes meanwhile.
    remove : bool
        Remove it; else nothing is changed.

    Returns
    -------
    Removal
        What was or would be removed.

    Raises
    ------
    StoreError
        If a plan cannot be read: then nobody knows which records it needs.
    """
    unread = Findings()
    manifests = plans(results, unread)
    if unread.problems:
        raise StoreError(
            "nothing is removed, since a plan cannot be read:\n  " + "\n  ".join(unread.problems),
            where=str(results),
            fix="run or plan that study again, or delete its folder",
        )
    store = Store(results / "store")
    records, half = orphans(store, manifests), leftovers(results)
    paths = [*(store.folder(*address) for address in records), *half]
    files = [p for path in paths for p in (path, *path.rglob("*")) if p.is_file()]
    found = Removal(records, half, sum(p.stat().st_size for p in files))
    for path in paths if remove else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        folder = path.parent
        if folder.parent == store.root and not any(folder.iterdir()):
            folder.rmdir()
    return found
