"""Fuzz one target: ``python -m tests.fuzz check --seconds 30 [--seed 1]``, or ``all``.

Inputs that made a reader say something new join the corpus of the run. The input of a crash is
kept in ``build/fuzz`` and fed again by ``--file``. A child process with a memory limit does the
work: a reader that dies by a signal, hangs or swallows the memory is found too.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import logging
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

from relu_optima.errors import ReluOptimaError
from tests.fuzz.targets import TARGETS, Target

CASE_SECONDS = 20
MEMORY = 4 * 2**30  # beyond what the imports take
LARGEST = 20_000  # bytes of an input that joins the corpus
KEPT = Path("build/fuzz")


def main() -> int:
    """Parse the command line and supervise the child."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--file", type=Path, default=None, help="feed one kept input again")
    parser.add_argument("--child", type=Path, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    if options.child:
        return fuzz(options.target, seed, options.seconds, options.file, options.child)
    names = TARGETS if options.target == "all" else [options.target]
    return max(supervise(name, seed, options.seconds, options.file) for name in names)


def supervise(name: str, seed: int, seconds: float, file: Path | None) -> int:
    """Run the child and report its end."""
    print(f"{name}: seed {seed}, {seconds:.0f} s", flush=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        command = [
            sys.executable, "-m", "tests.fuzz", name, "--seed", str(seed),
            "--seconds", str(seconds), "--child", folder,
        ]  # fmt: skip
        if file is not None:
            command += ["--file", str(file)]
        code = subprocess.run(command, check=False).returncode
        if code in (0, 1):
            return code
        for path in (Path(folder) / "case").glob("*"):
            print(f"{name}: DIED with status {code}; input kept as {keep(name, path)}")
        return 1


def keep(name: str, path: Path) -> Path:
    """Copy an input that crashed a reader to where it can be fed again."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    target = KEPT / name / digest / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    return target


def fuzz(name: str, seed: int, seconds: float, file: Path | None, folder: Path) -> int:
    """Feed inputs until the time is up; return 1 if a reader crashed."""
    warnings.simplefilter("ignore")
    logging.disable()
    case = folder / "case"
    case.mkdir()
    target = TARGETS[name](folder)
    warm_up(target, case)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    crashes: set[str] = set()
    if file is not None:
        print(f"{name}: {attempt(target, file, crashes, name)}")
        return 1 if crashes else 0
    rng = random.Random(f"{seed} {name}")
    said: set[str] = set()
    deadline = time.monotonic() + seconds
    number, slowest = 0, 0.0
    while time.monotonic() < deadline:
        place, content = target.case(rng)
        path = case / place
        path.write_bytes(content)
        began = time.monotonic()
        faulthandler.dump_traceback_later(CASE_SECONDS, exit=True)
        word = attempt(target, path, crashes, name)
        faulthandler.cancel_dump_traceback_later()
        slowest = max(slowest, time.monotonic() - began)
        path.unlink()
        if word not in said:
            said.add(word)
            if len(content) < LARGEST:
                target.corpus.append((target.named(place), content))
        number += 1
    print(
        f"{name}: seed {seed}, {number} cases, {len(said)} different answers, "
        f"slowest {slowest:.1f} s, {len(crashes)} different crashes",
        flush=True,
    )
    return 1 if crashes else 0


def warm_up(target: Target, case: Path) -> None:
    """Read the undamaged corpus: imports and compilation are no input's fault."""
    for name, content in target.corpus:
        path = case / name.replace("/", "__")
        path.write_bytes(content)
        try:
            for options in range(8):
                target.feed(random.Random(options), path)
        except ReluOptimaError as error:
            if not target.may_refuse(name):
                raise AssertionError(f"{name} is meant to be sound: {error}") from error
        path.unlink()


def attempt(target: Target, path: Path, crashes: set[str], name: str) -> str:
    """Return a word for what the reader did; note a crash."""
    try:
        # the options follow from the input, so that a kept input is the whole case
        return target.feed(random.Random(path.read_bytes()), path)
    except ReluOptimaError as error:
        return f"{type(error).__name__} {template(str(error))}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        frames = traceback.extract_tb(error.__traceback__)
        ours = [f for f in frames if "relu_optima" in f.filename] or list(frames)
        place = f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}"
        if place not in crashes:
            crashes.add(place)
            print(f"{name}: CRASH {place}; input kept as {keep(name, path)}")
            traceback.print_exception(error, limit=-6)
            sys.stdout.flush()
        return place


def template(text: str) -> str:
    """Strip what differs between messages of one kind."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|[-+.\d]+|\W+", "#", text)[:120]


if __name__ == "__main__":
    sys.exit(main())
