"""Open files that somebody else put there: only regular ones, only up to a size."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import uuid
from dataclasses import dataclass
from functools import cache
from io import BufferedReader
from pathlib import Path

MAX_TABLE_BYTES = 2 * 2**30


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading."""
    # non-blocking: between a check of the name and the opening the file could be exchanged
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return os.fdopen(descriptor, "rb")


def open_table(path: Path) -> BufferedReader:
    """Open a text table of bearable size."""
    stream = open_regular(path)
    if os.fstat(stream.fileno()).st_size > MAX_TABLE_BYTES:
        stream.close()
        raise OSError(errno.EFBIG, f"it is larger than {MAX_TABLE_BYTES} bytes", str(path))
    return stream


@dataclass(frozen=True)
class FileState:
    """What a file holds, and what the file system knows of its last change.

    Attributes
    ----------
    sha256 : str
        Hash of the content.
    stamp : tuple of int
        Device and number of the file, size, times of the last write and the last change; an edit
        that is undone leaves the hash as it was, but not these.
    """

    sha256: str
    stamp: tuple[int, ...]


def file_state(path: Path) -> FileState:
    """Read what a file holds now."""
    with open_regular(path) as stream:
        stamp = _stamp(os.fstat(stream.fileno()))
        return FileState(hashlib.file_digest(stream, "sha256").hexdigest(), stamp)


def _stamp(at: os.stat_result) -> tuple[int, ...]:
    return at.st_dev, at.st_ino, at.st_size, at.st_mtime_ns, at.st_ctime_ns


def file_digest(path: Path) -> str:
    """Hash a file that a run reads, again only if it was written to."""
    return _digest_at(path, _stamp(path.stat()))


@cache
def _digest_at(path: Path, stamp: tuple[int, ...]) -> str:
    return file_state(path).sha256


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees all of it or none, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
