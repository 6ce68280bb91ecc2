"""A small study with real records, computed in this process, and ways to falsify its bundle."""

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

from relu_optima.plan.make import make_plan
from relu_optima.run.batch import work
from relu_optima.run.collect import collect_sweep
from relu_optima.run.publish import publish
from relu_optima.run.ready import save_plan
from relu_optima.share.archive import write_archive
from relu_optima.share.contents import CHECKSUMS
from relu_optima.share.packs import pack_files
from relu_optima.store.layout import plan_file
from relu_optima.store.plans import read_plan
from relu_optima.store.records import RECORD, Store, _record_bytes
from tests.fabricated import forget, project
from tests.workflow.conftest import STUDY

EXISTENCE = """\
  patterns:
    why: One pattern that has no optimum.
    stage: existence
    fixed: {pattern: lu}
"""
DAY = "2026-01-31"


def finish(root: Path) -> None:
    """Plan and publish the study ``tiny``; runs that the store holds are not computed."""
    project(root)
    whole = STUDY.replace("seed: range(0,2)", "seed: 0").replace("figures:", EXISTENCE + "figures:")
    (root / "conf/study/tiny.yaml").write_text(whole)
    (root / "LICENSE").write_text("Of the project.\n")
    forget()
    results = root / "results"
    save_plan(make_plan("tiny", [], root), results)
    plan = read_plan(results, "tiny")  # as jobs do
    for batch in sorted(plan.batches, key=lambda b: len(plan.batches[b].inputs)):
        work(plan, batch, results, root)
    for sweep in plan.sweeps:
        collect_sweep(plan, sweep, results)
    for kind, products in (("table", plan.tables), ("figure", plan.figures)):
        for name in products:
            publish(plan_file(results, "tiny"), kind, name)
    forget()


def contents(bundle: Path) -> dict[str, bytes]:
    """Read all files of a bundle but the list of checksums."""
    with zipfile.ZipFile(bundle) as file:
        return {name: file.read(name) for name in file.namelist() if name != CHECKSUMS}


def with_changes(bundle: Path, target: Path, changes: dict[str, bytes | None]) -> Path:
    """Write a bundle with other files and mended checksums; None leaves one out."""
    files = {**contents(bundle), **changes}
    write_archive(target, [(n, c) for n, c in files.items() if c is not None])
    return target


def with_records(bundle: Path, target: Path, store: Store, addresses=None) -> Path:
    """Write a bundle with the records of a store and mended checksums."""
    changes: dict[str, bytes | None] = {
        name: None for name in contents(bundle) if name.startswith("records/")
    }
    for name, content in pack_files(store, addresses or store.addresses()):
        changes[f"records/{name}"] = content
    return with_changes(bundle, target, changes)


def mended(store: Store, address, **values) -> None:
    """Change a record and mend its checksum."""
    path = store.folder(*address) / RECORD
    arrays = json.loads(path.read_text())["payload"]["arrays_sha256"]
    path.write_bytes(_record_bytes(replace(store.load(*address), **values), arrays))


def repacked(bundle: Path, change) -> dict[str, bytes | None]:
    """Change the files in a bundle's pack, and name pack and index after the new bytes."""
    files = contents(bundle)
    (pack,) = (name for name in files if "/packs/" in name)
    (index,) = (name for name in files if "/index/" in name)
    with zipfile.ZipFile(io.BytesIO(files[pack])) as inner:
        held = {name: inner.read(name) for name in inner.namelist()}
    change(held)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as inner:
        for name, content in held.items():
            inner.writestr(name, content)
    name = hashlib.sha256(buffer.getvalue()).hexdigest()
    return {
        pack: None, index: None, f"records/packs/{name}.zip": buffer.getvalue(),
        f"records/index/{name}.json": files[index],
    }  # fmt: skip
