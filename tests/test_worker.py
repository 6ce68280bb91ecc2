"""Through the store: what may be kept, what is tried again, and what one bad run costs."""

from dataclasses import replace
from pathlib import Path

import pytest

from relu_optima.convex import stage as convex
from relu_optima.errors import ReluOptimaError
from relu_optima.plan.make import plan_single_run
from relu_optima.run.runner import Workshop
from relu_optima.run.supervisor import Watch
from relu_optima.stage import Outcome
from relu_optima.store.records import Store

ROOT = Path(__file__).resolve().parents[1]
OVERRIDES = ["dataset=planted_relu", "dataset.n=20", "dataset.d=3", "convex=gated"]


@pytest.fixture
def shop(tmp_path):
    manifest = plan_single_run("pruning", [*OVERRIDES, "convex.gates.count=5"], ROOT)
    return Workshop(manifest, Store(tmp_path / "store"))


def run_of(shop, stage):
    return next(r.id for r in shop.manifest.runs.values() if r.stage == stage)


def test_nothing_built_on_a_time_limit_is_kept(shop, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(convex, "run", lambda task: Outcome({"objective": 9.0}, "time_limit"))
        record, cached = shop.record(run_of(shop, "pruning"))
    assert (record.status, cached) == ("time_limit", False)
    assert [shop.manifest.runs[r].stage for r, _ in shop.store.addresses()] == ["dataset"]
    again, _ = Workshop(shop.manifest, shop.store).record(run_of(shop, "pruning"))
    assert again.status == "ok"
    assert len(shop.store.addresses()) == 3


def test_a_run_without_its_input_leaves_its_neighbours_side_by_side(tmp_path):
    nets = ["pattern=lu", "pattern.n=2", "training=lu_small", "training.epochs=3"]
    plans = [
        plan_single_run("training", ["dataset=staircase", f"dataset.seed={seed}", *nets], ROOT)
        for seed in range(3)
    ]
    runs = {run.id: run for plan in plans for run in plan.runs.values()}
    trained = [r.id for r in runs.values() if r.stage == "training"]
    data = {r.upstream["dataset"] for r in runs.values() if r.stage == "training"}
    assert (len(trained), len(data)) == (3, 3)
    lost = runs[trained[1]].upstream["dataset"]
    watch = Watch(lost={lost: "the process died"})
    shop = Workshop(replace(plans[0], runs=runs), Store(tmp_path / "store"), watch)
    fresh = shop.compute_together(trained)
    assert list(fresh) == [trained[0], trained[2]]
    with pytest.raises(ReluOptimaError, match="the process died"):
        shop.record(trained[1])
