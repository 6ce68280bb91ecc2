"""Why the jobs of a study failed: from Snakemake's log, each job's own, and how it ended."""

from __future__ import annotations

import re
import signal
from pathlib import Path

QUOTED_JOBS, QUOTED_LINES = 3, 15
# Snakemake's words; a job's own log cannot say that its process was killed or never started
_FAILED = re.compile(r"^Error in rule (?P<rule>\w+)[^\n]*:\n(?P<body>(?:[ \t]+[^\n]*\n|\n)*)", re.M)
_MESSAGE = re.compile(r"^    message: (.*?)\n    (?:jobid|input|output|log): ", re.M | re.S)
_FIELD = r"^    {}: (.+?)(?: \(check log file.*)?$"
_STATUS = r"{}[^\n]*' returned non-zero exit status (\d+)"
_ERROR = re.compile(r"^\S*(?:Error|Exception|error:)", re.M)


def failures(said: bytes, since: float, root: Path) -> str:
    """Quote why the jobs failed."""
    text = said.decode("utf-8", "replace")
    failed: dict[str, str] = {}  # a job that was tried again says why it failed at last
    for match in _FAILED.finditer(text):
        outputs, body = _field("output", match["body"]), match["body"]
        if not outputs or not (root / outputs.split(", ")[0]).exists():
            failed[outputs or match["rule"]] = _one(match["rule"], body, text, since, root)
    if not failed:
        mark = _ERROR.search(text)
        lines = text[mark.start() :].splitlines() if mark else text.splitlines()[-QUOTED_LINES:]
        return "\n" + "\n".join(lines[:QUOTED_LINES])
    more = len(failed) - QUOTED_JOBS
    shown = "".join(list(failed.values())[:QUOTED_JOBS])
    return shown + (f"\n... and {more} more failed jobs" if more > 0 else "")


def _one(rule: str, body: str, text: str, since: float, root: Path) -> str:
    """Say what one failed job said, and what is known of its end."""
    log = _field("log", body)
    path = root / log
    fresh = path.is_file() and path.stat().st_mtime >= since
    own = path.read_text("utf-8", "replace") if fresh else ""
    mark = max(own.rfind("relu-optima: "), own.rfind("Traceback (most recent call last)"))
    lines = own[max(mark, 0) :].strip().splitlines()[-QUOTED_LINES:]
    message = _MESSAGE.search(body)
    if message and message[1] != "None":
        lines += message[1].splitlines()[:QUOTED_LINES]
    status = re.findall(_STATUS.format(re.escape(log)), text) if log else []
    if mark < 0 and status:
        lines.append(_ending(int(status[-1])))
    return f"\n[{log or rule}]\n" + "\n".join(lines)


def _field(name: str, body: str) -> str:
    found = re.search(_FIELD.format(name), body, re.M)
    return found[1] if found else ""


def _ending(status: int) -> str:
    if status <= 128:
        return f"the job said nothing of an error and ended with exit status {status}"
    try:
        name = signal.Signals(status - 128).name
    except ValueError:
        name = f"signal {status - 128}"
    guess = "; out of memory?" if name == "SIGKILL" else ""
    return f"the job's process was ended from outside ({name}{guess})"
