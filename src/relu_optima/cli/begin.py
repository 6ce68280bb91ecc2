"""Commands that begin something: a project, a sweep."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from relu_optima.cli.shared import app


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Its name is that of the project's first study.")],
) -> None:
    """Make a project of one's own: a small study that runs at once."""
    from relu_optima.scaffold.write import init as make

    _say(make(folder), f"cd {folder} && relu-optima study {folder.absolute().name}")


class Kind(StrEnum):
    """What `new` writes."""

    sweep = "sweep"


@app.command()
def new(
    kind: Annotated[Kind, typer.Argument(help="What to write.")],
    name: Annotated[str, typer.Argument(help="Its name: a-z, 0-9 and _.")],
    study: Annotated[
        str, typer.Option(help="For a sweep: the study whose folder it goes to; else its own.")
    ] = "",
) -> None:
    """Write one commented file that works as it stands; nothing is written over."""
    from relu_optima.scaffold.write import new_sweep

    _say(new_sweep(name, Path(), study), f"relu-optima study {study or name}")


def _say(files: list[Path], command: str) -> None:
    for path in files:
        print(f"wrote {path}")
    print(f"next: {command}")
