"""File locks of the results folder: one study at a time, and none while old workers still write.

The kernel frees these locks when their last holder dies, so nothing is left behind by kill -9.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relu_optima.errors import BusyError

STUDY_LOCK, WORKER_LOCK = ".study.lock", ".workers.lock"


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


@contextmanager
def study_lock(results: Path, patience: float = 60.0) -> Iterator[int]:
    """Hold the results folder for one study.

    Parameters
    ----------
    results : Path
        ``results``.
    patience : float, default 60.0
        Seconds to wait for workers that a killed study left behind.

    Yields
    ------
    int
        File descriptor of the lock; pass it to Snakemake, so that the lock outlives this
        process for as long as Snakemake lives.

    Raises
    ------
    BusyError
        If another study is at work in this folder.
    """
    lock = _open(results / STUDY_LOCK)
    workers = _open(results / WORKER_LOCK)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BusyError(
                "another study is at work in this folder",
                where=str(results),
                fix="wait until it ends, or use another copy of the project",
            ) from None
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(workers, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise BusyError(
                        "workers of an earlier study are still computing here",
                        where=str(results),
                        fix="wait for them or end them (their command is `python -m relu_optima`)",
                    ) from None
                time.sleep(0.2)
        fcntl.flock(workers, fcntl.LOCK_UN)
        yield lock
    finally:
        os.close(workers)
        os.close(lock)


@contextmanager
def worker_lock(results: Path) -> Iterator[None]:
    """Tell later studies that a worker is alive; any number of workers may hold it.

    Parameters
    ----------
    results : Path
        ``results``.

    Yields
    ------
    None
        While the lock is held.
    """
    workers = _open(results / WORKER_LOCK)
    try:
        fcntl.flock(workers, fcntl.LOCK_SH)
        yield
    finally:
        os.close(workers)
