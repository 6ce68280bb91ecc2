"""The verbs that Snakemake's rules call; `--help` leaves them out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from relu_optima.cli.shared import PlanOption, app
from relu_optima.stage import STAGES


def _batch_verb(verb: str, stage: str) -> None:
    def command(
        plan: PlanOption,
        batch: Annotated[str, typer.Option("--batch", help="Batch id: <sweep>/<number>.")],
    ) -> None:
        from relu_optima.plan.model import read_manifest
        from relu_optima.run.batch import work
        from relu_optima.run.supervisor import supervised
        from relu_optima.store.layout import results_of
        from relu_optima.store.locks import worker_lock

        logging.basicConfig(level=logging.INFO, format="%(message)s")
        results = results_of(plan)
        with worker_lock(results):
            watch = supervised()
            work(read_manifest(plan), batch, results, Path(), watch)

    command.__doc__ = f"Compute one batch of stage {stage!r} (called by Snakemake)."
    app.command(verb, hidden=True)(command)


for _stage in STAGES.values():
    _batch_verb(_stage.verb, _stage.name)


@app.command("collect_sweep", hidden=True)
def collect_sweep(
    plan: PlanOption, sweep: Annotated[str, typer.Option("--sweep", help="Sweep to collect.")]
) -> None:
    """Join the batches of one sweep (called by Snakemake)."""
    from relu_optima.plan.model import read_manifest
    from relu_optima.run.collect import collect_sweep as collect
    from relu_optima.store.layout import results_of
    from relu_optima.store.locks import worker_lock

    results = results_of(plan)
    with worker_lock(results):
        collect(read_manifest(plan), sweep, results)


@app.command("plot_figure", hidden=True)
def plot_figure(
    plan: PlanOption, figure: Annotated[str, typer.Option("--figure", help="Figure to plot.")]
) -> None:
    """Plot one figure from collected sweeps (called by Snakemake)."""
    from relu_optima.run.publish import publish

    publish(plan, "figure", figure)


@app.command("make_table", hidden=True)
def make_table(
    plan: PlanOption, table: Annotated[str, typer.Option("--table", help="Table to make.")]
) -> None:
    """Make one table from collected sweeps (called by Snakemake)."""
    from relu_optima.run.publish import publish

    publish(plan, "table", table)


@app.command("write_paper", hidden=True)
def write_paper(
    plan: PlanOption, font: Annotated[str, typer.Option("--font", help="Typeface.")] = "times"
) -> None:
    """Write the paper of a study (called by Snakemake)."""
    from relu_optima.run.paper import write_paper as write

    write(plan, Path(), font)
