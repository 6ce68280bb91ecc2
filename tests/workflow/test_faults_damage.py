"""Damaged files: every changed byte is noticed, and the same command repairs it."""

import os
import random
import shutil
from pathlib import Path

import pytest

from relu_optima.plan.model import read_manifest
from relu_optima.store.soundness import faults
from tests.workflow.conftest import Project

# results of the study, not of the store: made again without computing anything
MADE = ("plan.json", "batches/**/*.parquet", "sweeps/*", "tables/*", "figures/*", "timings/*.json")
SEED = int(os.environ.get("FAULT_SEED", "0"))
pytestmark = pytest.mark.timeout(900)  # a loaded machine is slow, not wrong


def flip(path: Path, random_state: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[random_state.randrange(len(content))] ^= 1 << random_state.randrange(8)
    path.write_bytes(content)


def truncate(path: Path, random_state: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: random_state.randrange(len(content))])


DAMAGE = pytest.mark.parametrize("damage", [flip, truncate], ids=lambda f: f.__name__)


def made_files(project: Project) -> list[Path]:
    folder = project.root / "results/tiny"
    return sorted(p for g in MADE for p in folder.glob(g) if p.stat().st_size)


@DAMAGE
def test_every_damaged_file_of_a_study_is_removed_before_snakemake_starts(finished, damage):
    random_state = random.Random(SEED)
    results = finished.root / "results"
    manifest = read_manifest(results / "tiny/plan.json")
    assert list(faults(manifest, results)) == []
    files = [p for p in made_files(finished) if p.name != "plan.json"]
    assert len(files) > 10
    for path in files:
        good = path.read_bytes()
        damage(path, random_state)
        stale = [p for fault in faults(manifest, results) for p in fault.files]
        # a damaged mark accuses the product it vouches for
        accused = path.stem.partition("_")[2] if path.suffix == ".json" else path.stem
        assert any(accused.split(".")[0] in p.name for p in stale), (SEED, path)
        path.write_bytes(good)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [flip, truncate])
def test_all_files_of_a_study_damaged_at_once(finished: Project, damage):
    before = finished.products()
    random_state = random.Random(SEED)
    for path in made_files(finished):
        damage(path, random_state)
    assert "PROBLEM" in finished.run("doctor", "--no-verify", code=1)
    assert finished.study() == 0
    assert finished.products() == before
    assert "0 problems" in finished.run("doctor", "--no-verify")


@pytest.mark.slow
@DAMAGE
@pytest.mark.parametrize("name", ["record.json", "arrays.npz"])
def test_damaged_record_is_computed_again(finished: Project, name, damage):
    before = finished.products()
    tiny = {r for r, run in finished.plan()["runs"].items() if run["stage"] == "convex"}
    path = next(p for p in finished.store_files(name) if p.parent.parent.name in tiny)
    damage(path, random.Random(SEED))
    assert "damaged" in finished.run("doctor", "--no-verify", code=1)
    shutil.rmtree(finished.root / "results/tiny/batches")
    # rows need no arrays, so only damage that could reach a number costs a computation
    assert finished.study() == (1 if name == "record.json" else 0)
    assert finished.products() == before


@pytest.mark.slow
def test_damaged_arrays_are_never_built_upon(finished: Project):
    before = finished.products()
    data = {r for r, run in finished.plan()["runs"].items() if run["stage"] == "dataset"}
    path = next(p for p in finished.store_files("arrays.npz") if p.parent.parent.name in data)
    flip(path, random.Random(SEED))
    for record in finished.store_files("record.json"):
        if record.parent.parent.name not in data:
            shutil.rmtree(record.parents[1])
    shutil.rmtree(finished.root / "results/tiny/batches/tiny")
    assert finished.study() == 4
    assert finished.products() == before
    assert "0 problems" in finished.run("doctor")


@pytest.mark.slow
def test_damaged_data_file_is_new_data_or_a_message(finished: Project):
    """A user's CSV is identified by its content: damage makes other runs, never silent reuse."""
    rows = "\n".join(f"{i % 7},{(i * i) % 11},{i % 2}" for i in range(40))
    data = finished.root / "mine.csv"
    data.write_text(f"a,b,target\n{rows}\n")
    (finished.root / "conf/dataset/tiny.yaml").write_text(
        "loader: csv\npath: mine.csv\ntarget: target\n"
    )
    assert finished.study() == 6  # a split of the CSV for each of two seeds, four solves
    good = finished.products()
    whole = data.read_text()
    data.write_text(whole.replace("3,9,1", "3,8,1", 1))
    assert finished.study() == 6  # a split of the CSV for each of two seeds, four solves
    assert finished.products() != good
    data.write_text(whole[: len(whole) // 2].rpartition(",")[0] + "\n")
    text = finished.run("study", "tiny", "--no-report", code=2)
    assert "mine.csv" in text
    assert "fix:" in text
    data.write_text(whole)
    assert finished.study() == 0
    assert finished.products() == good
