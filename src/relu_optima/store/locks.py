"""File locks of the results folder: one study at a time, and none while old workers still write.

The kernel frees these locks when their last holder dies, so nothing is left behind by kill -9.
Where a file system knows no `flock`, locks of open file descriptions do the same; where it knows
neither (some NFS, some Lustre), a notice says that nothing keeps a second study out. A file that
says "locked" would be worse there: nobody on another machine can tell whether its writer lives.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relu_optima.errors import BusyError

log = logging.getLogger(__name__)
STUDY_LOCK, WORKER_LOCK = ".study.lock", ".workers.lock"


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _lock(descriptor: int, how: int) -> str:
    """Lock a file or raise `BlockingIOError`; return why this file system cannot, if so."""
    try:
        fcntl.flock(descriptor, how)
        return ""
    except BlockingIOError:
        raise
    except OSError as error:
        why = error.strerror or str(error)
    kind = fcntl.F_RDLCK if how & fcntl.LOCK_SH else fcntl.F_WRLCK
    if how & fcntl.LOCK_UN:
        kind = fcntl.F_UNLCK
    # held by the open file, not by the process: children that inherit it keep it, like flock
    if sys.platform != "linux":
        return why
    command = fcntl.F_OFD_SETLK if how & fcntl.LOCK_NB else fcntl.F_OFD_SETLKW
    try:
        fcntl.fcntl(descriptor, command, struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 0, 0))
    except BlockingIOError:
        raise
    except OSError:
        return why
    return ""


@contextmanager
def study_lock(results: Path, patience: float = 60.0, *, certain: bool = False) -> Iterator[int]:
    """Hold the results folder for one study."""
    lock = _open(results / STUDY_LOCK)
    workers = _open(results / WORKER_LOCK)
    try:
        try:
            why = _lock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(
                "another study is at work in this folder",
                where=str(results),
                fix="wait until it ends, or use another copy of the project",
            ) from None
        deadline = time.monotonic() + patience
        while True:
            try:
                why = _lock(workers, fcntl.LOCK_EX | fcntl.LOCK_NB) or why
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise BusyError(
                        "workers of an earlier study are still computing here",
                        where=str(results),
                        fix="wait for them or end them (their command is `python -m relu_optima`)",
                    ) from None
                time.sleep(0.2)
        _lock(workers, fcntl.LOCK_UN)
        if why and certain:
            raise BusyError(
                f"nobody can tell whether a study is at work here: no file locks ({why})",
                where=str(results),
                fix="do this where the folder's file system has locks, e.g. on its server",
            )
        if why:
            log.warning(
                "%s: this file system has no locks (%s): nothing keeps a second study out of this "
                "folder, so run one at a time; records are safe either way",
                results,
                why,
            )
        yield lock
    finally:
        os.close(workers)
        os.close(lock)


@contextmanager
def worker_lock(results: Path) -> Iterator[None]:
    """Tell later studies that a worker is alive; any number of workers may hold it."""
    workers = _open(results / WORKER_LOCK)
    try:
        _lock(workers, fcntl.LOCK_SH)
        yield
    finally:
        os.close(workers)
