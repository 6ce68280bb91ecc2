"""Verify what strangers share, certificates and bundles, with the core of the library alone.

A bundle is proved if every file has its checksum, every run of the plan its record and every
record a certificate that holds, and if tables, figures and report, made again from the records,
have the same bytes. Nothing is solved, and nothing of the bundle is trusted.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from relu_optima.errors import MissingExtraError, ReluOptimaError, StoreError, extras_named
from relu_optima.share.certificates_check import main as check_certificates
from relu_optima.share.contents import BESIDES, RECORDS, published

if TYPE_CHECKING:
    from relu_optima.plan.model import Manifest
    from relu_optima.share.archive import Archive
    from relu_optima.share.recheck import Verdict

# makes a plan's files again from the records below a folder: see `run.rebuild`, which is given
# because it needs more than the core
Remake = Callable[["Manifest", Path], Iterator[tuple[list[Path], bool, str]]]
PROVED, REFUSED, BAD_INPUT, UNPROVED = 0, 1, 2, 3
USAGE = """\
usage: relu-optima verify FILE...

Check certificates (JSON) and bundles (zip) without solving anything: 0 all proved, 1 one refused,
3 none refused but something could not be checked here."""
_PACK = re.compile(f"{RECORDS}/(packs/[0-9a-f]{{64}}[.]zip|index/[0-9a-f]{{64}}[.]json)")
PICTURES = (".png", ".pdf", ".html")  # depend on more than code and libraries: fonts, system


def main(paths: Sequence[str], remake: Remake) -> int:
    """Verify files; return what a shell is to know. `remake` is needed for bundles."""
    if not paths or "--help" in paths:
        print(USAGE)
        return PROVED if paths else BAD_INPUT
    # before numpy loads: one core, as in every job of a study
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    codes = {_main_of(path, remake) for path in paths}
    return next(code for code in (REFUSED, BAD_INPUT, UNPROVED, PROVED) if code in codes)


def _main_of(path: str, remake: Remake) -> int:
    if not (path.endswith(".zip") or zipfile.is_zipfile(path)):
        return check_certificates([path])
    try:
        verdict = verify_bundle(Path(path), remake)
    except ReluOptimaError as error:
        print(f"relu-optima: {error}", file=sys.stderr)
        return BAD_INPUT
    for line in verdict.proved:
        print(f"{path}: {line}")
    for line in verdict.unproved:
        print(f"{path}: NOT PROVED: {line}")
    for line in verdict.refused:
        print(f"{path}: REFUSED: {line}")
    return REFUSED if verdict.refused else UNPROVED if verdict.unproved else PROVED


def verify_bundle(path: Path, remake: Remake) -> Verdict:
    """Verify a bundle of a study.

    Parameters
    ----------
    path : Path
        What ``relu-optima bundle`` wrote, or somebody else.
    remake : callable
        Makes what a plan publishes again from the records, `relu_optima.run.rebuild.rebuild`.

    Returns
    -------
    Verdict
        What is proved, what could not be checked here, and what is refused.

    Raises
    ------
    StoreError
        If there is no such file or it is no zip archive.
    """
    from relu_optima.share.archive import Archive, open_archive
    from relu_optima.share.recheck import Verdict

    with open_archive(path) as file, tempfile.TemporaryDirectory() as folder:
        archive = Archive(file)
        verdict = Verdict(refused=archive.strange_names())
        if verdict.refused:
            return verdict
        verdict.refused = archive.changed_files()
        if not verdict.refused:
            verdict.proved.append(f"{len(file.namelist()) - 1} files have their checksums")
        try:
            _follow_plan(archive, Path(folder) / "results", verdict, remake)
        except ReluOptimaError as error:
            verdict.refused.append(f"{error.where}: {error.problem}")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            said = f"{type(error).__name__}: {error}"
            verdict.refused.append(f"plan.json: it cannot be followed ({said})")
    return verdict


def _follow_plan(archive: Archive, results: Path, verdict: Verdict, remake: Remake) -> None:
    """Check all that the plan of a bundle says is in it."""
    from relu_optima.plan.model import read_manifest
    from relu_optima.share.archive import Archive
    from relu_optima.share.packs import packed, pull, unlisted
    from relu_optima.share.recheck import check_records, membership_problems, plan_problems
    from relu_optima.store.records import Store

    results.mkdir()
    copy = results / "plan.json"
    try:
        copy.write_bytes(archive.read("plan.json"))
        plan = read_manifest(copy)
    except FileNotFoundError:
        verdict.refused.append("plan.json: it is missing")
        return
    except StoreError as error:
        verdict.refused.append(f"plan.json: {error.problem}")
        return
    if wrong := list(plan_problems(plan)):
        verdict.refused += wrong
        return
    store, records = Store(results / "store"), Archive(archive.file, f"{RECORDS}/")
    named = set(packed(records))
    verdict.refused += _misplaced(archive, plan)
    verdict.refused += pull(store, records, settled=False).refused
    verdict.refused += unlisted(records)
    verdict.refused += membership_problems(plan, set(store.addresses()), named)
    check_records(plan, store, verdict)
    if verdict.refused:
        verdict.unproved.append("tables, figures and report: not made again from refused records")
        return
    try:
        with extras_named():
            _compare(archive, plan, results, verdict, remake)
    except MissingExtraError as error:
        verdict.unproved.append(f"tables, figures and report: not made again: {error}")


def _misplaced(archive: Archive, plan: Manifest) -> Iterator[str]:
    """Say which published files are missing, and which files the plan does not make."""
    wanted = set(published(plan))
    there = {n for n in archive.file.namelist() if not _PACK.fullmatch(n)} - BESIDES
    yield from (
        f"{name}: the plan makes it, and it was left out" for name in sorted(wanted - there)
    )
    yield from (f"{name}: the plan makes no such file" for name in sorted(there - wanted))


def _compare(
    archive: Archive, plan: Manifest, results: Path, verdict: Verdict, remake: Remake
) -> None:
    """Make everything again and compare it byte by byte."""
    same = 0
    root = results / plan.study
    for files, planned, problem in remake(plan, results):
        for path in files:
            name = path.relative_to(root).as_posix()
            if not problem and path.read_bytes() == archive.read(name):
                same += 1
            elif planned and not name.endswith(PICTURES):
                why = problem or "its bytes are not those that its records give"
                verdict.refused.append(f"{name}: {why}")
            else:
                why = problem or (
                    "other bytes are made from its records here"
                    + ("" if planned else ", by other code or libraries than planned")
                )
                verdict.unproved.append(f"{name}: {why}")
    verdict.proved.append(f"{same} published files, made again from the records, are the same")
