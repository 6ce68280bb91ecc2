"""What `doctor` says of each kind of file, and what pruning removes and leaves."""

import json
import re
import shutil
import threading
import uuid
from pathlib import Path

import pytest
from typer.testing import CliRunner

from relu_optima.audit.doctor import examine, leftovers, prune
from relu_optima.audit.lineage import lineage
from relu_optima.cli import app
from relu_optima.errors import StoreError
from relu_optima.plan.model import read_manifest, sealed
from tests.workflow.conftest import RUNS, Project

KINDS = {
    "tables/tiny_certificates.csv": "tiny",
    "tables/tiny_certificates.macros.tex": "tiny",
    "figures/tiny_objective.pdf": "tiny",
    "sweeps/tiny.parquet": "tiny",
    "batches/tiny/00001.parquet": "tiny",
    "plan.json": "datasets",
}


def said(project: Project, path: str) -> dict[str, str]:
    return {k: str(v) for k, v in lineage(project.root / "results" / path, project.root)}


@pytest.mark.parametrize("path", KINDS)
def test_every_kind_of_file_has_an_origin_and_is_current(finished: Project, path):
    text = said(finished, f"tiny/{path}")
    assert text["study"] == "tiny: Tiny"
    assert f"sweep {KINDS[path]}" in text
    assert text["stale"] == "no"
    origins = " ".join(text.values())
    for word in ("lock_sha256", "git_commit", "processor", "numpy"):
        assert word in origins, word


def test_a_record_is_found_by_file_folder_and_run_id(finished: Project, monkeypatch):
    monkeypatch.chdir(finished.root)
    record = finished.store_files("record.json")[0]
    run = record.parent.parent.name
    texts = [list(lineage(p, Path())) for p in (record, record.parent, Path(run))]
    assert texts[0] == texts[1] == texts[2]
    text = {k: str(v) for k, v in texts[0]}
    assert text["run"] == run
    assert text["used by"].startswith("study tiny, batch ")
    assert text["stale"] == "no"
    assert any(key.endswith("source") for key in text)


@pytest.mark.parametrize(
    ("file", "old", "new", "path", "reason"),
    [
        ("conf/study/tiny.yaml", "range(0,2)", "range(0,3)", "tables/tiny_certificates.csv",
         "sweep tiny: 2 new runs, 0 dropped, 0 with changed code"),
        ("conf/study/tiny.yaml", "0.5,0.2", "0.5,0.3", "sweeps/tiny.parquet",
         "2 new runs, 2 dropped"),
        ("conf/study/tiny.yaml", "Objective against", "The objective against",
         "figures/tiny_objective.png", "its configuration changed"),
        ("conf/study/tiny.yaml", "tables:", "_tables:",
         "tables/tiny_certificates.html", "the study no longer makes tiny_certificates"),
        ("conf/dataset/tiny.yaml", "n: 24", "n: 25", "batches/tiny/00000.parquet",
         "4 new runs, 4 dropped"),
        ("conf/study/tiny.yaml", "stage: convex", "stage: convexx", "sweeps/tiny.parquet",
         "unknown: the configuration has mistakes now"),
        ("results/tiny/tables/tiny_certificates.csv", "1", "2", "tables/tiny_certificates.html",
         "tiny_certificates.csv was changed"),
    ],
)  # fmt: skip
def test_stale_says_why(finished: Project, file, old, new, path, reason):
    finished.edit(file, old, new)
    assert reason in said(finished, f"tiny/{path}")["stale"]


def test_changed_data_make_the_records_stale(finished: Project, monkeypatch):
    finished.edit("conf/study/tiny.yaml", "0.5,0.2", "0.5,0.3")
    monkeypatch.chdir(finished.root)
    stale = [dict(lineage(p, Path()))["stale"] for p in finished.store_files("record.json")]
    assert sorted(stale) == ["no"] * 3 + ["study tiny no longer has this run"] * 2


@pytest.mark.parametrize(
    "path",
    ["store", "nowhere", "tiny/tables/other.csv", "tiny/sweeps/other.parquet", "../Snakefile",
     "tiny/batches/tiny/00099.parquet", "store/0123456789ab"],
)  # fmt: skip
def test_what_is_no_result_is_a_message(finished: Project, path):
    target = finished.root / "results" / path
    if "other" in path or "99" in path:
        target.write_text("left over")
    with pytest.raises(StoreError):
        list(lineage(target, finished.root))


def test_prune_shows_first_and_removes_only_what_no_plan_needs(finished: Project, monkeypatch):
    results = finished.root / "results"
    monkeypatch.chdir(finished.root)
    assert prune(results, remove=True).records == []
    plan = json.loads((results / "tiny/plan.json").read_text())
    dropped = next(r for r, run in plan["runs"].items() if run["stage"] == "convex")
    del plan["runs"][dropped], plan["sha256"]
    (results / "tiny/plan.json").write_text(sealed(json.dumps(plan)))
    half = results / f"store/.tmp-{'0' * 32}"
    half.mkdir()
    (half / "record.json").write_text("{")
    torn = results / f"tiny/.plan.json.{'0' * 32}"
    torn.write_text("{")
    before = finished.records()
    shown = CliRunner().invoke(app, ["doctor", "--prune"])
    assert shown.exit_code == 0
    assert dropped in shown.output
    assert "would be removed by --prune --yes; nothing was changed" in shown.output
    assert finished.records() == before
    assert half.exists()
    done = CliRunner().invoke(app, ["doctor", "--prune", "--yes"])
    assert re.search("1 orphan records and 2 half-written files, .* MB, removed", done.output)
    assert set(before) - set(finished.records()) == {n for n in before if n.startswith(dropped)}
    assert not (results / "store" / dropped).exists()
    assert not half.exists()
    assert not torn.exists()
    assert len(finished.records()) == RUNS


def test_nothing_is_pruned_while_a_plan_cannot_be_read(finished: Project):
    """An unreadable plan must not make its study's records look unneeded."""
    results = finished.root / "results"
    (results / "tiny/plan.json").write_text('{"format"')
    before = finished.records()
    with pytest.raises(StoreError, match="nothing can be removed"):
        prune(results, remove=True)
    assert finished.records() == before


def test_examination_counts_everything_and_finds_nothing(finished: Project):
    findings = examine(finished.root / "results", verify=True)
    assert findings.problems == findings.notes == findings.orphans == []
    assert findings.counts["records"] == RUNS + 1
    assert findings.counts["convex certificates"] == RUNS
    manifest = read_manifest(finished.root / "results/tiny/plan.json")
    assert findings.counts["batch files"] == len(manifest.batches)
    assert findings.counts["sweep files"] == len(manifest.sweeps)
    assert (findings.counts["figures"], findings.counts["tables"]) == (1, 1)


def test_half_written_files_are_listed_beside_a_study_that_renames_them(tmp_path):
    torn = tmp_path / f".tmp-{uuid.uuid4().hex}"
    torn.touch()
    stop = threading.Event()

    def write_and_finish() -> None:
        while not stop.is_set():
            half = tmp_path / "store" / f".tmp-{uuid.uuid4().hex}"
            half.mkdir(parents=True)
            shutil.rmtree(half)

    writers = [threading.Thread(target=write_and_finish) for _ in range(4)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(2000):
            assert torn in leftovers(tmp_path)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
