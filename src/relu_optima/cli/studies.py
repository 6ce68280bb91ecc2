"""Commands about studies: plan, run and publish them, write their papers, or compute one run."""

from __future__ import annotations

import logging
import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from relu_optima.cli.shared import (
    AcceptEnvironment,
    Cores,
    Overrides,
    SetEnv,
    all_overrides,
    app,
    wide_console,
)
from relu_optima.stage import STAGES


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="A file or folder in conf/study.")] = "default",
    overrides: Overrides = None,
    cores: Cores = 2,
    report: Annotated[bool, typer.Option(help="Write report.html.")] = True,
    set_env: SetEnv = None,
    profile: Annotated[
        list[Path] | None,
        typer.Option(
            envvar="RELU_OPTIMA_PROFILE",
            help="Snakemake profile in place of --cores, e.g. workflow/profiles/slurm; "
            "repeatable, later ones win.",
        ),
    ] = None,
    accept_environment: AcceptEnvironment = False,
) -> None:
    """Plan, run, resume and publish a study."""
    from relu_optima.run.study import run_study

    console = wide_console()
    words = all_overrides(overrides, set_env)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill is a Ctrl-C
    try:
        done = run_study(
            name,
            words,
            cores=cores,
            root=Path(),
            console=console,
            report=report,
            profiles=profile or [],
            accept_environment=accept_environment,
        )
    except KeyboardInterrupt:
        console.print("stopped; finished runs are kept and the same command goes on from there")
        raise typer.Exit(130) from None
    console.print(
        f"{done.study}: {done.computed} runs computed, {done.finished} taken from the store; "
        f"see {done.report or Path('results', done.study)}",
        soft_wrap=True,
    )
    if done.incomplete:
        console.print(
            f"INCOMPLETE: {done.incomplete} runs hit their wall-clock limit; the same command "
            "computes them again",
            soft_wrap=True,
        )


@app.command()
def plan(
    name: Annotated[str, typer.Argument(help="A file or folder in conf/study.")] = "default",
    overrides: Overrides = None,
    cores: Cores = 2,
    set_env: SetEnv = None,
    accept_environment: AcceptEnvironment = False,
) -> None:
    """Say what is ahead of a study, why, and for how long; write its plan if none is running."""
    from relu_optima.errors import BusyError
    from relu_optima.plan.make import make_plan
    from relu_optima.run.ready import look_ahead, save_plan
    from relu_optima.run.study import show_plan
    from relu_optima.store.acceptance import Acceptance
    from relu_optima.store.locks import study_lock
    from relu_optima.store.records import Store

    results = Path("results")
    keep = Acceptance(Store(results / "store")) if accept_environment else None
    manifest = make_plan(name, all_overrides(overrides, set_env), keep=keep)
    console = wide_console()
    show_plan(manifest, look_ahead(manifest, results), console, cores)
    try:
        with study_lock(results, patience=0.0, certain=True):
            save_plan(manifest, results)
    except BusyError as error:
        console.print(f"the plan was not written: {error.problem}", markup=False, soft_wrap=True)


class Font(StrEnum):
    """Typefaces of a paper; the words of `report.paper.FONTS`."""

    times = "times"
    palatino = "palatino"
    computermodern = "computermodern"


FontOption = Annotated[Font, typer.Option(help="Typeface of the paper.")]


@app.command()
def paper(
    name: Annotated[str, typer.Argument(help="A file or folder in conf/study.")] = "default",
    overrides: Overrides = None,
    cores: Cores = 2,
    font: FontOption = Font.times,
    set_env: SetEnv = None,
) -> None:
    """Write the manuscript of a study: run what is missing of it, then LaTeX."""
    from relu_optima.run.report.typesetting import missing_programs
    from relu_optima.run.study import run_study

    missing = missing_programs()
    if missing:
        print(
            f"no paper: {' and '.join(missing)} not installed (TeX Live has them); all else works"
        )
        return
    console = wide_console()
    words = all_overrides(overrides, set_env)
    done = run_study(
        name, words, cores=cores, root=Path(), console=console, report=False, paper=font.value
    )
    console.print(f"see results/{done.study}/paper/paper.pdf", soft_wrap=True)


@app.command("all")
def all_studies(cores: Cores = 2, font: FontOption = Font.times) -> None:
    """Run every study that needs no data from elsewhere (with a data folder: all), then the paper.

    Killed at any moment, the same command goes on from there; results/index.html lists everything.
    """
    from relu_optima.run.everything import run_everything

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = wide_console()
    try:
        run_everything(cores=cores, font=font.value, root=Path(), console=console)
    except KeyboardInterrupt:
        console.print("stopped; finished runs are kept and the same command goes on from there")
        raise typer.Exit(130) from None


@app.command()
def run(
    stage: Annotated[str, typer.Argument(help=f"One of {', '.join(STAGES)}.")],
    overrides: Overrides = None,
) -> None:
    """Compute one run of one stage through the store and print its row."""
    from relu_optima.plan.make import plan_single_run
    from relu_optima.run.runner import Workshop
    from relu_optima.store.locks import worker_lock
    from relu_optima.store.records import Store

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    manifest = plan_single_run(stage, overrides or [])
    entry = manifest.batches_of(stage)[-1].entries[-1]
    results = Path("results")
    shop = Workshop(manifest, Store(results / "store"))
    with worker_lock(results):
        record, cached = shop.record(entry.run)
        shop.settle()
    console = Console(soft_wrap=True)
    address = f"results/store/{record.run_id}/{record.code_key}"
    row: dict[str, Any] = {
        "status": record.status,
        **record.row,
        "cpu_seconds": round(record.seconds, 3),
        "record": f"{address} ({'was there' if cached else 'new'})",
    }
    width = max(map(len, row))
    for key, value in row.items():
        console.print(f"{key:<{width}}  {value}", markup=False, highlight=False)
