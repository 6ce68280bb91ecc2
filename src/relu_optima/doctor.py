"""Examine results: integrity of every file, certificates re-checked, where a file comes from."""

from __future__ import annotations

import importlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relu_optima.collect import sweep_file
from relu_optima.config.identity import digest
from relu_optima.errors import ConfigError, ReluOptimaError, StoreError
from relu_optima.manifest import Manifest, read_manifest
from relu_optima.parquet import DIGEST, checked_metadata, read_metadata
from relu_optima.plan import make_plan
from relu_optima.planning import plan_file
from relu_optima.products import product_files, why_stale
from relu_optima.stage import STAGES, Record
from relu_optima.store import Store
from relu_optima.worker import batch_file


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
    planned = {(r.id, r.code_key) for m in manifests for r in m.runs.values()}
    addresses = store.addresses()
    for done, address in enumerate(addresses):
        progress(done, len(addresses))
        if address not in planned:
            findings.orphans.append(address)
        _examine_record(store, address, findings, verify=verify)
    progress(len(addresses), len(addresses))
    for manifest in manifests:
        _examine_study(manifest, results, findings)
    if findings.orphans:
        findings.notes.append(
            f"{len(findings.orphans)} records belong to no plan (older code or dropped values); "
            "list them with --orphans, remove them with --prune"
        )
    return findings


def _examine_record(
    store: Store, address: tuple[str, str], findings: Findings, *, verify: bool
) -> None:
    findings.counts["records"] += 1
    try:
        record = store.load(*address)
    except StoreError as error:
        findings.problems.append(" ".join(str(error).split()))
        return
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


def prune(store: Store, orphans: list[tuple[str, str]]) -> int:
    """Remove records that no plan refers to.

    Parameters
    ----------
    store : Store
        The store.
    orphans : list of (str, str)
        Their addresses.

    Returns
    -------
    int
        How many were removed.
    """
    for run_id, code_key in orphans:
        shutil.rmtree(store.folder(run_id, code_key))
        folder = store.root / run_id
        if not any(folder.iterdir()):
            folder.rmdir()
    return len(orphans)


def provenance(path: Path, root: Path) -> Iterator[tuple[str, Any]]:
    """Say where a table, figure, Parquet file or record comes from, and whether it is stale.

    Parameters
    ----------
    path : Path
        Any file below ``results``.
    root : Path
        Project folder.

    Yields
    ------
    (str, object)
        What, and its value.

    Raises
    ------
    StoreError
        If the file is not a result.
    """
    results = (root / "results").resolve()
    full = path.resolve()
    if not full.exists() or results not in full.parents:
        raise StoreError("is not a file below results/", where=str(path))
    parts = full.relative_to(results).parts
    if parts[0] == "store":
        yield from _record_provenance(Store(results / "store"), parts, path)
        return
    manifest = read_manifest(plan_file(results, parts[0]))
    yield "study", f"{manifest.study}: {manifest.title}"
    yield "overrides", " ".join(manifest.overrides) or "none"
    sweeps = list(manifest.sweeps)
    kind = parts[1] if len(parts) > 1 else ""
    name = parts[-1].split(".")[0]
    if kind in ("tables", "figures"):
        products = manifest.tables if kind == "tables" else manifest.figures
        if name not in products:
            raise StoreError(f"the plan makes no such {kind[:-1]}", where=str(path))
        sweeps = products[name].sweeps
        yield "made from", ", ".join(sweeps)
    elif kind == "sweeps":
        sweeps = [name]
    elif kind == "batches":
        sweeps = [parts[2]]
        yield from ((k, v) for k, v in (read_metadata(full) or {}).items() if k != "configs")
    for sweep in sweeps:
        info = manifest.sweeps[sweep]
        entries = [e for b in manifest.batches_of(sweep) for e in b.entries]
        yield f"sweep {sweep}", f"{len(entries)} runs of stage {info.stage}: {info.why}"
        first = read_metadata(batch_file(results, manifest.study, manifest.batches_of(sweep)[0].id))
        if first:
            yield f"sweep {sweep} written", first["written"]
            yield f"sweep {sweep} source", first["source"]
            yield f"sweep {sweep} environment", first["environment"]
    yield "stale", _staleness(manifest, root, sweeps, kind, name)


def _record_provenance(
    store: Store, parts: tuple[str, ...], path: Path
) -> Iterator[tuple[str, Any]]:
    if len(parts) < 3:
        raise StoreError("is not a record", where=str(path))
    record = store.load(parts[1], parts[2])
    yield "run", record.run_id
    yield "code key", record.code_key
    yield "stage", record.stage
    yield "status", record.status
    yield "config", record.config
    yield "cpu seconds", record.seconds
    yield from record.row.items()


def _staleness(manifest: Manifest, root: Path, sweeps: list[str], kind: str, name: str) -> str:
    try:
        now = make_plan(manifest.base, manifest.overrides, root)
    except ConfigError as error:
        return f"unknown: the configuration has mistakes now\n{error}"
    reasons = []
    for sweep in sweeps:
        if sweep not in now.sweeps:
            reasons.append(f"sweep {sweep} is no longer part of the study")
        elif now.sweep_digest(sweep) != manifest.sweep_digest(sweep):
            old = {e.run for b in manifest.batches_of(sweep) for e in b.entries}
            new = {e.run for b in now.batches_of(sweep) for e in b.entries}
            keys = sum(now.runs[r].code_key != manifest.runs[r].code_key for r in old & new)
            reasons.append(
                f"sweep {sweep}: {len(new - old)} new runs, {len(old - new)} dropped, "
                f"{keys} with changed code"
            )
    if kind in ("tables", "figures"):
        before = (manifest.tables if kind == "tables" else manifest.figures)[name]
        after = (now.tables if kind == "tables" else now.figures).get(name)
        if after is None:
            reasons.append(f"the study no longer makes {name}")
        elif after.digest != before.digest:
            changed = digest(after.config) != digest(before.config)
            reasons.append(f"its {'configuration' if changed else 'code'} changed")
    return "; ".join(reasons) or "no"
