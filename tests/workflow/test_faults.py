"""Killed, damaged, doubled: nothing finished is lost and no number is wrong."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.workflow.conftest import RUNS, Project

MOMENTS = [*range(2), *(pytest.param(i, marks=pytest.mark.slow) for i in range(2, 10))]


def start(project: Project, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        project.command(*arguments),
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kill_everything(process: subprocess.Popen) -> None:
    """Send SIGKILL to the study, Snakemake, its shells and the workers at one moment."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("moment", MOMENTS)
def test_kill_and_resume_loses_nothing(fresh: Project, finished: Project, moment):
    delay = random.Random(moment).uniform(1.5, 9.0)
    process = start(fresh, "study", "tiny", "--no-report")
    time.sleep(delay)
    kill_everything(process)
    before = fresh.records()
    computed = fresh.study()
    after = fresh.records()
    assert {k: after[k] for k in before} == before, "a finished run was computed again"
    assert len(before) + computed == RUNS + 1
    assert fresh.products() == finished.products()
    assert fresh.study() == 0


def test_second_study_in_one_folder_is_refused(fresh: Project):
    process = start(fresh, "study", "tiny", "--no-report")
    try:
        deadline = time.monotonic() + 20
        while not (fresh.root / "results/tiny/plan.json").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        text = fresh.run("study", "tiny", code=2)
        assert "another study is at work" in text
    finally:
        kill_everything(process)


def test_dead_snakemake_is_reported_and_resumed(fresh: Project, finished: Project):
    process = start(fresh, "study", "tiny", "--no-report")
    deadline = time.monotonic() + 30
    killed = False
    while not killed and time.monotonic() < deadline:
        children = subprocess.run(
            ["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        if children and (fresh.root / "results/tiny/logs").exists():
            os.kill(int(children[0]), signal.SIGKILL)
            killed = True
        time.sleep(0.05)
    assert killed
    _, text = process.communicate(timeout=60)
    assert process.returncode == 2, text
    assert "run the same command again" in text
    fresh.study()
    assert fresh.products() == finished.products()


def test_source_that_changed_after_planning_stops_the_worker(finished: Project):
    finished.edit("conf/sweep/tiny.yaml", "range(0,2)", "range(0,3)")
    finished.run("plan", "tiny")
    finished.append("src/relu_optima/convex/stage.py", "\n_EDITED = True\n")
    text = finished.run(
        "solve_convex", "--plan", "results/tiny/plan.json", "--batch", "tiny/00000", code=2
    )
    assert "changed since planning" in text


def test_no_name_of_machine_user_or_folder_in_results(finished: Project):
    words = {str(finished.root), os.uname().nodename, sys.prefix}
    words |= {w for w in (os.environ.get("USER"),) if w and len(w) > 4}
    parquet = list((finished.root / "results/tiny").rglob("*.parquet"))
    records = list((finished.root / "results/store").rglob("record.json"))
    published = list((finished.root / "results/tiny").glob("tables/*"))
    assert parquet
    assert records
    for path in [*parquet, *records, *published, finished.root / "results/tiny/plan.json"]:
        content = path.read_bytes()
        assert not [w for w in words if w.encode() in content], path
