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
    files: Annotated[list[Path], typer.Argument(help="Certificates as JSON.")],
) -> None:
    """Check certificates by the checker that fits in one file: 0 all proved, 1 one refused."""
    from relu_optima.share.certificates_check import main

    if main([str(file) for file in files]):
        raise typer.Exit(1)


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
