"""Where one table, figure, Parquet file or record comes from, and whether it is stale and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from relu_optima.config.identity import digest
from relu_optima.errors import ConfigError, StoreError
from relu_optima.plan.environment import Environment, environment_changes
from relu_optima.plan.make import make_plan
from relu_optima.plan.model import Batch, Manifest, PlannedRun
from relu_optima.plan.product_check import explorer
from relu_optima.stage import Record
from relu_optima.store.layout import batch_file
from relu_optima.store.parquet import read_metadata
from relu_optima.store.plans import all_plans, read_plan
from relu_optima.store.records import Store
from relu_optima.store.soundness import State, faults, inspect_explorer

KINDS = {"tables": "table", "figures": "figure", "sweeps": "sweep", "batches": "batch"}
PRODUCTS = ("table", "figure")


def lineage(path: Path, root: Path) -> Iterator[tuple[str, Any]]:
    """Say where a table, figure, Parquet file or record comes from, and whether it is stale."""
    results = (root / "results").resolve()
    if re.fullmatch("[0-9a-f]{12}", str(path)) and not path.exists():
        yield from _run_lineage(str(path), None, results, root)
        return
    full = path.resolve()
    if not full.exists() or results not in full.parents:
        raise StoreError(
            "is neither a file below results/ nor the id of a run in the store", where=str(path)
        )
    parts = full.relative_to(results).parts
    if parts[0] == "store":
        if len(parts) < 2:
            raise StoreError("is not a record", where=str(path))
        yield from _run_lineage(parts[1], parts[2] if len(parts) > 2 else None, results, root)
        return
    manifest = read_plan(results, parts[0])
    yield "study", f"{manifest.study}: {manifest.title}"
    yield "overrides", " ".join(manifest.overrides) or "none"
    folder = parts[1] if len(parts) > 2 else ""
    kind, name = KINDS.get(folder, folder), parts[-1].split(".")[0]
    if parts[1:] == (f"{explorer(manifest).name}.html",):
        kind = "page"
    sweeps = _sweeps_behind(manifest, kind, parts, path)
    if kind in PRODUCTS:
        yield "made from", ", ".join(sweeps)
    if kind == "batch":
        held = read_metadata(full) or {}
        yield from ((k, v) for k, v in held.items() if k not in ("configs", "seconds"))
    for sweep in sweeps:
        info = manifest.sweeps[sweep]
        batches = manifest.batches_of(sweep)
        count = sum(len(b.entries) for b in batches)
        yield f"sweep {sweep}", f"{count} runs of stage {info.stage}: {info.why}"
        if kind != "batch":
            for key, value in _origins(manifest, batches, results).items():
                yield f"sweep {sweep} {key}", value
    if kind == "batch":
        name = f"{parts[2]}/{name}"
    reasons = list(_reasons(manifest, root, sweeps, kind, name))
    reasons += _unsound(manifest, results, sweeps, kind, name)
    yield "stale", "; ".join(reasons) or "no"


def _sweeps_behind(manifest: Manifest, kind: str, parts: tuple[str, ...], path: Path) -> list[str]:
    """Name the sweeps that a file is made from."""
    name = parts[-1].split(".")[0]
    if kind in PRODUCTS:
        products = manifest.tables if kind == "table" else manifest.figures
        if name not in products:
            raise StoreError(f"the plan makes no such {kind}; it is a leftover", where=str(path))
        return products[name].sweeps
    sweep = {"sweep": name, "batch": parts[2] if len(parts) > 3 else ""}.get(kind)
    if sweep is None:
        return list(manifest.sweeps)
    known = sweep in manifest.sweeps
    if not known or (kind == "batch" and f"{sweep}/{name}" not in manifest.batches):
        raise StoreError("the plan has no such sweep or batch; it is a leftover", where=str(path))
    return [sweep]


def _origins(manifest: Manifest, batches: list[Batch], results: Path) -> dict[str, Any]:
    """Return when, from which source and where the batches were computed; all that differ."""
    seen: dict[str, list[Any]] = {"written": [], "source": [], "environment": [], "machine": []}
    for batch in batches:
        held = read_metadata(batch_file(results, manifest.study, batch.id)) or {}
        for origin in ({"written": held.get("written")}, *held.get("origins", [])):
            for key, values in seen.items():
                if origin.get(key) and origin[key] not in values:
                    values.append(origin[key])
    times = sorted(seen.pop("written"))
    out: dict[str, Any] = {k: v[0] if len(v) == 1 else v for k, v in seen.items() if v}
    return {"written": " to ".join(dict.fromkeys([times[0], times[-1]])), **out} if times else out


def _run_lineage(
    run_id: str, code_key: str | None, results: Path, root: Path
) -> Iterator[tuple[str, Any]]:
    store = Store(results / "store")
    keys = [code_key] if code_key else [key for run, key in store.addresses() if run == run_id]
    if not keys:
        raise StoreError("no record of this run is in the store", where=run_id)
    for key in keys:
        record = store.load(run_id, key)
        yield "run", run_id
        yield "code key", key
        yield "stage", record.stage
        yield "status", record.status
        yield "config", record.config
        yield "cpu seconds", record.seconds
        yield from ((f"computed with {k}", v) for k, v in record.origin.items() if k != "code")
        yield from record.row.items()
        unread = [plan for _, plan in all_plans(results) if isinstance(plan, StoreError)]
        used = list(_uses(run_id, key, results))
        for manifest, batch in used:
            yield "used by", f"study {manifest.study}, batch {batch.id}"
            for what, value in _origins(manifest, [batch], results).items():
                yield f"batch {batch.id} {what}", value
        for error in unread:
            yield "plan that cannot be read", str(error)
        stale = _record_staleness(record, [m for m, _ in used], root)
        yield "stale", stale if used or not unread else "unknown: a plan cannot be read"


def _uses(run_id: str, code_key: str, results: Path) -> Iterator[tuple[Manifest, Batch]]:
    """Find the batches, of all studies, that hold a record."""
    for _, manifest in all_plans(results):
        if not isinstance(manifest, Manifest):
            continue
        run = manifest.runs.get(run_id)
        if run is not None and run.code_key == code_key:
            for batch in manifest.batches.values():
                if any(e.run == run_id for e in batch.entries):
                    yield manifest, batch


def _record_staleness(record: Record, manifests: list[Manifest], root: Path) -> str:
    if changes := environment_changes(record):
        return f"yes: computed in another environment ({'; '.join(changes)})"
    if not manifests:
        return "yes: no plan refers to it (its code, files or values were changed or dropped)"
    reasons = []
    for manifest in {m.study: m for m in manifests}.values():
        try:
            now = make_plan(manifest.base, manifest.overrides, root).runs.get(record.run_id)
        except ConfigError as error:
            return f"unknown: the configuration has mistakes now\n{error}"
        if now is None:
            reasons.append(f"study {manifest.study} no longer has this run")
        elif now.code != record.origin.get("code"):
            reasons.append(f"the code or files it depends on changed (key {now.code_key} now)")
        elif now.code_key != record.code_key:
            reasons.append("what it was built on was computed in another environment")
    return "; ".join(dict.fromkeys(reasons)) or "no"


def _reasons(
    manifest: Manifest, root: Path, sweeps: list[str], kind: str, name: str
) -> Iterator[str]:
    """Say what changed in configuration and code since a file was planned."""
    try:
        now = make_plan(manifest.base, manifest.overrides, root)
    except ConfigError as error:
        yield f"unknown: the configuration has mistakes now\n{error}"
        return
    for sweep in sweeps:
        if sweep not in now.sweeps:
            yield f"sweep {sweep} is no longer part of the study"
        elif now.sweep_digest(sweep) != manifest.sweep_digest(sweep):
            old = {e.run for b in manifest.batches_of(sweep) for e in b.entries}
            new = {e.run for b in now.batches_of(sweep) for e in b.entries}
            both = [(manifest.runs[r], now.runs[r]) for r in sorted(old & new)]
            code = sum(before.code != after.code for before, after in both)
            other = sum(
                before.code == after.code and before.code_key != after.code_key
                for before, after in both
            )
            changes = {
                change
                for before, after in both
                for change in _environment(manifest, before).changes(_environment(now, after))
            }
            yield (
                f"sweep {sweep}: {len(new - old)} new runs, {len(old - new)} dropped, "
                f"{code} with changed code"
                + (
                    f", {other} in another environment ({'; '.join(sorted(changes))})"
                    if other
                    else ""
                )
            )
    if kind in PRODUCTS:
        before = (manifest.tables if kind == "table" else manifest.figures)[name]
        after = (now.tables if kind == "table" else now.figures).get(name)
        if after is None:
            yield f"the study no longer makes {name}"
        elif after.digest != before.digest:
            changed = digest(after.config) != digest(before.config)
            noted = after.note != before.note
            what = "configuration" if changed else "note" if noted else "code or libraries"
            yield f"its {what} changed"


def _environment(manifest: Manifest, run: PlannedRun) -> Environment:
    return Environment.from_json(manifest.environments[run.environment])


def _unsound(
    manifest: Manifest, results: Path, sweeps: list[str], kind: str, name: str
) -> Iterator[str]:
    """Say what is wrong with a file, and with the Parquet files it is made from."""
    if kind == "page" and (why := inspect_explorer(manifest, results).why):
        yield why
    for fault in faults(manifest, results):
        if (fault.kind, fault.name) == (kind, name):
            yield fault.why
        elif (
            kind != "batch"
            and fault.kind in ("batch", "sweep")
            and fault.state is State.WRONG
            and fault.sweeps[0] in sweeps
        ):
            yield f"{fault.kind} {fault.name}: {fault.why}"
