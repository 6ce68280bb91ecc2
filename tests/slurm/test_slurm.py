"""Studies through a real SLURM, some of their jobs killed: the same tables, byte for byte."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster, missing, slurm
from tests.workflow.conftest import FILES, REPOSITORY, Project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3000),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]
PROFILE = "workflow/profiles/slurm"


def project_in(root: Path) -> Project:
    """Copy the project with its tiny study, without results."""
    root.mkdir()
    for name in ("src", "conf", "workflow"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("*.egg-info"))
    for name in ("Snakefile", "environment.yml", "requirements.lock", "pyproject.toml"):
        shutil.copy2(REPOSITORY / name, root / name)
    for name, text in FILES.items():
        (root / "conf" / f"{name}.yaml").write_text(text)
    return Project(root)


def workers(job: str) -> list[int]:
    """Return the processes of this package that run in a SLURM job."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended
        in_job = f"SLURM_JOB_ID={job}".encode() in variables
        if in_job and command[1:3] == [b"-m", b"relu_optima"]:
            found.append(int(folder.name))
    return found


def kill_a_worker(cluster: Cluster, process: subprocess.Popen, rule: str) -> str:
    """Send SIGKILL to the worker of a running job and return the job's id."""
    while process.poll() is None:
        for job, comment in cluster.jobs("RUNNING").items():
            if comment.startswith(f"rule_{rule}_") and (found := workers(job)):
                for pid in found:
                    os.kill(pid, signal.SIGKILL)
                return job
        time.sleep(0.1)
    raise AssertionError(f"the study ended before a job of {rule} was seen")


def cancel_a_job(cluster: Cluster, process: subprocess.Popen, rule: str) -> str:
    """Cancel a running job, as an administrator would, and return its id."""
    while process.poll() is None:
        for job, comment in cluster.jobs("RUNNING").items():
            if comment.startswith(f"rule_{rule}_") and workers(job):
                cluster.ask("scancel", job)
                return job
        time.sleep(0.1)
    raise AssertionError(f"the study ended before a job of {rule} was seen")


KILLS = {
    "tiny": [(kill_a_worker, "solve_convex", "FAILED")],
    "smoke": [
        (kill_a_worker, "solve_convex", "FAILED"),
        (cancel_a_job, "train_network", "CANCELLED"),
    ],
}


@pytest.fixture
def public() -> Iterator[Path]:
    """Return a folder whose parents all users may enter, which munge asks of its socket's."""
    with tempfile.TemporaryDirectory(prefix="relu-optima-slurm-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.parametrize("study", KILLS)
def test_study_through_slurm_equals_the_local_one(tmp_path, public, study):
    local, remote = (project_in(tmp_path / name) for name in ("local", "remote"))
    local.run("study", study, "--cores", "2", "--no-report")
    with slurm(public / "slurm") as cluster:
        environment = {**remote.environment(), **cluster.environment}
        environment["PYTHONPATH"] = str(remote.root / "src")
        command = remote.command(
            "study", study, "--profile", PROFILE, "--profile", str(cluster.site), "--no-report"
        )
        output = tmp_path / "output.txt"
        with output.open("w") as stream:
            process = subprocess.Popen(
                command, cwd=remote.root, env=environment, stdout=stream, stderr=stream
            )
            try:
                killed = {kill(cluster, process, rule): state for kill, rule, state in KILLS[study]}
                code = process.wait()
            finally:
                process.kill()
                process.wait()
        log = (remote.root / f"results/{study}/timings/snakemake.log").read_text()
        assert code == 0, output.read_text() + log[-3000:]
        ended = {s: set(cluster.jobs(s)) for s in ("COMPLETED", "FAILED", "CANCELLED")}
    for state in ("FAILED", "CANCELLED"):
        assert ended[state] == {job for job, its in killed.items() if its == state}
    assert log.count("Trying to restart job") == len(killed)
    # every job went through SLURM
    submitted = set(re.findall(r"has been submitted with SLURM jobid (\d+)", log))
    assert submitted == ended["COMPLETED"] | set(killed)
    assert len(ended["COMPLETED"]) == jobs_of(remote, study)
    expected = local.products(study)
    assert [n for n in expected if n.startswith("tables/")]
    assert remote.products(study) == expected
    assert remote.records().keys() == local.records().keys()


def jobs_of(project: Project, study: str) -> int:
    """Count the jobs of a finished study: batches, sweeps, figures, tables."""
    plan = project.plan(study)
    return sum(len(plan[kind]) for kind in ("batches", "sweeps", "figures", "tables"))
