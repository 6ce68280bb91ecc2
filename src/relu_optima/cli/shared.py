"""The application that all commands join, and the options that several of them have."""

from __future__ import annotations

import os
import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from relu_optima.errors import ReluOptimaError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"relu-optima {version('relu-optima')}")
        raise typer.Exit


@app.callback()
def relu_optima(
    _: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Certified answers about the optima of sparse and shallow ReLU networks."""


PlanOption = Annotated[Path, typer.Option("--plan", help="The study's plan.json.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="key=value in Hydra's override grammar.")
]
SetEnv = Annotated[
    str | None,
    typer.Option(help="Name of an environment variable that holds more key=value words."),
]
AcceptEnvironment = Annotated[
    bool,
    typer.Option(
        "--accept-environment",
        help="Keep what other library versions computed; figures and tables say so.",
    ),
]
Cores = Annotated[int, typer.Option(help="Jobs at a time; each uses one thread.", min=1)]


def all_overrides(words: list[str] | None, variable: str | None) -> list[str]:
    """Join the words of the command line and those of an environment variable."""
    text = os.environ.get(variable, "") if variable else ""
    try:
        return [*(words or []), *shlex.split(text)]
    except ValueError as error:
        raise ReluOptimaError(f"cannot be split into words: {error}", where=str(variable)) from None


def wide_console() -> Console:
    """Return a console as wide as the terminal; in a log file wide enough for the plan."""
    return Console(width=None if sys.stdout.isatty() else 120)
