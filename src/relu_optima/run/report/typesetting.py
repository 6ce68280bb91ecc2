"""Run LaTeX on a paper in an empty folder, refuse a bad page, and pack what compiles by itself."""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from relu_optima.run.report.paper import PaperError

PROGRAMS = ("pdflatex", "bibtex")
OVERFULL = 1.0  # pt by which a line may stick out
TIMEOUT = 300.0
_OVERFULL = re.compile(r"^Overfull \\[hv]box \(([\d.]+)pt too \w+\).*$", re.MULTILINE)
_UNDEFINED = re.compile(
    r"^(?:LaTeX|Package natbib) Warning: ((?:Reference|Citation)[^\n]*undefined)", re.M
)
_ERROR = re.compile(r"^! (.*(?:\n(?!l\.).*){0,3}\nl\.\d+ .*)", re.MULTILINE)


def missing_programs() -> list[str]:
    """Name the programs of LaTeX that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def typeset(files: Mapping[str, bytes]) -> tuple[bytes, dict[str, bytes]]:
    """Compile a paper; return the PDF and all files that compile to it, bibliography included."""
    with tempfile.TemporaryDirectory(prefix="relu-optima-paper-") as name:
        folder = Path(name)
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        log = _latex(folder)
        _run(["bibtex", "paper"], folder)
        # until page numbers and the places of floats stand still
        for _ in range(4):
            before = (folder / "paper.aux").read_bytes()
            log = _latex(folder)
            if (folder / "paper.aux").read_bytes() == before:
                break
        _refuse_bad_pages(log)
        packed = {**files, "paper.bbl": (folder / "paper.bbl").read_bytes()}
        return (folder / "paper.pdf").read_bytes(), packed


def packed(files: Mapping[str, bytes]) -> bytes:
    """Pack files, the same bytes for the same files."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            archive.addfile(entry, io.BytesIO(files[name]))
    return gzip.compress(inner.getvalue(), mtime=0)


def _latex(folder: Path) -> str:
    _run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"], folder)
    return (folder / "paper.log").read_text(encoding="latin-1")


def _run(command: list[str], folder: Path) -> None:
    # a fixed clock, lines of the log unbroken, no file of the user's own
    environment = {
        **os.environ, "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1", "TEXMFHOME": str(folder),
        "max_print_line": "10000", "error_line": "254", "half_error_line": "238",
    }  # fmt: skip
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, check=False, timeout=TIMEOUT
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise PaperError(f"{command[0]}: {error}", fix="install TeX Live") from None
    if done.returncode:
        said = done.stdout.decode("latin-1")
        found = _ERROR.search(said)
        raise PaperError(
            f"{command[0]} stopped: {found[1] if found else said[-800:]}",
            where="the paper's text",
            fix="correct the text or the table it names, then run the same command again",
        )


def _refuse_bad_pages(log: str) -> None:
    """Refuse lines that stick out and references that lead nowhere."""
    bad = [m[0] for m in _OVERFULL.finditer(log) if float(m[1]) > OVERFULL]
    bad += dict.fromkeys(m[1] for m in _UNDEFINED.finditer(log))
    if bad:
        raise PaperError(
            "\n  ".join(["the pages are not sound:", *bad[:8]]),
            where="the paper's text",
            fix="reword the paragraph or give the table `width: icml_text`, then run again",
        )
