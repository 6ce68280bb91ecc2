"""Bad input to each stage, as a run sees it: the right answer or one typed error."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from relu_optima.errors import ConfigError, ReluOptimaError
from relu_optima.plan.make import plan_single_run
from relu_optima.run.runner import Workshop
from relu_optima.store.records import Store

REPOSITORY = Path(__file__).resolve().parents[1]
SMALL = ["dataset=small", "convex.gates.count=6"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(REPOSITORY / "conf", root / "conf")
    (root / "conf/dataset/small.yaml").write_text("loader: planted_relu\nn: 30\nd: 3\n")
    (root / "conf/dataset/table.yaml").write_text("loader: csv\npath: ???\ntarget: y\n")
    (root / "conf/pattern/file.yaml").write_text("family: from_file\npath: ???\n")
    return root


def run(project, stage, *overrides):
    manifest = plan_single_run(stage, overrides, project)
    entry = manifest.batches_of(stage)[-1].entries[-1]
    return Workshop(manifest, Store(project / "store")).record(entry.run)[0]


TABLES = {
    "empty": ("", "dataset"),
    "no rows": ("a,y\n", "dataset"),
    "one class": ("a,y\n1,1\n2,1\n3,1\n", "dataset"),
    "NaN": ("a,y\n1,1\n,-1\n3,1\n", "dataset"),
    "constant features": ("a,y\n1,1\n1,-1\n1,1\n1,-1\n1,1\n", "dataset"),
    "text": ("a,y\nx,1\ny,-1\n", "dataset"),
    "no such target": ("a,z\n1,1\n2,-1\n", "dataset.target"),
}


@pytest.mark.parametrize("name", TABLES)
def test_unusable_tables_give_one_error_that_names_the_key(project, name):
    text, key = TABLES[name]
    path = project / f"{name.replace(' ', '_')}.csv"
    path.write_text(text)
    with pytest.raises(ReluOptimaError, match=key) as caught:
        run(project, "dataset", "dataset=table", f"dataset.path='{path}'", "dataset.task=binary")
    assert type(caught.value).__name__ in ("DataError", "ConfigError")


def test_a_missing_file_is_found_while_planning(project):
    with pytest.raises(ConfigError, match=r"nowhere\.csv"):
        plan_single_run("dataset", ["dataset=table", "dataset.path=nowhere.csv"], project)


def test_files_count_by_content_not_by_place(project):
    ids = []
    for name, text in (
        ("p.csv", "a,y\n1,1\n2,-1\n"),
        ("q.csv", "a,y\n1,1\n2,-1\n"),
        ("r.csv", "a,y\n1,1\n3,-1\n"),
    ):
        (project / name).write_text(text)
        plan = plan_single_run(
            "dataset", ["dataset=table", f"dataset.path='{project / name}'"], project
        )
        ids += list(plan.runs)
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("lam", ["0", "-0.1", ".nan", ".inf", "'x'"])
def test_lam_must_be_positive_and_finite(project, lam):
    with pytest.raises(ConfigError, match=r"convex\.lam"):
        plan_single_run("convex", [*SMALL, f"convex.lam={lam}"], project)


@pytest.mark.parametrize("convex", ["relu", "gated"])
def test_above_lambda_max_the_optimum_is_zero_and_every_stage_copes(project, convex):
    overrides = [*SMALL, f"convex={convex}", "convex.lam=1.5"]
    record = run(project, "convex", *overrides)
    assert record.status == "ok"
    assert record.row["n_active"] == 0
    assert record.row["gap"] == pytest.approx(0, abs=1e-12)
    for stage in ("optimal_set", "pruning", "sensitivity"):
        found = run(project, stage, *overrides)
        assert found.status
        assert found.status in ("ok", "empty", "refused") or found.row, stage


def test_more_neurons_than_data(project):
    record = run(project, "convex", "dataset=small", "dataset.n=8", "convex.gates.count=200")
    assert record.status == "ok"
    assert record.row["n_neurons"] <= 2 * record.row["n_gates"]
    pruned = run(project, "pruning", "dataset=small", "dataset.n=8", "convex.gates.count=200")
    assert pruned.series["n_neurons"].min() <= 8


def test_more_features_than_data(project):
    record = run(project, "convex", "dataset=small", "dataset.n=6", "dataset.d=20", *SMALL[1:])
    assert record.status == "ok"


@pytest.mark.parametrize("zero", [0, 1])
def test_masks_of_zeros_are_refused(project, zero):
    masks = [np.ones((3, 2), np.uint8), np.ones((2, 3), np.uint8)]
    masks[zero][:] = 0
    path = project / f"zeros{zero}.npz"
    np.savez(path, *masks)
    with pytest.raises(ReluOptimaError, match=f"pattern.path: layer {zero + 1}"):
        run(project, "existence", "pattern=file", f"pattern.path='{path}'")


@pytest.mark.parametrize("content", [np.array([[0.5, 1.0]]), np.array([[np.nan, 1.0]])])
def test_masks_must_be_binary(project, content):
    path = project / "grey.npz"
    np.savez(path, content, np.ones((1, 1)))
    with pytest.raises(ReluOptimaError, match=r"pattern\.path"):
        run(project, "existence", "pattern=file", f"pattern.path='{path}'")


def test_matrix_targets_are_refused_by_the_scalar_program(project):
    record = run(project, "convex", "dataset=anti_diagonal", "dataset.size=3", *SMALL[1:])
    assert record.status == "infeasible_input"
    assert "(2000, 3)" in str(record.row["message"])


def test_diverging_training_is_a_row(project):
    record = run(
        project, "training", "dataset=small", "pattern=dense", "training=sgd",
        "training.learning_rate=1000.0", "training.epochs=20",
    )  # fmt: skip
    assert record.status == "diverged"
    assert all(np.isfinite(v).all() for v in record.arrays.values())
