"""Through the store: what may be kept, what is tried again, and what one bad run costs."""

from pathlib import Path

import pytest

from relu_optima.convex import stage as convex
from relu_optima.plan import plan_single_run
from relu_optima.stage import Outcome
from relu_optima.store import Store
from relu_optima.workshop import Workshop

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
