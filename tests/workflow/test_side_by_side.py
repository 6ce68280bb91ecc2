"""Runs of one batch that are trained side by side: same records, and one bad run spoils none."""

import json
import shutil

import pytest

from tests.studies import put
from tests.workflow.conftest import Project

SWEEP = """\
why: Small networks that share a batch.
stage: training
fixed:
  dataset: staircase
  pattern: lu
  pattern.n: 2
  training: lu_small
  training.epochs: 40
grid: {training.weight_decay: '0.0,0.01', seed: 'range(0,3)'}
"""
STUDY = "title: Side by side\n"


def prepared(project: Project, sweep: str = SWEEP) -> Project:
    put(project.root, "study/nets", STUDY)
    put(project.root, "sweep/nets", sweep, "nets")
    return project


def records(project: Project) -> dict[str, str]:
    """Return what each training record holds, its seconds left out."""
    out = {}
    for file in (project.root / "results/store").glob("[!.]*/*/record.json"):
        record = json.loads(file.read_text())["payload"]
        if record["stage"] == "training":
            del record["seconds"]
            out[file.parts[-3]] = json.dumps(record, sort_keys=True)
    return out


@pytest.mark.slow
def test_a_run_does_not_depend_on_its_neighbours(fresh: Project):
    project = prepared(fresh)
    assert project.study(name="nets") == 7  # six nets and the data set
    before = records(project)
    for run in list(before)[:2]:
        shutil.rmtree(project.root / "results/store" / run)
    shutil.rmtree(project.root / "results/nets/batches/nets")
    assert project.study(name="nets") == 2
    assert records(project) == before


def test_one_unusable_run_spoils_no_other(fresh: Project):
    anti_diagonal = "  dataset: anti_diagonal\n  dataset.size: 2\n"
    sweep = SWEEP.replace("  dataset: staircase\n", anti_diagonal)
    sweep = sweep.replace("  pattern.n: 2\n", "").replace("grid: {", "grid: {pattern.n: '2,3', ")
    project = prepared(fresh, sweep)
    text = project.run("study", "nets", "--no-report", code=2)
    assert "3 inputs" in text
    assert len(records(project)) == 6
