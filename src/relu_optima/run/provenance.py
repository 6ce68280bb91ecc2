"""Where a result comes from: source, lock file, processor. No name of machine or user."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relu_optima.config.identity import canonical_json

if TYPE_CHECKING:
    from relu_optima.stage import Record


def _git(root: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


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
    """Describe the project's source: git commit, uncommitted changes, lock file."""
    commit = _git(root, "rev-parse", "HEAD")
    diff = _git(root, "diff", "HEAD") if commit else None
    lock = root / "requirements.lock"
    return {
        "git_commit": commit.decode().strip() if commit else None,
        "dirty_diff_sha256": hashlib.sha256(diff).hexdigest() if diff else None,
        "lock_sha256": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None,
    }


def commit_date(root: Path) -> str | None:
    """Return the day of the project's commit."""
    day = _git(root, "show", "--no-patch", "--format=%cs", "HEAD")
    return day.decode().strip() if day else None


@cache
def machine(stage: str) -> dict[str, Any]:
    """Describe the processor and the kernels that its linear algebra runs on."""
    from threadpoolctl import threadpool_info

    keys = {"library": "internal_api", "version": "version", "kernel": "architecture"}
    pools = [
        {name: p.get(key) for name, key in keys.items()} | {"threads": p["num_threads"]}
        for p in threadpool_info()
    ]
    return {"processor": _processor(), "cores": os.cpu_count(), "pools": sorted(pools, key=repr)}


def origin_of(record: Record) -> dict[str, Any]:
    """Say what computed a record."""
    keys = ("environment", "machine", "source")
    return {**{key: record.origin.get(key) for key in keys}, "runs": 1}


def merged(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Put equal origins together."""
    out: dict[str, dict[str, Any]] = {}
    for origin in found:
        name = canonical_json({k: v for k, v in origin.items() if k != "runs"})
        runs = out[name]["runs"] if name in out else 0
        out[name] = {**origin, "runs": runs + origin["runs"]}
    return list(out.values())
