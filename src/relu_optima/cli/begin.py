"""Commands that begin something: a project, a sweep, a plug-in."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from relu_optima.cli.shared import app
from relu_optima.errors import ReluOptimaError


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Its name is that of the project's first study.")],
) -> None:
    """Make a project of one's own: a small study that runs at once."""
    from relu_optima.cli.scaffold.write import init as make

    _say(make(folder), f"cd {folder} && relu-optima study {folder.absolute().name}")


_TRY = {
    "dataset": "relu-optima run dataset dataset={name}",
    "pattern": "relu-optima run existence pattern={name}",
    "pruning": "relu-optima run pruning pruning={name}",
    "figure": "a figure with plot: {name} in a study; its keys: relu-optima options figure.{name}",
}


class Kind(StrEnum):
    """What `new` writes."""

    sweep = "sweep"
    figure = "figure"
    pattern = "pattern"
    pruner = "pruner"
    loader = "loader"


@app.command()
def new(
    kind: Annotated[Kind, typer.Argument(help="What to write.")],
    name: Annotated[str, typer.Argument(help="Its name: a-z, 0-9 and _.")],
    study: Annotated[
        str, typer.Option(help="For a sweep: the study whose folder it goes to; else its own.")
    ] = "",
) -> None:
    """Write one commented file that works as it stands; nothing is written over."""
    from relu_optima.cli.scaffold.write import PLUGIN_KINDS, new_plugin, new_sweep

    if kind is not Kind.sweep:
        if study:
            raise ReluOptimaError(f"a {kind} belongs to no study", where="--study")
        group = PLUGIN_KINDS[kind]
        _say(new_plugin(kind, name, Path()), _TRY[group].format(name=name))
        return
    _say(new_sweep(name, Path(), study), f"relu-optima study {study or name}")


def _say(files: list[Path], command: str) -> None:
    for path in files:
        print(f"wrote {path}")
    print(f"next: {command}")
