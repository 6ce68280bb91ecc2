"""A newcomer's trial: what the pages show is written where they say, and a study uses it all."""

import csv
import json

import pytest

from tests.test_docs import BLOCKS
from tests.workflow.conftest import Project

STUDY = """\
title: A newcomer's study
sweeps:
  rings:
    why: Whether a data set from the page works.
    stage: convex
    fixed: {dataset: ring, convex: gated, convex.gates.count: 6, convex.lam_scale: lambda_max}
    grid: {convex.lam: [0.3, 0.1], dataset.width: [0.0, 0.2]}
    show: [objective, gap]
  pruned:
    why: Whether a pruner from the page works.
    stage: pruning
    on: [rings]
    where: {rings.convex.lam: 0.1}
    grid: {pruning: [largest, magnitude]}
figures:
  ticks:
    plot: strip
    sweeps: [rings]
    title: Values
    caption: Certified optimal values.
    category: Test
    x: objective
"""
TRIED = ("src/", "conf/study/default/", "conf/study/quick")  # what this trial writes


def place_of(block) -> str:
    return block.text.splitlines()[0].removeprefix("# ")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_the_pages_show_is_all_it_takes(fresh: Project):
    root = fresh.root
    shown = [b for b in BLOCKS if place_of(b).startswith(TRIED)]
    for block in shown:
        (root / place_of(block)).parent.mkdir(parents=True, exist_ok=True)
        (root / place_of(block)).write_text(block.text + "\n")
    assert {place_of(b).split("/")[-1] for b in shown} >= {
        "ring.py", "largest.py", "strip.py", "noise.yaml", "gap.yaml", "quick.yaml",
    }  # fmt: skip
    (root / "conf/dataset/ring.yaml").write_text("loader: ring\n")
    (root / "conf/pruning/largest.yaml").write_text("method: largest\n")
    (root / "conf/study/mine.yaml").write_text(STUDY)
    assert fresh.study(name="mine") == 2 + 4 + 4  # data sets, programs, prunings
    folder = root / "results/mine"
    rows = list(csv.DictReader((folder / "tables/runs_rings.csv").open()))
    assert len(rows) == 4
    assert all(float(row["gap"]) <= 1e-5 for row in rows)
    assert len(list(csv.DictReader((folder / "figures/ticks.csv").open()))) == 4
    assert (folder / "figures/ticks.pdf").stat().st_size > 1000
    for name in ("default", "quick"):
        fresh.run("plan", name)
    planned = json.loads((root / "results/default/plan.json").read_text())
    assert {"noise", "convex_lambda"} <= set(planned["sweeps"])
    assert {"noise_objective", "lambda_gap"} <= set(planned["figures"])
    assert {"noise_certificates", "runs_noise"} <= set(planned["tables"])
