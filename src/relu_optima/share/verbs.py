"""The verbs that share results and check what others shared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command()(verify)


def verify(
    files: Annotated[list[Path], typer.Argument(help="Certificates as JSON.")],
) -> None:
    """Check certificates by the checker that fits in one file: 0 all proved, 1 one refused."""
    from relu_optima.share.certificates_check import main

    if main([str(file) for file in files]):
        raise typer.Exit(1)
