"""A throw-away project with one sweep of tiny solves, as large as one likes."""

from __future__ import annotations

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
STUDY = """\
title: Load
sweeps:
  load:
    why: Many solves so small that the pipeline around them is what takes the time.
    stage: convex
    fixed: {dataset: load, convex: gated, convex.lam_scale: lambda_max, convex.gates.count: 6}
    grid:
      convex.lam: 0.9,0.8,0.7,0.6,0.5,0.4,0.3,0.2,0.1,0.05
      seed: range(0,SEEDS)
    max_runs: BATCH
tables:
  load:
    table: certificates
    sweeps: [load]
    title: Load
    caption: Certificates of all runs.
    category: Benchmark
    by: [convex.lam, seed]
"""
DATASET = "loader: planted_relu\nn: 24\nd: 3\n"


def make_project(root: Path, runs: int, batch: int) -> None:
    """Write a project whose study ``load`` has some number of runs.

    Parameters
    ----------
    root : Path
        Folder to make.
    runs : int
        Multiple of ten.
    batch : int
        Runs of one job.
    """
    for name in ("conf", "workflow"):
        shutil.copytree(REPOSITORY / name, root / name)
    for name in ("Snakefile", "environment.yml", "requirements.lock"):
        shutil.copy2(REPOSITORY / name, root / name)
    study = STUDY.replace("SEEDS", str(runs // 10)).replace("BATCH", str(batch))
    for kind, text in {"study": study, "dataset": DATASET}.items():
        (root / "conf" / kind / "load.yaml").write_text(text, encoding="utf-8")
