"""Keep one bad run from taking its batch along: a hung, killed or crashed process is replaced.

No signal handler of Python's runs while compiled code hangs, and nobody survives the kernel's
out-of-memory killer. So a job forks: the child computes and says through a pipe which runs it has
in hand and how long they may take; the parent, which loads nothing, waits. It ends a child that
is late, and forks another one that leaves those runs alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import json
import logging
import os
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from relu_optima.errors import ReluOptimaError

log = logging.getLogger(__name__)
DEATHS = 2  # of processes with one and the same run in hand, until it is given up
_PR_SET_PDEATHSIG = 1  # Linux


@dataclass
class Watch:
    """What the computing process knows of its predecessors, and tells its supervisor.

    Attributes
    ----------
    late : frozenset of str
        Runs that were ended because they took too long.
    lost : dict of str to str
        Runs during which the process died too often, and how.
    apart : bool
        True if several runs in hand at once ended badly: compute them one by one.
    """

    late: frozenset[str] = frozenset()
    lost: dict[str, str] = field(default_factory=dict)
    apart: bool = False
    _pipe: IO[str] | None = None

    @contextlib.contextmanager
    def hold(self, runs: Sequence[str], seconds: float) -> Iterator[None]:
        """Say which runs are being computed and how long that may take."""
        self._say(list(runs), seconds)
        try:
            yield
        finally:
            self._say([], 0.0)

    def _say(self, runs: list[str], seconds: float) -> None:
        if self._pipe is not None:
            self._pipe.write(json.dumps([runs, seconds]) + "\n")
            self._pipe.flush()


def supervised() -> Watch:
    """Go on in a child process; the parent stays here and exits with the child's exit code."""
    late: set[str] = set()
    lost: dict[str, str] = {}
    deaths: Counter[tuple[str, ...]] = Counter()
    apart = False
    while True:
        reader, writer = os.pipe()
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            _die_with(parent)
            faulthandler.register(signal.SIGUSR1)
            return Watch(frozenset(late), lost, apart, os.fdopen(writer, "w", encoding="utf-8"))
        os.close(writer)
        hung, runs = _follow(pid, reader)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code >= 0:
            sys.exit(code)
        how = "did not end in time" if hung else f"was killed by signal {-code}{_guess(-code)}"
        log.warning("the process with the runs %s in hand %s", " ".join(runs) or "(none)", how)
        deaths[tuple(runs)] += 1
        if len(runs) > 1:
            apart = True
        elif hung:
            late.update(runs)
        elif deaths[tuple(runs)] >= DEATHS:
            if not runs:
                raise ReluOptimaError(
                    f"the job's process {how}, {DEATHS} times, with no run in hand",
                    fix="give the job more memory, then run the same command again",
                )
            lost[runs[0]] = f"its process {how}, {DEATHS} times"


def _guess(number: int) -> str:
    return " (out of memory?)" if number == signal.SIGKILL else ""


def _follow(pid: int, reader: int) -> tuple[bool, list[str]]:
    """Read what the child says until it ends or is late; return whether it hung, and its runs."""
    runs: list[str] = []
    deadline: float | None = None
    pending = b""
    try:
        while True:
            wait = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            if not select.select([reader], [], [], wait)[0]:
                _end(pid)
                return True, runs
            chunk = os.read(reader, 65536)
            if not chunk:
                return False, runs
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                runs, seconds = json.loads(line)
                deadline = time.monotonic() + seconds if runs else None
    finally:
        os.close(reader)


def _end(pid: int) -> None:
    """Have a hung process write where it hangs, then kill it."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGUSR1)
        time.sleep(0.5)
        os.kill(pid, signal.SIGKILL)


def _die_with(parent: int) -> None:
    """Ask the kernel to end this process when its parent ends, where the kernel can."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended in between
        os._exit(1)
