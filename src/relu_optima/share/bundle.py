"""Write a finished study as one archive that strangers verify: same store, same bytes."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from relu_optima.config.identity import canonical_json
from relu_optima.datasets.credits import UNKNOWN, Credit, credit_of
from relu_optima.errors import ReluOptimaError, StoreError
from relu_optima.plan.model import Manifest
from relu_optima.share.archive import write_archive
from relu_optima.share.contents import COPIED, CRATE, GUIDE, RECORDS, VERSIONS, published
from relu_optima.share.crate import Description
from relu_optima.share.packs import pack_files
from relu_optima.store.layout import plan_file
from relu_optima.store.plans import read_plan
from relu_optima.store.records import Store
from relu_optima.store.soundness import faults

# writes the report of a plan's folder, with or without a link to Snakemake's own
Report = Callable[[Manifest, Path, bool], str]


@dataclass(frozen=True)
class Bundled:
    """A bundle that was written.

    Attributes
    ----------
    target : Path
        Its file.
    checksums : str
        SHA-256 of its list of checksums: who knows it, knows every file.
    runs : int
        How many runs it holds.
    unlicensed : list of str
        Data sets in it whose licence is unknown.
    """

    target: Path
    checksums: str
    runs: int
    unlicensed: list[str]


def bundle(study: str, target: Path, date: str | None, report: Report, root: Path) -> Bundled:
    """Write the bundle of a finished study.

    Parameters
    ----------
    study : str
        Name of the study.
    target : Path
        File to write.
    date : str or None
        Day of publication; None if nobody knows it, which is an error.
    report : callable
        Writes the report of a plan's folder, `relu_optima.run.report.page.report_page`.
    root : Path
        Folder of the project.

    Returns
    -------
    Bundled
        Where it is, and what its checksums hash to.

    Raises
    ------
    StoreError
        If the study is not finished, or a record or file of it is damaged.
    ReluOptimaError
        If there is no day of publication, or it is no date.
    """
    results = root / "results"
    plan = read_plan(results, study)
    wrong = [
        f"{found.kind} {found.name}: {found.why or found.state}" for found in faults(plan, results)
    ]
    if wrong:
        raise StoreError(
            f"study {study!r} is not finished: {len(wrong)} things, such as {wrong[0]}",
            where=str(results / study),
            fix=f"relu-optima study {study}",
        )
    about = Description(plan, _credits(plan), version("relu-optima"), _checked(date))
    unlicensed = [credit.title for credit in about.credits if credit.licence == UNKNOWN]
    checksums = write_archive(target, _members(about, report, root))
    return Bundled(target, checksums, len(plan.runs), unlicensed)


def _members(about: Description, report: Report, root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield all files of a bundle."""
    plan, results = about.plan, root / "results"
    folder, store = results / plan.study, Store(results / "store")
    head = {GUIDE: about.guide().encode(), "plan.json": plan_file(results, plan.study).read_bytes()}
    head |= {name: (root / name).read_bytes() for name in COPIED if (root / name).is_file()}
    addresses = sorted((run.id, run.code_key) for run in plan.runs.values())
    head[VERSIONS] = _versions(about, store, addresses)
    for name in published(plan):
        # the study's own report has a link to a page that only Snakemake can write
        made = report(plan, folder, False).encode() if name == "report.html" else None
        head[name] = made or (folder / name).read_bytes()
    yield from head.items()
    yield CRATE, about.crate({name: len(content) for name, content in head.items()}).encode()
    for name, content in pack_files(store, addresses):
        yield f"{RECORDS}/{name}", content


def _versions(about: Description, store: Store, addresses: list[tuple[str, str]]) -> bytes:
    """Say which versions and commits computed the runs."""
    sources = [store.load(*address, arrays=False).origin.get("source") for address in addresses]
    distinct = sorted({canonical_json(source) for source in sources})
    value = {
        "relu_optima": about.version,
        "environments": about.plan.environments,
        "sources": [json.loads(text) for text in distinct],
    }
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def _credits(plan: Manifest) -> list[Credit]:
    """Say whose data the runs of a plan read, each once."""
    used = (run.groups["dataset"] for run in plan.runs.values() if run.stage == "dataset")
    found = {credit_of(values) for values in used}
    return sorted(found, key=lambda credit: (not credit.licence, credit.title))


def _checked(date: str | None) -> str:
    """Return the day of publication, which no clock decides."""
    try:
        return datetime.date.fromisoformat(date or "").isoformat()
    except ValueError:
        raise ReluOptimaError(
            f"{date!r} is no day" if date else "no day of publication is known without a commit",
            allowed="a day such as 2026-01-31",
            where="--date",
        ) from None
