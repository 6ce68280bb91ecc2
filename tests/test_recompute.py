"""One run again, beside its record: the same, another, none, or no run at all."""

import dataclasses

import pytest
from typer.testing import CliRunner

from relu_optima.cli import app
from relu_optima.errors import ReluOptimaError
from relu_optima.plan.make import make_plan
from relu_optima.run.runner import Workshop
from relu_optima.store.records import Store
from tests.fabricated import forget, project


@pytest.fixture
def root(tmp_path, monkeypatch):
    yield project(tmp_path)
    forget()


def test_a_run_is_computed_again_and_held_against_its_record(root, monkeypatch):
    monkeypatch.chdir(root)
    plan = make_plan("tiny", root=root)
    run = plan.batches_of("tiny")[0].entries[0].run
    words = ["recompute", "tiny", run]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert "the store holds no record of it" in done.output
    store = Store(root / "results/store")
    assert not store.has(run, plan.runs[run].code_key)
    record, _ = Workshop(plan, store, root=root).record(run)
    assert f"objective {record.row['objective']}" in " ".join(done.output.split())
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert (done.exit_code, "the same result" in done.output) == (0, True)
    store.discard(run, record.code_key)
    other = record.row | {"objective": 1.25 * record.row["objective"], "backend": "another"}
    store.save(dataclasses.replace(record, row=other))
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 1
    said = [line for line in done.output.splitlines() if line.startswith("DIFFERENT")]
    assert said == [
        "DIFFERENT: backend was another",
        f"DIFFERENT: objective was {other['objective']}, by 0.2 relatively",
    ]
    # what is stored stays as it is
    assert store.load(run, record.code_key).row == other
    with pytest.raises(ReluOptimaError, match="no run '000000000000'"):
        CliRunner().invoke(app, [*words[:2], "0" * 12], catch_exceptions=False)
