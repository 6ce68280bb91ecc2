"""A full disk, a read-only folder and a clock set back: a message, and the next call goes on."""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import time

import pytest

from tests.workflow.conftest import RUNS, Project

SEED = int(os.environ.get("FAULT_SEED", "0"))
pytestmark = pytest.mark.timeout(900)  # a loaded machine is slow, not wrong


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this machine does not let the tests mount: {done.stderr.strip()}")


@contextlib.contextmanager
def mounted(*arguments: str):
    """Mount for the time of a test; the last argument is the folder."""
    if sys.platform != "linux" or shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting takes root on Linux")
    mount(*arguments)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", arguments[-1]], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [4, 40, 80, 120, 160, 200, 240])
def test_full_disk(fresh: Project, finished: Project, kilobytes):
    results = fresh.root / "results"
    results.mkdir()
    with mounted("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(results)):
        text = fresh.run("study", "tiny", "--no-report", code=2)
        assert "No space left on device" in text
        assert "free" in text.partition("fix:")[2], text
        before = fresh.records()
        mount("-o", "remount,size=50m", str(results))
        assert fresh.study() == RUNS + 1 - len(before)
        after = fresh.records()
        assert {k: after[k] for k in before} == before, "a finished run was computed again"
        assert fresh.products() == finished.products()
        assert "0 problems" in fresh.run("doctor")


@pytest.mark.slow
@pytest.mark.parametrize("part", ["results", "results/store", "results/tiny"])
def test_read_only_folder(finished: Project, part):
    before = finished.products()
    finished.edit("conf/study/tiny.yaml", "range(0,2)", "range(0,3)")
    folder = str(finished.root / part)
    with mounted("--bind", folder, folder):
        mount("-o", "remount,bind,ro", folder)
        text = finished.run("study", "tiny", "--no-report", code=2)
        assert "Read-only file system" in text
        assert "writable" in text.partition("fix:")[2], text
        mount("-o", "remount,bind,rw", folder)
    assert finished.study() == 2
    finished.edit("conf/study/tiny.yaml", "range(0,3)", "range(0,2)")
    assert finished.study() == 0
    assert finished.products() == before


def shift(project: Project, seconds: float, share: float, choose: random.Random) -> None:
    """Give some of the results another time, as files from before a change of the clock have."""
    for path in sorted((project.root / "results").rglob("*")):
        if path.is_file() and choose.random() < share:
            os.utime(path, (time.time() + seconds,) * 2)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_clock_set_back_after_the_results_were_made(finished: Project, share):
    """All results come from the future, so nothing made now is newer than what it replaces."""
    before = finished.products()
    shift(finished, 30 * 86400.0, share, random.Random(SEED))
    finished.edit("conf/study/tiny.yaml", "0.5,0.2", "0.5,0.3")
    assert finished.study() == 2
    changed = finished.products()
    assert changed != before
    shutil.rmtree(finished.root / "results/tiny")
    assert finished.study() == 0
    assert finished.products() == changed, "the tables were made of the new runs"


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [-30 * 86400.0, 30 * 86400.0])
def test_clock_moved_and_nothing_else(finished: Project, seconds):
    before = finished.products()
    shift(finished, seconds, 0.5, random.Random(SEED))
    assert finished.study() == 0
    assert finished.products() == before
