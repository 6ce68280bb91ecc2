"""Result columns: declared by each stage, complete, and nothing else is ever collected."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from relu_optima.config.plugins import PLUGIN_PACKAGES, plugin_names
from relu_optima.errors import StoreError
from relu_optima.plan.code_key import SourceTree
from relu_optima.plan.columns import SweepColumns
from relu_optima.plan.make import plan_single_run
from relu_optima.publish.declared import IDENTITY, every_column, plugin_columns, stage_columns
from relu_optima.publish.typeset import latex_text
from relu_optima.run.batch import work
from relu_optima.run.collect import _joined, collect_sweep
from relu_optima.run.runner import Workshop
from relu_optima.stage import STAGES
from relu_optima.store.parquet import parquet_bytes, read_table
from relu_optima.store.records import Store
from tests.result_columns_page import PAGE, page

REPOSITORY = Path(__file__).resolve().parents[1]
SMALL = ["dataset=small", "convex.gates.count=6"]
SPLIT = ["dataset.test_fraction=0.3", "dataset.validation_fraction=0.3"]
SOLVED = [*SMALL, *SPLIT]
FLOW = ["dataset=anti_diagonal", "pattern=lu", "pattern.n=10"]
# stage -> overrides of its runs: the usual one first, then those that have more columns
RUNS = {
    "dataset": [["dataset=small"], ["dataset=small", *SPLIT]],
    "existence": [["pattern=lu"], ["pattern=dense_4"]],
    "training": [
        ["dataset=small", "pattern=dense", "training=adam", "training.epochs=3"],
        [*FLOW, "training=annealed", "training.levels=3", "training.epochs=5"],
        [*FLOW, "training=gradient_flow", "training.time=100", "training.points=5"],
    ],
    "convex": [SOLVED, [*SOLVED, "convex=relu"], [*SOLVED, "convex.backend=clarabel"]],
    "optimal_set": [SOLVED, [*SOLVED, "optimal_set.tuning=exact"]],
    "pruning": [SOLVED, [*SOLVED, "pruning=magnitude"]],
    "sensitivity": [
        [*SOLVED, "sensitivity.n_lams=4"],
        [*SOLVED, "sensitivity.n_lams=4", "sensitivity.path=trace", "sensitivity.folds=2"],
    ],
}
KINDS = {"number": (int, float), "text": (str,), "flag": (bool,)}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(REPOSITORY / "conf", root / "conf")
    (root / "conf/dataset/small.yaml").write_text("loader: planted_relu\nn: 30\nd: 3\n")
    return root


def planned(project, stage, overrides):
    manifest = plan_single_run(stage, overrides, project)
    sweep = "datasets" if stage == "dataset" and stage not in manifest.sweeps else stage
    return manifest, sweep, manifest.batches_of(sweep)[-1].entries[-1].run


@pytest.mark.parametrize(
    ("stage", "overrides"), [(s, o) for s, several in RUNS.items() for o in several]
)
def test_a_stage_returns_what_it_declares(project, stage, overrides):
    manifest, sweep, run = planned(project, stage, overrides)
    record, _ = Workshop(manifest, Store(project / "store")).record(run)
    declared = {c.column: c for c in SweepColumns.of_plan(manifest).results(sweep)}
    row = {k: v for k, v in record.row.items() if k not in {c.name for c in IDENTITY}}
    found = {*row, *(f"series.{n}" for n in record.series)}
    assert "message" not in found, record.row
    assert found - set(declared) == set(), "not declared"
    always = {name for name, c in declared.items() if not c.when}
    assert always - found == set(), "declared for every run, and missing"
    for name, value in row.items():
        plain = value.item() if isinstance(value, np.generic) else value
        right = plain is None or type(plain) in KINDS[declared[name].kind]
        assert right, f"{name} is {value!r}, declared as {declared[name].kind}"


def test_every_stage_declares_and_every_declaration_is_complete():
    for stage in STAGES:
        names = [c.column for c in stage_columns(stage)]
        assert len(names) == len(set(names)) > 5, stage
    for column in every_column():
        assert column.about.endswith("."), column.name
        assert "\n" not in column.about
        assert "U+" not in latex_text(column.heading), column.heading


def test_a_name_means_the_same_in_every_stage():
    seen = {}
    for stage in STAGES.values():
        columns = list(stage_columns(stage.name))
        for group in stage.groups:
            if group in PLUGIN_PACKAGES:
                columns += [c for n in plugin_names(group) for c in plugin_columns(group, n)]
        for column in columns:
            assert seen.setdefault(column.name, column).heading == column.heading
            assert seen[column.name].unit == column.unit


def test_a_better_label_makes_no_run_and_no_product_new():
    tree = SourceTree()
    declarations = {f"{s.package}.columns" for s in STAGES.values()}
    entries = [f"{s.package}.stage" for s in STAGES.values()]
    for group, (package, _) in PLUGIN_PACKAGES.items():
        entries += [f"{package}.{name}" for name in plugin_names(group)]
    for entry in [*entries, "relu_optima.publish.render"]:
        assert tree.closure([entry]) & declarations == set(), entry


@pytest.fixture
def worked(project, tmp_path):
    manifest, _, _ = planned(project, "convex", SMALL)
    for batch in manifest.batches:
        work(manifest, batch, tmp_path, project)
    return manifest, tmp_path


def test_collected_sweeps_hold_every_declared_column(worked):
    manifest, results = worked
    frame, _ = read_table(collect_sweep(manifest, "convex", results), "")
    assert set(frame.columns) == set(SweepColumns.of_plan(manifest).of("convex"))
    assert frame["n_iterations"].isna().all()  # of another backend
    assert frame["objective"].notna().all()


def test_collect_refuses_what_nothing_declares(worked, monkeypatch):
    import relu_optima.convex.columns as declared

    manifest, results = worked
    kept = tuple(c for c in declared.COLUMNS if c.name != "kkt_residual")
    monkeypatch.setattr(declared, "COLUMNS", kept)
    with pytest.raises(StoreError, match="kkt_residual") as caught:
        collect_sweep(manifest, "convex", results)
    assert "relu_optima.convex.columns" in caught.value.fix


def test_upstream_columns_join_with_the_name_of_their_sweep(project):
    manifest, _, _ = planned(project, "pruning", SMALL)
    names = SweepColumns.of_plan(manifest).of("pruning")
    for name in ("convex.convex.lam", "convex.objective", "convex.status", "dataset.n", "n_exact"):
        assert name in names
    assert "convex.series.n_neurons" not in names
    assert "convex.dataset.n" not in names


def test_columns_of_a_plugin_are_those_of_its_runs_only(project):
    plain = ["dataset=small", "pattern=dense"]
    manifest, _, _ = planned(project, "training", [*plain, "training=adam"])
    assert "lam_final" not in SweepColumns.of_plan(manifest).of("training")
    run = next(r for r in manifest.runs.values() if r.stage == "training")
    groups = run.groups | {"training": run.groups["training"] | {"method": "annealed"}}
    runs = manifest.runs | {run.id: replace(run, groups=groups)}
    assert "lam_final" in SweepColumns.of_plan(replace(manifest, runs=runs)).of("training")


def test_the_page_of_result_columns_is_what_stages_declare():
    written = (REPOSITORY / PAGE).read_text(encoding="utf-8")
    assert written == page(), "run: python -m tests.result_columns_page"


def test_a_key_that_is_a_list_of_one_loader_and_a_number_of_another_is_text():
    first = pd.DataFrame({"run_id": ["a", "b"], "dataset.classes": ["[0,1]", None]})
    second = pd.DataFrame({"run_id": ["c", "d"], "dataset.classes": [3.0, float("nan")]})
    whole = _joined([first, second], [])
    assert whole["dataset.classes"].fillna("").tolist() == ["[0,1]", "", "3", ""]
    parquet_bytes(whole, {})
    alone = _joined([second], [])
    assert alone["dataset.classes"].dtype == float
