"""Every study that can run here, one after the other, then the paper; an index leads to all."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console

from relu_optima.datasets.files import DATA_VARIABLE
from relu_optima.files import write_atomically
from relu_optima.plan.make import make_plan
from relu_optima.plan.model import Manifest
from relu_optima.plan.study_files import own_studies
from relu_optima.run.ready import look_ahead
from relu_optima.run.report.index import index_page
from relu_optima.run.report.typesetting import missing_programs
from relu_optima.run.study import run_study

PAPER = "default"  # the study whose text is the paper


def run_everything(*, cores: int, font: str, root: Path, console: Console) -> None:
    """Announce what is ahead, run the studies, write the paper and the index."""
    results = root / "results"
    plans = [make_plan(name, root=root) for name in own_studies(root / "conf")]
    here = [p for p in plans if os.environ.get(DATA_VARIABLE) or not needs_data(p)]
    seconds = {p.study: sum(a.seconds for a in look_ahead(p, results)) for p in here}
    for plan in plans:
        ahead = (
            f"about {seconds[plan.study] / 3600:.1f} h of CPU time"
            if plan.study in seconds
            else f"left out: it needs data from elsewhere (set {DATA_VARIABLE})"
        )
        console.print(f"{plan.study}: {ahead}", soft_wrap=True)
    console.print(f"about {sum(seconds.values()) / 3600 / cores:.1f} hours on {cores} cores in all")
    for plan in here:
        run_study(plan.study, [], cores=cores, root=root, console=console)
        _write_index(root)
    missing = missing_programs()
    if missing:
        console.print(f"no paper: {' and '.join(missing)} not installed (TeX Live has them)")
    else:
        run_study(PAPER, [], cores=cores, root=root, console=console, report=False, paper=font)
    _write_index(root)
    console.print("see results/index.html")


def needs_data(plan: Manifest) -> bool:
    """Tell whether a study reads files that do not come with the package."""
    return any("data_dir" in run.groups.get("dataset", {}) for run in plan.runs.values())


def _write_index(root: Path) -> None:
    page = index_page(root / "results")
    write_atomically(root / "results" / "index.html", page.encode("utf-8"))
