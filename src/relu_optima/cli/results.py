"""Commands about what was computed: is it sound, how does it compare."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from relu_optima.cli.shared import app, wide_console
from relu_optima.errors import ReluOptimaError


@app.command()
def doctor(
    file: Annotated[
        Path | None, typer.Argument(help="A table, figure, Parquet file or record, or a run id.")
    ] = None,
    verify: Annotated[bool, typer.Option(help="Re-check every certificate from scratch.")] = True,
    orphans: Annotated[bool, typer.Option("--orphans", help="List records of no plan.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Say what belongs to no plan and could be removed.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --prune: remove it.")] = False,
) -> None:
    """Examine all results, or say where one file comes from and whether it is stale."""
    from relu_optima.audit import doctor as doctors
    from relu_optima.audit.lineage import lineage

    console = Console(soft_wrap=True, markup=False, highlight=False)
    results = Path("results")
    if file is not None:
        for key, value in lineage(file, Path()):
            console.print(f"{key}: {value}")
        return
    if prune:
        _prune(results, console, remove=yes)
        return
    with console.status("examining") as status:
        findings = doctors.examine(
            results,
            verify=verify,
            progress=lambda done, total: status.update(f"examined {done} of {total} records"),
        )
    for line in findings.notes:
        console.print(f"note: {line}")
    for line in findings.problems:
        console.print(f"PROBLEM: {line}")
    if orphans:
        for address in findings.orphans:
            console.print("orphan: results/store/" + "/".join(address))
    counted = ", ".join(f"{n} {what}" for what, n in sorted(findings.counts.items()))
    console.print(f"examined {counted or 'nothing'}: {len(findings.problems)} problems")
    if findings.problems:
        raise typer.Exit(1)


@app.command()
def recompute(
    study: Annotated[str, typer.Argument(help="A study, as its folder below results is called.")],
    run: Annotated[str, typer.Argument(help="Id of one of its runs.")],
) -> None:
    """Compute one run of a study again and compare: 0 the same result, 1 another one."""
    from relu_optima.run.recompute import recompute as again

    console = Console(soft_wrap=True, markup=False, highlight=False)
    done = again(study, run, Path())
    row = {"status": done.record.status, **done.record.row}
    width = max(map(len, row))
    for key, value in row.items():
        console.print(f"{key:<{width}}  {value}")
    if done.stored is None:
        console.print(f"the store holds no record of it; relu-optima study {study} keeps one")
        return
    for name, size in done.changed.items():
        much = "" if size != size else f", by {size:.2g} relatively"
        console.print(f"DIFFERENT: {name} was {done.stored.row.get(name, 'another series')}{much}")
    address = f"results/store/{done.stored.run_id}/{done.stored.code_key}"
    console.print(f"compared with {address}: {'another' if done.changed else 'the same'} result")
    if done.changed:
        raise typer.Exit(1)


def _prune(results: Path, console: Console, *, remove: bool) -> None:
    from relu_optima.audit.doctor import prune
    from relu_optima.store.locks import study_lock
    from relu_optima.store.sharing import users_of_store

    with ExitStack() as locks:
        for folder in users_of_store(results).folders:
            locks.enter_context(study_lock(folder, certain=remove))
        found = prune(results, remove=remove)
    for address in found.records:
        console.print("orphan: results/store/" + "/".join(address))
    for path in found.leftovers:
        console.print(f"half-written: {path}")
    console.print(
        f"{len(found.records)} orphan records and {len(found.leftovers)} half-written files, "
        f"{found.size / 1e6:.1f} MB, "
        + ("removed" if remove else "would be removed by --prune --yes; nothing was changed")
    )


@app.command()
def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Studies; default: all with published numbers that have results."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Print quantiles and reasons of every number too.")
    ] = False,
) -> None:
    """Put published numbers beside ours with verdicts: 0 all compared, 1 some were not run."""
    from relu_optima.reproduce.published import published_studies
    from relu_optima.reproduce.report import reproduce as compare_study
    from relu_optima.reproduce.report import show

    conf, results = Path("conf"), Path("results")
    wanted = names or [n for n in published_studies(conf) if (results / n).is_dir()]
    if not wanted:
        raise ReluOptimaError(
            "no study with published numbers has results",
            allowed=", ".join(published_studies(conf)) or "no study has `published`",
            fix="run one: relu-optima study NAME",
        )
    console = wide_console()
    not_run = 0
    for name in wanted:
        done = compare_study(name, conf, results)
        show(done, console, every=every)
        console.print(f"see results/{name}/reproduce/reproduce.md", soft_wrap=True)
        not_run += done.not_run
    if not_run:
        console.print(f"INCOMPLETE: {not_run} published numbers or statements were not run")
        raise typer.Exit(1)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="A study with results.")],
    second: Annotated[str, typer.Argument(help="Another, say of other overrides.")],
) -> None:
    """Compare two studies cell by cell: every result of every run whose settings both have."""
    from relu_optima.run.report.compare import compare_studies

    console = Console(soft_wrap=True, markup=False, highlight=False)
    for found in compare_studies(first, second, Path("results")):
        console.print(
            f"{found.sweep}: {found.matched} runs in both, {found.only_first} only in {first}, "
            f"{found.only_second} only in {second}; {found.cells} cells compared"
        )
        for column, (count, largest) in found.changed.items():
            size = "" if largest != largest else f", by up to {largest:.2g} relatively"
            console.print(f"  {column} differs in {count}{size}")
