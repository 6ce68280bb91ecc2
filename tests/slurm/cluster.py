"""A SLURM of one node on the loopback interface, with all its state in one folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
CLIENTS = ("sbatch", "squeue", "scancel", "sinfo", "srun")
MEMORY_MB = 64_000  # only promised: without cgroups nothing enforces it

CONFIG = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0
MinJobAge=3600
ReturnToService=2
SlurmctldTimeout=300
SlurmdTimeout=300
KillWait=5
InactiveLimit=0
MailProg=/bin/true
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 NodeHostname={host} CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""

# Without accounting only squeue knows how a job ended; a single node shows files at once.
SITE = """\
jobs: 8
latency-wait: 10
slurm-status-command: squeue
slurm-init-seconds-before-status-checks: 2
seconds-between-status-checks: 2
"""


def missing() -> str:
    """Say why no SLURM can be started here; empty if one can."""
    if os.geteuid() != 0:
        return "needs root: munged, slurmctld and slurmd are started"
    lacking = [n for n in (*DAEMONS, *CLIENTS) if shutil.which(n) is None]
    return f"not installed: {', '.join(lacking)} (packages slurm-wlm, munge)" if lacking else ""


@dataclass(frozen=True)
class Cluster:
    """A running SLURM.

    Attributes
    ----------
    environment : dict
        Environment in which its commands find it.
    site : Path
        Snakemake profile with what is special about this cluster.
    """

    environment: dict[str, str]
    site: Path

    def ask(self, *command: str) -> str:
        """Run one of SLURM's commands and return what it printed."""
        return subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def jobs(self, state: str) -> dict[str, str]:
        """Return id and comment (rule and wildcards) of the jobs in a state."""
        lines = self.ask("squeue", "-h", "-t", state, "-o", "%i|%k").splitlines()
        return dict(line.split("|", 1) for line in lines)


@contextmanager
def slurm(folder: Path, cpus: int = 2) -> Iterator[Cluster]:
    """Start a SLURM and stop exactly the processes that were started."""
    for name in ("state", "spool", "bin", "site"):
        (folder / name).mkdir(parents=True)
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o400)
    folder.chmod(0o755)
    host = socket.gethostname().split(".")[0]
    config = folder / "slurm.conf"
    config.write_text(
        CONFIG.format(folder=folder, host=host, cpus=cpus, memory=MEMORY_MB, ports=_free_ports())
    )
    # the plugin's job step removes SLURM_CONF from the environment before it calls srun
    srun = folder / "bin" / "srun"
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={config} exec {shutil.which("srun")} "$@"\n')
    srun.chmod(0o755)
    (folder / "site" / "profile.yaml").write_text(SITE)
    path = f"{srun.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "SLURM_CONF": str(config), "PATH": path}
    munge = [
        "munged", "--foreground", f"--key-file={folder}/munge.key",
        f"--socket={folder}/munge.sock", f"--log-file={folder}/munged.log",
        f"--pid-file={folder}/munged.pid", f"--seed-file={folder}/munged.seed",
    ]  # fmt: skip
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(_start(munge, environment, folder))
        _wait(lambda: (folder / "munge.sock").exists(), folder)
        started.append(_start(["slurmctld", "-D", "-f", str(config)], environment, folder))
        started.append(_start(["slurmd", "-D", "-f", str(config), "-N", host], environment, folder))
        cluster = Cluster(environment, folder / "site")
        _wait(lambda: _idle(cluster), folder)
        yield cluster
    finally:
        for process in reversed(started):
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_ports() -> list[int]:
    with socket.socket() as first, socket.socket() as second:
        for held in (first, second):
            held.bind(("127.0.0.1", 0))
        return [first.getsockname()[1], second.getsockname()[1]]


def _start(command: list[str], environment: dict[str, str], folder: Path) -> subprocess.Popen:
    # a session of its own, so that an interrupted test run does not hit it before its jobs
    with (folder / f"{command[0]}.out").open("wb") as out:
        return subprocess.Popen(
            command, env=environment, stdout=out, stderr=out, start_new_session=True
        )


def _idle(cluster: Cluster) -> bool:
    try:
        return cluster.ask("sinfo", "-h", "-o", "%T").strip() == "idle"
    except subprocess.CalledProcessError:
        return False


def _wait(ready, folder: Path, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            logs = "\n".join(
                f"[{p.name}]\n{p.read_text(errors='replace')[-2000:]}"
                for p in (*folder.glob("*.log"), *folder.glob("*.out"))
            )
            raise RuntimeError(f"SLURM did not come up\n{logs}")
        time.sleep(0.1)
