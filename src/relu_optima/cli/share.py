"""The verbs that share results and check what others shared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relu_optima.cli.shared import app

RemoteArgument = Annotated[str, typer.Argument(help="A folder, or a URL that fsspec opens.")]
RESULTS = Path("results")


@app.command()
def verify(
    files: Annotated[
        list[str], typer.Argument(help="Certificates as JSON, bundles of studies as zip.")
    ],
) -> None:
    """Check certificates and bundles: 0 all proved, 1 one refused, 3 something left unproved."""
    from relu_optima.run.rebuild import rebuild
    from relu_optima.share.verification import main

    if code := main(files, rebuild):
        raise typer.Exit(code)


@app.command()
def bundle(
    study: Annotated[str, typer.Argument(help="A finished study.")],
    to: Annotated[Path | None, typer.Option(help="File to write; default: STUDY.zip.")] = None,
    date: Annotated[
        str | None, typer.Option(help="Day of publication; default: that of the git commit.")
    ] = None,
) -> None:
    """Write a finished study as one archive that strangers verify."""
    from relu_optima.run.provenance import commit_date
    from relu_optima.run.report.page import report_page
    from relu_optima.share.bundle import bundle as write

    day = date or commit_date(Path())
    made = write(study, to or Path(f"{study}.zip"), day, report_page, Path())
    print(f"{made.runs} runs in {made.target}; its checksums hash to {made.checksums}")
    if made.unlicensed:
        print(f"it holds data whose licence is unknown: {', '.join(made.unlicensed)}")


@app.command()
def push(remote: RemoteArgument) -> None:
    """Copy the finished runs that a shared place lacks to it, in packs."""
    from relu_optima.share import packs
    from relu_optima.store.records import Store

    count = packs.push(Store(RESULTS / "store"), packs.open_remote(remote))
    print(f"{count} records pushed to {remote}")


@app.command()
def pull(remote: RemoteArgument) -> None:
    """Take the finished runs of a shared place that are not here: 1 if one was refused."""
    from relu_optima.share import packs
    from relu_optima.store.records import Store

    pulled = packs.pull(Store(RESULTS / "store"), packs.open_remote(remote))
    for line in pulled.refused:
        print(f"REFUSED: {line}")
    print(f"{pulled.records} records pulled from {remote}, {len(pulled.refused)} refused")
    if pulled.refused:
        raise typer.Exit(1)
