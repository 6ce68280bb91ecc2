"""Run a study: lock, plan, Snakemake with live progress, report."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from relu_optima.config.places import workflow_file
from relu_optima.errors import ReluOptimaError
from relu_optima.files import write_atomically
from relu_optima.plan.make import make_plan
from relu_optima.plan.model import Manifest
from relu_optima.run.failures import failures
from relu_optima.run.publish import publish_explorer
from relu_optima.run.ready import Ahead, look_ahead, make_ready, save_plan
from relu_optima.run.report.page import APPENDIX, report_page
from relu_optima.store.acceptance import Acceptance
from relu_optima.store.layout import batch_file, plan_file
from relu_optima.store.locks import study_lock
from relu_optima.store.parquet import read_metadata
from relu_optima.store.records import Store
from relu_optima.store.soundness import faults

PLANNED = "RELU_OPTIMA_PLANNED"  # tells the Snakefile that plan.json is fresh
FONT = "RELU_OPTIMA_FONT"  # tells the job that writes a paper its typeface
ROOM = 2**18  # bytes; with less of them left not even a log is complete


@dataclass(frozen=True)
class StudyResult:
    """How a study ended.

    Attributes
    ----------
    study : str
        Its name, with the hash of the overrides if there are any.
    computed, finished : int
        Runs computed now, and runs taken from the store by jobs that had to run.
    incomplete : int
        Runs that hit the wall-clock limit; the next call computes them again.
    report : Path or None
        The report, if it was asked for and there is something to report.
    """

    study: str
    computed: int
    finished: int
    incomplete: int
    report: Path | None


def run_study(
    name: str,
    overrides: list[str],
    *,
    cores: int,
    root: Path,
    console: Console,
    report: bool = True,
    profiles: Sequence[Path] = (),
    accept_environment: bool = False,
    paper: str | None = None,
) -> StudyResult:
    """Plan, run and publish a study; a repeated call does only what is missing.

    With the name of a typeface as `paper`, its manuscript is written too.
    """
    results = root / "results"
    where = _where_jobs_run(profiles, cores, root)
    with study_lock(results) as lock:
        keep = Acceptance(Store(results / "store")) if accept_environment else None
        manifest = make_plan(name, overrides, root, keep=keep)
        save_plan(manifest, results)
        taken = make_ready(manifest, results)
        if taken:
            console.print(f"{taken} batches, sweeps, figures and tables taken from other studies")
        show_plan(manifest, look_ahead(manifest, results), console, None if profiles else cores)
        log = results / manifest.study / "timings" / "progress.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("", encoding="utf-8")
        if any((root / ".snakemake" / "locks").glob("*")):
            _snakemake(manifest, root, ["--unlock"], lock, console)  # of a killed one
        if any(faults(manifest, results)):  # else everything is there and is what the plan makes
            _run_jobs(manifest, root, where, lock, console, log)
        if paper is not None:
            target = f"results/{manifest.study}/paper/paper.pdf"
            # TeX takes seconds, and the same sources give the same bytes
            wanted = [target, "--forcerun", "write_paper"]
            os.environ[FONT] = paper
            _run_jobs(manifest, root, where, lock, console, log, wanted)
        page = write_report(manifest, root, lock, console) if report else None
        computed, finished = _counts(log)
        incomplete = _incomplete(manifest, results)
        return StudyResult(manifest.study, computed, finished, incomplete, page)


def _run_jobs(
    manifest: Manifest, root: Path, where: list[str], lock: int, console: Console, progress: Path,
    wanted: Sequence[str] = (),
) -> None:  # fmt: skip
    """Have Snakemake make what is missing and what is built on that, or say why jobs failed."""
    # what is there is what the plan makes, whatever Snakemake remembers of it
    triggers = ["--rerun-incomplete", "--rerun-triggers", "mtime"]
    arguments = [*wanted, *triggers, "--keep-going", "--scheduler", "greedy", *where]
    since = progress.stat().st_mtime
    said = progress.with_name("snakemake.log")
    before = said.stat().st_size if said.exists() else 0
    if _snakemake(manifest, root, arguments, lock, console, progress=progress) == 0:
        return
    full = shutil.disk_usage(root / "results").free < ROOM
    cause = "free some disk space" if full else "correct the cause"
    raise ReluOptimaError(
        f"the study stopped: {failures(said.read_bytes()[before:], since, root)}"
        + ("\nNo space left on device, or nearly none" if full else ""),
        where=manifest.study,
        fix=f"{cause} and run the same command again; finished runs are kept",
    )


def _where_jobs_run(profiles: Sequence[Path], cores: int, root: Path) -> list[str]:
    """Say in Snakemake's arguments where jobs run and how many at a time."""
    folders = {str(profile): workflow_file(root, str(profile)) for profile in profiles}
    for profile, folder in folders.items():
        if not any(p.is_file() for p in (folder, folder / "profile.yaml", folder / "config.yaml")):
            raise ReluOptimaError(
                "there is no such profile",
                where=f"--profile {profile}",
                allowed="a folder with profile.yaml, or such a file",
            )
    if not profiles:
        return ["--cores", str(cores)]
    return [word for folder in folders.values() for word in ("--profile", str(folder.absolute()))]


