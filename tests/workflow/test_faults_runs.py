"""Runs that hang, exhaust the memory, crash or are killed: the others finish, and say so."""

import pytest

from tests.workflow.conftest import RUNS, Project

FAULT = """
    import os, re, resource, signal
    import numpy as np
    from pathlib import Path
    fault = Path("fault").read_text() if Path("fault").exists() else ""
    if task.seed == 1 and fault:
        if fault == "hang":
            re.match("(a+)+$", "a" * 60 + "b")
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "crash":
            [][0]
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, resource.RLIM_INFINITY))
        try:
            np.ones(2**29)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
"""
START = '    config = task.groups["convex"]\n'


@pytest.fixture
def faulty(fresh: Project) -> Project:
    """Return a project whose solver fails for seed 1 as the file ``fault`` says.

    A run is taken for hung after 25 seconds, which no sound one takes on a loaded machine.
    """
    fresh.edit("src/relu_optima/convex/stage.py", START, FAULT + START)
    fresh.edit("src/relu_optima/run/runner.py", "GRACE = 120.0", "GRACE = 1.0")
    fresh.edit("conf/study/tiny.yaml", "convex.gates.count: 6", "convex.time_limit: 12.0")
    return fresh


@pytest.mark.slow
def test_a_hung_solver_is_a_row_and_is_tried_again(faulty: Project):
    (faulty.root / "fault").write_text("hang")
    text = faulty.run("study", "tiny", "--no-report")
    assert "INCOMPLETE: 2 runs hit their wall-clock limit" in " ".join(text.split())
    assert len(faulty.records()) == RUNS + 1 - 2
    table = faulty.root / "results/tiny/tables/tiny_certificates.csv"
    assert "time_limit" in table.read_text()
    (faulty.root / "fault").unlink()
    assert faulty.study() == 2
    assert (
        "time_limit" not in (faulty.root / "results/tiny/tables/tiny_certificates.csv").read_text()
    )
    assert faulty.study() == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("kill", "was killed by signal 9 (out of memory?), 2 times"),
        ("memory", "out of memory; make the run smaller"),
        ("crash", "IndexError: list index out of range"),
    ],
)
def test_a_failing_run_lets_the_others_finish_and_is_named(faulty: Project, fault, message):
    (faulty.root / "fault").write_text(fault)
    text = faulty.run("study", "tiny", "--no-report", code=2)
    assert message in text
    assert "run the same command again" in text
    assert len(faulty.records()) == RUNS + 1 - 2
    assert not (faulty.root / "results/tiny/tables").exists(), "no table of half the runs"
    (faulty.root / "fault").unlink()
    assert faulty.study() == 2
    assert len(faulty.products()) > 2
