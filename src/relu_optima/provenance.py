"""Where a result comes from: code, lock file, libraries, processor. No name of machine or user."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

LIBRARIES = (
    "numpy", "scipy", "pandas", "pyarrow", "torch", "scikit-learn", "cvxpy", "clarabel",
    "numba", "matplotlib", "hydra-core", "snakemake", "z3-solver", "sympy", "python-flint",
)  # fmt: skip


def _git(root: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


@cache
def code_state(root: Path) -> dict[str, Any]:
    """Describe the project's source: git commit, uncommitted changes, lock file.

    Parameters
    ----------
    root : Path
        Project folder.

    Returns
    -------
    dict
        ``git_commit`` and ``dirty_diff_sha256`` (None without git or without changes) and
        ``lock_sha256``.
    """
    commit = _git(root, "rev-parse", "HEAD")
    diff = _git(root, "diff", "HEAD") if commit else None
    lock = root / "requirements.lock"
    return {
        "git_commit": commit.decode().strip() if commit else None,
        "dirty_diff_sha256": hashlib.sha256(diff).hexdigest() if diff else None,
        "lock_sha256": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None,
    }


def environment() -> dict[str, Any]:
    """Describe the libraries, the interpreter, the processor and the thread limits.

    Returns
    -------
    dict
        JSON values.
    """
    from threadpoolctl import threadpool_info

    pools = [
        {"library": p.get("internal_api"), "version": p.get("version"), "threads": p["num_threads"]}
        for p in threadpool_info()
    ]
    return {
        "python": platform.python_version(),
        "libraries": {name: v for name in LIBRARIES if (v := _version(name))},
        "processor": _processor(),
        "cores": os.cpu_count(),
        "thread_pools": sorted(pools, key=repr),
    }