def show_plan(manifest: Manifest, ahead: list[Ahead], console: Console, cores: int | None) -> None:
    """Print what is ahead: runs, batches, reasons, minutes."""
    from rich.table import Table

    table = Table(title=f"{manifest.study}: {manifest.title}", title_justify="left")
    for column in ("sweep", "stage", "runs", "batches", "to compute", "why", "CPU time"):
        left = column in ("sweep", "stage", "why")
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    for item in ahead:
        todo = item.runs - item.reasons["finished"]
        why = ", ".join(f"{n} {r}" for r, n in sorted(item.reasons.items()) if r != "finished")
        source = "" if item.measured or not todo else " (guess)"
        table.add_row(
            item.sweep, item.stage, str(item.runs), str(item.batches), str(todo), why or "-",
            f"{_minutes(item.seconds)}{source}" if todo else "-",
        )  # fmt: skip
    console.print(table)
    for notice in manifest.notices:
        console.print(f"note: {notice}", markup=False, highlight=False, soft_wrap=True)
    todo = sum(a.runs - a.reasons["finished"] for a in ahead)
    seconds = sum(a.seconds for a in ahead)
    total = sum(a.runs for a in ahead)
    batches = sum(a.batches for a in ahead)
    pace = f"on {cores} cores" if cores else "of CPU time"
    console.print(
        f"{total} runs in {batches} batches, {todo} to compute"
        + (f", about {_minutes(seconds / (cores or 1))} {pace}" if todo else "")
    )
    changed = sum((item.changes for item in ahead), Counter[str]())
    kept = Counter(change for changes in manifest.accepted.values() for change in changes)
    for fate, counts in (("to compute again", changed), ("kept, as asked", kept)):
        for change, count in sorted(counts.items()):
            console.print(f"{count} runs {fate}: {change}", soft_wrap=True)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def _snakemake(
    manifest: Manifest,
    root: Path,
    arguments: list[str],
    lock: int,
    console: Console,
    *,
    progress: Path | None = None,
) -> int:
    log = root / "results" / manifest.study / "timings" / "snakemake.log"
    # jobs call `python`: this interpreter, also where its environment is not activated
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, PLANNED: manifest.study, "PATH": search}
    command = [
        sys.executable, "-m", "snakemake", *arguments, "--nocolor",
        "--snakefile", str(workflow_file(root, "Snakefile").absolute()),
        "--config", f"study={manifest.study}",
    ]  # fmt: skip
    with log.open("ab") as stream:
        start = stream.tell()
        with _heeded_interrupts() as behind:
            process = subprocess.Popen(
                command, cwd=root, env=environment, stdout=stream, stderr=stream,
                pass_fds=[lock], start_new_session=behind,
            )  # fmt: skip
        try:
            if progress is not None:
                _watch(process, manifest, progress, console)
            return process.wait()
        except KeyboardInterrupt:
            _stop(process, log, start)
            raise
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()


