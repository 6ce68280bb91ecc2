"""A study with everything a report shows, published from made-up runs without Snakemake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from relu_optima.config.validate import validate_group
from relu_optima.plan.model import Batch, Entry, Manifest, PlannedRun, Product, SweepInfo
from relu_optima.publish.render import render_figure, render_table
from tests.publish import sweeps

COMMON = {"sweeps": ["lu_training"], "category": "Training"}
GROWS = {"pattern": "lu", "training.weight_decay": 0.0}
FIGURES: dict[str, dict[str, Any]] = {
    "losses": COMMON
    | {"plot": "dots", "title": "Final loss", "caption": "Loss of each run.", "y": "pattern"}
    | {"x": "loss", "hue": "training.weight_decay", "width": "icml_column"}
}
TABLES: dict[str, dict[str, Any]] = {
    "findings": COMMON
    | {"table": "claims", "title": "Findings", "caption": "What the runs say."}
    | {
        "claims": [
            {"claim": "The median loss is below 9.", "kind": "measured", "column": "loss"}
            | {"statistic": "median", "below": 9, "where": GROWS, "figure": "losses"},
            {"claim": "No loss is positive.", "kind": "within", "value": "loss", "most": 0.0},
            {"claim": "The largest is above 9.", "kind": "measured", "column": "loss"}
            | {"statistic": "max", "above": 9},
        ],
        "macros": {"LargestLoss": {"column": "loss", "statistic": "max", "format": "sig3"}},
    },
    "runs_lu_training": COMMON
    | {"table": "runs", "title": "Runs: lu training", "caption": "All.", "category": "Runs"}
    | {"columns": [{"column": "pattern"}, {"column": "seed"}, {"column": "loss"}]},
}


def publish(folder: Path, title: str = "Made up") -> tuple[Manifest, pd.DataFrame]:
    """Write figures and tables to a folder; return the plan and the runs."""
    frames = {"lu_training": sweeps.lu_training()}
    runs = frames["lu_training"]
    products: dict[str, dict[str, Product]] = {}
    for kind, all_of_them in (("figure", FIGURES), ("table", TABLES)):
        (folder / f"{kind}s").mkdir(parents=True, exist_ok=True)
        products[kind] = {}
        for name, values in all_of_them.items():
            config: Any = validate_group(kind, values | {"title": values["title"] + title})
            stem = folder / f"{kind}s" / name
            (render_figure if kind == "figure" else render_table)(frames, config, stem)
            content = config.model_dump(mode="json")
            products[kind][name] = Product(name, content, list(config.sweeps), "0" * 16)
    entries = [Entry(run) for run in runs["run_id"]]
    batch = Batch("lu_training/00000", "lu_training", "training", entries, "0" * 16, [])
    planned = {
        run["run_id"]: PlannedRun(
            run["run_id"], "0" * 16, "training", "0" * 16, "e", int(run["seed"]),
            {"training": {"weight_decay": run["training.weight_decay"]}},
            {"training": {"weight_decay": run["training.weight_decay"]}}, {},
        )
        for _, run in runs.iterrows()
    }  # fmt: skip
    (folder / "timings").mkdir(exist_ok=True)
    (folder / "timings/lu_training.csv").write_text("run_id,cpu_seconds\na,1.5\nb,2.0\n")
    info = SweepInfo("lu_training", "training", f"Why {title}?", [], 1.0, 60.0)
    manifest = Manifest(
        study="made_up", base="made_up", title=title, overrides=[], sweeps={"lu_training": info},
        runs=planned, batches={batch.id: batch},
        figures=products["figure"], tables=products["table"],
        rows="", environments={"e": {"python": "3", "libraries": {"numpy": "2"}, "settings": {}}},
        accepted={},
    )  # fmt: skip
    return manifest, runs


def plan_of(
    frames: dict[str, pd.DataFrame],
    figures: dict[str, dict[str, Any]],
    title: str = "Made up",
    on: dict[str, list[str]] | None = None,
) -> Manifest:
    """Plan what some made-up sweeps would have come from."""
    runs, batches, infos = {}, {}, {}
    for name, frame in frames.items():
        stage = str(frame["stage"].iloc[0])
        for run in frame["run_id"]:
            runs[run] = PlannedRun(run, "0" * 16, stage, "0" * 16, "e", None, {}, {}, {})
        entries = [Entry(run) for run in frame["run_id"]]
        batches[f"{name}/00000"] = Batch(f"{name}/00000", name, stage, entries, "0" * 16, [])
        infos[name] = SweepInfo(name, stage, f"Why {title}?", (on or {}).get(name, []), 1.0, 60.0)
    products = {}
    for name, values in figures.items():
        config: Any = validate_group("figure", values)
        products[name] = Product(name, config.model_dump(mode="json"), config.sweeps, "0" * 16)
    return Manifest(
        study="made_up", base="made_up", title=title, overrides=[], sweeps=infos, runs=runs,
        batches=batches, figures=products, tables={}, rows="", accepted={},
        environments={"e": {"python": "3", "libraries": {}, "settings": {}}},
    )  # fmt: skip


def many(count: int) -> tuple[dict[str, pd.DataFrame], dict[str, list[str]]]:
    """Make two sweeps of many runs with as many columns as real ones, one built on the other."""
    rng = np.random.default_rng(0)
    n = count // 2
    place = np.arange(n)
    certain = pd.DataFrame(
        {
            "run_id": [f"{k:012x}" for k in place], "code_key": "0" * 16, "sweep": "first",
            "stage": "convex", "status": "optimal", "seed": place % 100,
            "dataset": np.array(["diabetes", "digits_2v6"])[place // 100 % 2],
            "convex": np.array(["gated", "relu"])[place // 200 % 2],
            "convex.lam": 10.0 ** -(place // 400),
        }
        | {f"convex.constant_{k}": k for k in range(30)}
        | {f"result_{k}": 10 ** rng.uniform(-9, 3, n) for k in range(40)}
    )  # fmt: skip
    built = certain.rename(columns={c: f"first.{c}" for c in certain if c != "dataset"})
    head = pd.DataFrame(
        {
            "run_id": [f"{n + k:012x}" for k in place], "code_key": "1" * 16, "sweep": "second",
            "stage": "optimal_set", "status": "ok",
        }
    )  # fmt: skip
    own = pd.DataFrame({f"own_{k}": 10 ** rng.uniform(-9, 3, n) for k in range(40)})
    second = pd.concat([head, built.drop(columns=["first.sweep", "first.stage"]), own], axis=1)
    return {"first": certain, "second": second}, {"second": ["first"]}
