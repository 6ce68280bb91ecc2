"""Killed at a random moment: nothing finished is lost, no number is wrong."""

import contextlib
import os
import random
import signal
import subprocess
import time

import psutil
import pytest

from tests.workflow.conftest import RUNS, Project

SEED = int(os.environ.get("FAULT_SEED", "0"))
pytestmark = pytest.mark.timeout(900)  # a loaded machine is slow, not wrong
COUNT = int(os.environ.get("FAULT_COUNT", "20"))
FILES = 45  # that a study leaves in results/, about
TARGETS = ("everything", "study", "snakemake", "worker")


def start(project: Project, *arguments: str, behind: bool = False) -> subprocess.Popen:
    """Start a command, as a terminal does or as a script that goes on without it (`&`)."""
    return subprocess.Popen(
        project.command(*arguments),
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=ignore_interrupts if behind else heed_interrupts,
    )


def heed_interrupts() -> None:
    """Undo what a shell does to the jobs in its background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ignore_interrupts() -> None:
    """Do what a shell does to the jobs in its background: they ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def wait_for_files(project: Project, count: int, process: subprocess.Popen) -> None:
    """Wait until results/ holds some number of files, which is progress on any machine."""
    results = project.root / "results"
    # os.walk passes over folders that vanish meanwhile; Path.rglob stops at them
    while process.poll() is None and sum(len(f) for _, _, f in os.walk(results)) < count:
        time.sleep(0.02)


def processes(study: subprocess.Popen, target: str) -> list[int]:
    """Return the process ids of one kind below a study."""
    if target == "study":
        return [study.pid]
    found = []
    for process in psutil.Process(study.pid).children(recursive=True):
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if ("snakemake" in words) == (target == "snakemake") and "-m" in words:
            found.append(process.pid)
    return found


def kill(study: subprocess.Popen, target: str, choose: random.Random) -> None:
    """Kill -9 one target, as soon as there is one."""
    if target == "everything":
        with contextlib.suppress(ProcessLookupError):  # it may have ended before its moment came
            os.killpg(study.pid, signal.SIGKILL)
        study.wait()
        return
    while study.poll() is None:
        try:
            if found := processes(study, target):
                os.kill(choose.choice(found), signal.SIGKILL)
                return
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
        time.sleep(0.01)


def finish(project: Project) -> None:
    """Repeat the command, as its message says, until the study is finished."""
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        done = subprocess.run(
            project.command("study", "tiny", "--no-report"),
            cwd=project.root,
            env=project.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return
        assert done.returncode == 2, done.stdout + done.stderr
        assert "fix: wait" in done.stderr, done.stderr
        time.sleep(1)
    raise AssertionError("the folder stays busy")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEED, SEED + COUNT))
def test_kill_anything_at_any_moment(fresh: Project, finished: Project, seed):
    choose = random.Random(seed)
    target = TARGETS[seed % len(TARGETS)]
    moment, pause = choose.randrange(FILES), choose.uniform(0.0, 0.3)
    print(f"FAULT_SEED={seed}: kill -9 {target} when there are {moment} files")
    process = start(fresh, "study", "tiny", "--no-report")
    wait_for_files(fresh, moment, process)
    time.sleep(pause)
    kill(process, target, choose)
    before = fresh.records()
    if target == "everything":
        computed = fresh.study()
        assert len(before) + computed == RUNS + 1
    else:
        text, _ = process.communicate(timeout=200)
        # a study that ends badly itself says what to do
        assert process.returncode in (0, -9) or "run the same command again" in text, text
        finish(fresh)
    after = fresh.records()
    assert {k: after[k] for k in before} == before, "a finished run was computed again"
    assert fresh.products() == finished.products()
    assert "0 problems" in fresh.run("doctor", "--no-verify")


@pytest.mark.slow
@pytest.mark.parametrize("files", [4, 20])
def test_everything_killed_and_resumed_loses_nothing(fresh: Project, finished: Project, files):
    process = start(fresh, "study", "tiny", "--no-report")
    wait_for_files(fresh, files, process)
    kill(process, "everything", random.Random(SEED))
    before = fresh.records()
    assert fresh.study() == RUNS + 1 - len(before)
    after = fresh.records()
    assert {k: after[k] for k in before} == before, "a finished run was computed again"
    assert fresh.products() == finished.products()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("whole_group", [False, True], ids=["study", "terminal"])
def test_interrupted_study_ends_its_jobs_and_goes_on_later(
    fresh: Project, finished: Project, number, whole_group
):
    process = start(fresh, "study", "tiny", "--no-report")
    wait_for_files(fresh, 10, process)
    (os.killpg if whole_group else os.kill)(process.pid, number)
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 130, text
    assert "the same command goes on from there" in text
    before = fresh.records()
    assert fresh.study() == RUNS + 1 - len(before), "the folder is free at once"
    assert fresh.products() == finished.products()


@pytest.mark.slow
def test_a_study_behind_a_script_ignores_ctrl_c_and_ends_when_it_is_killed(fresh: Project):
    process = start(fresh, "study", "tiny", "--no-report", behind=True)
    wait_for_files(fresh, 6, process)
    os.killpg(process.pid, signal.SIGINT)
    wait_for_files(fresh, 10, process)
    os.kill(process.pid, signal.SIGTERM)
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 130, text
    before = fresh.records()
    assert len(before) <= RUNS
    assert fresh.study() == RUNS + 1 - len(before)


def test_second_study_in_one_folder_is_refused(fresh: Project):
    process = start(fresh, "study", "tiny", "--no-report")
    try:
        wait_for_files(fresh, 2, process)
        text = fresh.run("study", "tiny", code=2)
        assert "another study is at work" in text
    finally:
        kill(process, "everything", random.Random(SEED))


@pytest.mark.slow
def test_two_studies_started_at_one_moment(fresh: Project, finished: Project):
    pair = [start(fresh, "study", "tiny", "--no-report") for _ in range(2)]
    texts = [p.communicate(timeout=200)[0] for p in pair]
    assert sorted(p.returncode for p in pair) == [0, 2], texts
    assert "another study is at work" in texts[0] + texts[1]
    assert fresh.products() == finished.products()
    assert fresh.study() == 0