@contextlib.contextmanager
def _heeded_interrupts() -> Iterator[bool]:
    """Have what is started here heed the signal by which it is stopped.

    A script's `relu-optima study NAME &` ignores Ctrl-C, and so would Snakemake: it could not be
    stopped at all. Tells whether that is so; a session of its own then keeps the terminal's away.
    """
    behind = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if behind:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield behind
    finally:
        if behind:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def _stop(process: subprocess.Popen[bytes], log: Path, start: int) -> None:
    """End Snakemake and its jobs now: finished runs are in the store, so nothing is worth a wait.

    A terminal sends its signal to all of them, `kill` and a cluster only to this process. A second
    signal would keep Snakemake from cancelling cluster jobs, so its log is asked for the first.
    """
    import psutil

    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1.0)
    if b"on user request" not in log.read_bytes()[start:] and process.poll() is None:
        process.send_signal(signal.SIGINT)
    with contextlib.suppress(psutil.NoSuchProcess):
        for job in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                job.terminate()
    process.wait()


def _watch(
    process: subprocess.Popen[bytes], manifest: Manifest, log: Path, console: Console
) -> None:
    """Show counts and an estimate until Snakemake ends."""
    results = log.parents[2]
    missing = {
        (batch.sweep, entry.run)
        for batch in manifest.batches.values()
        if not batch_file(results, manifest.study, batch.id).exists()
        for entry in batch.entries
    }
    total = len(missing)
    started = time.monotonic()
    last = started
    live = console.is_terminal
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"), console=console, disable=not live,
    ) as bar:  # fmt: skip
        task = bar.add_task("runs", total=total, left="")
        while process.poll() is None:
            time.sleep(0.25)
            done = len(missing & _logged(log).keys())
            elapsed = time.monotonic() - started
            left = (
                f"about {_minutes(elapsed / done * (total - done))} left"
                if 0 < done < total
                else ""
            )
            if done >= total > 0:
                left = "tables and figures"
            bar.update(task, completed=min(done, total), left=left)
            if not live and time.monotonic() - last > 15:
                last = time.monotonic()
                console.print(f"{done} of {total} runs, {_minutes(elapsed)} so far, {left}")


def _counts(log: Path) -> tuple[int, int]:
    """Count the runs that jobs computed and the runs they took from the store."""
    flags = _logged(log)
    finished = sum(flags.values())
    return len(flags) - finished, finished


def _logged(log: Path) -> dict[tuple[str, str], bool]:
    """Tell of each sweep and run that jobs wrote down whether it came from the store."""
    try:
        lines = log.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {(p[0], p[1]): p[2] == "1" for line in lines if len(p := line.split("\t")) == 4}


def _incomplete(manifest: Manifest, results: Path) -> int:
    count = 0
    for batch in manifest.batches.values():
        metadata = read_metadata(batch_file(results, manifest.study, batch.id))
        count += int(metadata["incomplete"]) if metadata else 0
    return count


def write_report(manifest: Manifest, root: Path, lock: int, console: Console) -> Path | None:
    """Write ``report.html``, and what it leads to: the page of all runs and Snakemake's report."""
    folder = root / "results" / manifest.study
    publish_explorer(manifest, root / "results")
    if not manifest.figures and not manifest.tables:
        return None
    _write_appendix(manifest, root, lock, console)
    target = folder / "report.html"
    write_atomically(target, report_page(manifest, folder).encode("utf-8"))
    return target


def _write_appendix(manifest: Manifest, root: Path, lock: int, console: Console) -> None:
    """Have Snakemake write what it knows of rules and jobs, with the graph of the workflow."""
    folder = root / "results" / manifest.study
    target = folder / APPENDIX
    inputs = [plan_file(root / "results", manifest.study), *(folder / "tables").glob("*")]
    inputs += [*(folder / "figures").glob("*"), *workflow_file(root, "workflow/report").glob("*")]
    newest = max((p.stat().st_mtime for p in inputs), default=0.0)
    if target.exists() and target.stat().st_mtime > newest:
        return
    console.print("writing the report")
    code = _snakemake(manifest, root, ["--report", str(target.relative_to(root))], lock, console)
    if code != 0 or not target.exists():
        raise ReluOptimaError(
            "the report could not be written",
            where=str(folder / "timings" / "snakemake.log"),
            fix="see the end of that log",
        )
