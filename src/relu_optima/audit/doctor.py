"""Examine all results: integrity of every file, certificates re-checked, what nobody needs."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from relu_optima.errors import StoreError
from relu_optima.plan.environment import environment_changes
from relu_optima.plan.model import Manifest
from relu_optima.stage import Record
from relu_optima.store.certificates import UncheckableError, certificate_problems
from relu_optima.store.plans import all_plans
from relu_optima.store.records import Store
from relu_optima.store.sharing import users_of_store
from relu_optima.store.soundness import State, inspect, inspect_explorer

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
    """Read every plan in a results folder."""
    out = []
    for _, plan in all_plans(results):
        if isinstance(plan, Manifest):
            out.append(plan)
        else:
            findings.problems.append(str(plan))
    return out


def examine(
    results: Path, *, verify: bool, progress: Callable[[int, int], None] = lambda done, total: None
) -> Findings:
    """Re-hash every record, re-check certificates, compare every file with its plan."""
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
    try:
        findings.orphans = _orphans(results, findings)
    except StoreError as error:
        findings.notes.append(f"records that belong to no plan are not listed: {error}")
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
    try:
        wrong = certificate_problems(record, upstream)
    except UncheckableError as error:
        wrong = [str(error)]
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


_FILES = {
    "batch": "batch files", "sweep": "sweep files", "figure": "figures", "table": "tables",
    "page": "pages",
}  # fmt: skip


def _examine_study(manifest: Manifest, results: Path, findings: Findings) -> None:
    study = manifest.study
    missing = 0
    for found in (*inspect(manifest, results), inspect_explorer(manifest, results)):
        if found.files:
            findings.counts[_FILES[found.kind]] += 1
        if found.state is State.WRONG:
            place = (
                found.files[0].with_suffix("")
                if found.kind in ("figure", "table")
                else found.files[0]
            )
            findings.problems.append(f"{place}: {found.why}; run study {study!r} again")
        elif found.kind in ("batch", "page") and found.state is State.UNFINISHED:
            findings.notes.append(f"study {study!r}: {found.kind} {found.name}: {found.why}")
        missing += found.kind == "batch" and found.state is State.MISSING
    if missing:
        findings.notes.append(
            f"study {study!r}: {missing} of {len(manifest.batches)} batches not computed yet"
        )


def _orphans(results: Path, findings: Findings) -> list[tuple[str, str]]:
    """List the records that no plan of any project that uses the store refers to."""
    users = users_of_store(results)
    for entry in users.stale:
        findings.notes.append(f"{entry}: that project uses another store now; delete this file")
    unread: list[str] = []
    planned = set()
    for folder in users.folders:
        for _, plan in all_plans(folder):
            if isinstance(plan, Manifest):
                planned |= {(r.id, r.code_key) for r in plan.runs.values()}
            else:
                unread.append(str(plan))
    if unread:
        raise StoreError(
            "nothing can be removed, since a plan cannot be read:\n  " + "\n  ".join(unread),
            where=str(results),
            fix="run or plan that study again, or delete its folder",
        )
    return [address for address in Store(results / "store").addresses() if address not in planned]


def leftovers(results: Path) -> list[Path]:
    """List half-written files and folders that killed processes left behind."""
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
    """Remove what no plan refers to, or only say what that would be."""
    store = Store(results / "store")
    records, half = _orphans(results, Findings()), leftovers(results)
    paths = [*(store.folder(*address) for address in records), *half]
    files = [p for path in paths for p in (path, *path.rglob("*")) if p.is_file()]
    found = Removal(records, half, sum(p.stat().st_size for p in files))
    for path in paths if remove else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        folder = path.parent
        if folder.parent == store.root and not any(folder.iterdir()):
            folder.rmdir()
    return found
