"""Commands that say what there is: studies, presets, the keys of a group."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from relu_optima.cli.shared import app


@app.command("list")
def list_all() -> None:
    """List the studies with what they are about, and the presets of each config group."""
    from relu_optima.config.compose import presets
    from relu_optima.config.plugins import PLUGIN_PACKAGES, plugin_names
    from relu_optima.config.reads import GROUPS
    from relu_optima.plan.study_files import study_titles

    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print("studies (relu-optima study NAME)")
    for name, title in study_titles(Path("conf")).items():
        console.print(f"  {name:<22}  {title}")
    console.print("presets (relu-optima run STAGE GROUP=PRESET; keys: relu-optima options GROUP)")
    for group in GROUPS:
        console.print(f"  {group:<12}  {', '.join(presets(Path('conf'), group))}")
    console.print("kinds of figure and table")
    for group in ("figure", "table"):
        assert group in PLUGIN_PACKAGES
        console.print(f"  {group:<12}  {', '.join(plugin_names(group))}")


@app.command()
def options(
    group: Annotated[str, typer.Argument(help="A config group, or GROUP.PLUGIN: figure.line")],
) -> None:
    """List the keys of a config group: type and range, default, meaning."""
    from relu_optima.config.options import options_of

    console = Console(soft_wrap=True, markup=False, highlight=False)
    for option in options_of(group):
        console.print(f"{option.key}: {option.kind} = {option.default}")
        console.print(f"    {option.meaning}")
