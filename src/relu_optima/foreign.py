"""Open files that somebody else put there: only regular ones, only up to a size."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

MAX_TABLE_BYTES = 2 * 2**30


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading.

    Parameters
    ----------
    path : Path
        The file, or a link to one.

    Returns
    -------
    binary file
        Not a pipe, whose opening would wait, nor a device, whose reading would never end.

    Raises
    ------
    OSError
        If it cannot be opened or is anything else.
    """
    # non-blocking: between a check of the name and the opening the file could be exchanged
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return os.fdopen(descriptor, "rb")


def open_table(path: Path) -> BufferedReader:
    """Open a text table of bearable size.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    binary file
        At its start.

    Raises
    ------
    OSError
        If it is no regular file, or larger than 2 GiB.
    """
    stream = open_regular(path)
    if os.fstat(stream.fileno()).st_size > MAX_TABLE_BYTES:
        stream.close()
        raise OSError(errno.EFBIG, f"it is larger than {MAX_TABLE_BYTES} bytes", str(path))
    return stream
