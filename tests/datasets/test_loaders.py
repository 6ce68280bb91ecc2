"""Every loader and preset: valid, deterministic, and what it promises."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from relu_optima.config.plugins import load_plugin, plugin_names
from relu_optima.config.validate import validate_group
from relu_optima.datasets.stage import run, verify
from relu_optima.errors import DataError
from relu_optima.stage import Outcome, Record, Task

CONF = Path(__file__).resolve().parents[2] / "conf" / "dataset"
LARGE = {"anti_diagonal_published"}
NEEDS_FILES = {"uci", "mnist", "cifar_pair", "cifar_classes"}


def values(preset: str) -> dict:
    config = yaml.safe_load((CONF / f"{preset}.yaml").read_text())
    if config.get("pattern") == "${pattern}":
        config["pattern"] = {"family": "lu", "n": 3}
    return config


def presets() -> list[str]:
    names = sorted(p.stem for p in CONF.glob("*.yaml"))
    return [n for n in names if n not in LARGE and values(n)["loader"] not in NEEDS_FILES]


def prepare(config: dict) -> Outcome:
    group = validate_group("dataset", config)
    return run(Task("dataset", "run", {"dataset": group}, 0, {}))


def record(config: dict, outcome: Outcome) -> Record:
    scientific = {"groups": {"dataset": validate_group("dataset", config).scientific()}}
    return Record(
        "run", "code", "dataset", scientific, outcome.status, outcome.row, {}, outcome.arrays
    )


@pytest.mark.parametrize("preset", presets())
def test_presets_load_verify_and_repeat(preset):
    first, second = prepare(values(preset)), prepare(values(preset))
    assert first.row == second.row
    for name, array in first.arrays.items():
        assert array.tobytes() == second.arrays[name].tobytes()
    assert verify(record(values(preset), first), {}) == []
    assert json.dumps(first.row)
    X, y = first.arrays["X_train"], first.arrays["y_train"]
    assert X.dtype == y.dtype == np.float64
    assert X.shape == (first.row["n_train"], first.row["d"])
    if first.row["task"] == "binary":
        assert set(np.unique(y)) == {-1.0, 1.0}


def test_names_are_not_shared_by_different_sources():
    names = {}
    for preset in presets():
        config = values(preset)
        if config["loader"] == "sklearn_bundled":
            name = prepare(config).row["name"]
            assert name not in names, (preset, names[name])
            names[name] = preset
            assert "sha256" in config


@pytest.mark.parametrize("loader", plugin_names("dataset"))
def test_loader_contract(loader):
    plugin = load_plugin("dataset", loader)
    assert plugin.Config.__module__ == plugin.__name__
    assert callable(plugin.load)


def test_verify_finds_a_changed_entry():
    config = values("breast_cancer_wisconsin")
    outcome = prepare(config)
    outcome.arrays["X_train"][3, 4] += 1e-3
    assert verify(record(config, outcome), {})


def test_wrong_digest_is_refused():
    with pytest.raises(DataError, match=r"dataset\.sha256"):
        prepare({**values("digits_2v6"), "sha256": "0" * 64})


def test_whitened_rows_are_orthonormal():
    X = prepare({"loader": "whitened", "n": 5, "d": 8, "seed": 3}).arrays["X_train"]
    assert np.allclose(X @ X.T, np.eye(5), atol=1e-14)
    with pytest.raises(DataError, match=r"dataset\.d"):
        prepare({"loader": "whitened", "n": 5, "d": 4})


def test_low_rank_features_have_that_rank():
    config = {"loader": "planted_relu", "n": 50, "d": 12, "rank": 3, "standardise": False}
    X = prepare(config).arrays["X_train"]
    assert np.linalg.matrix_rank(X) == 3


def test_planted_teacher_explains_noiseless_targets():
    config = {"loader": "planted_relu", "noise": 0.0, "standardise": False}
    arrays = prepare(config).arrays
    fit = np.maximum(arrays["X_train"] @ arrays["teacher_W1"].T, 0) @ arrays["teacher_w2"]
    assert np.allclose(fit, arrays["y_train"])


def test_matrix_targets_are_the_map_of_the_inputs():
    outcome = prepare({"loader": "matrix_target", "size": 4, "n": 30})
    A = outcome.arrays["target_matrix"]
    assert np.array_equal(A, np.fliplr(np.eye(4)))
    assert np.allclose(outcome.arrays["y_train"], outcome.arrays["X_train"] @ A.T)
    assert np.abs(outcome.arrays["X_train"]).max() <= 1
    assert outcome.row["outputs"] == 4
    given = [[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]]
    outcome = prepare({"loader": "matrix_target", "matrix": "given", "given": given, "n": 9})
    assert outcome.arrays["y_train"].shape == (9, 2)
    assert outcome.arrays["X_train"].shape == (9, 3)


def test_attainable_target_is_a_lower_times_upper_product():
    config = {"loader": "matrix_target", "matrix": "lower_times_upper", "size": 5, "n": 9}
    A = prepare(config).arrays["target_matrix"]
    for k in range(1, 5):  # an LU product without pivoting exists if all leading minors are not 0
        assert abs(np.linalg.det(A[:k, :k])) > 1e-12


@pytest.mark.parametrize(
    "change",
    [
        {"matrix": "given"},
        {"given": [[1.0]]},
        {"matrix": "given", "given": [[1.0, 2.0], [1.0]]},
        {"matrix": "given", "given": [[]]},
    ],
)
def test_bad_matrices_are_refused(change):
    with pytest.raises(DataError, match=r"dataset\."):
        prepare({"loader": "matrix_target", **change})


def test_five_points():
    outcome = prepare(values("five_points"))
    assert outcome.arrays["X_train"][:, 0].tolist() == [0, 1, 2, 3, 4]
    assert np.array_equal(outcome.arrays["X_train"][:, 1], np.ones(5))
    with pytest.raises(DataError, match=r"dataset\.x"):
        prepare({"loader": "one_dimensional", "x": [1.0, 2.0]})


def test_one_input_with_ramps_and_with_labels():
    ramps = {"loader": "one_dimensional", "function": "ramps", "bias": False, "n": 400}
    clean = prepare({**ramps, "noise": 0.0, "ramps": 3}).arrays
    x, y = clean["X_train"][:, 0], clean["y_train"]
    slopes = np.diff(y) / np.diff(x)
    kinks = np.abs(np.diff(slopes)) > 1e-6 * np.abs(slopes).max()
    assert 1 <= kinks.sum() <= 6  # three, each between two points that it bends
    other = prepare({**ramps, "noise": 0.0, "ramps": 3, "seed": 1}).arrays
    assert not np.array_equal(other["y_train"], y)
    labels = prepare({"loader": "one_dimensional", "labels": True, "noise": 0.5})
    assert labels.row["task"] == "binary"
    assert set(labels.arrays["y_train"]) == {-1.0, 1.0}


def test_rank_one_data_have_rank_one():
    X = prepare(values("planted_rank_one")).arrays["X_train"]
    assert np.linalg.matrix_rank(X) == 1


def write(folder: Path, text: str) -> dict:
    path = folder / "table.csv"
    path.write_text(text)
    return {"loader": "csv", "path": str(path), "target": "y", "test_fraction": 0.0}


def test_csv_binary_regression_and_options(tmp_path):
    config = write(tmp_path, "a,b,id,y\n1,2.5,p,yes\n2,0.5,q,no\n3,1e-3,r,yes\n")
    config["ignore"] = ["id"]
    outcome = prepare({**config, "standardise": False})
    X, y = outcome.arrays["X_train"], outcome.arrays["y_train"]
    assert X.tolist() == [[1, 2.5], [2, 0.5], [3, 1e-3]]
    assert y.tolist() == [1, -1, 1]
    assert outcome.row["label_coding"] == "-1 = no, +1 = yes"
    flipped = prepare({**config, "standardise": False, "positive": "no"})
    assert flipped.arrays["y_train"].tolist() == (-y).tolist()
    config = write(tmp_path, "a,y\n1,10\n2,9\n3,10\n")
    assert prepare(config).row["label_coding"] == "-1 = 9, +1 = 10"
    assert prepare({**config, "task": "regression"}).row["task"] == "regression"
    config = write(tmp_path, "a;y\n1;10\n2;9\n3;8.5\n")
    outcome = prepare({**config, "delimiter": ";", "standardise_target": True})
    assert abs(outcome.arrays["y_train"].mean()) < 1e-12
    assert outcome.row["target_scale"] == pytest.approx(np.std([10, 9, 8.5]))


@pytest.mark.parametrize(
    ("text", "change", "where"),
    [
        ("", {}, "dataset.path"),
        ("a,y\n", {}, "dataset.path"),
        ("a,y\n1,2\n1,2,3\n", {}, "dataset.path"),
        ("a,y\n1,2,3\n1,2,3\n", {}, "dataset.path"),
        ("a,y\n1,1\nNaN,2\n", {}, "dataset.path"),
        ("a,y\n1,1\n,2\n", {}, "dataset.path"),
        ("a,y\n1,1\nx,2\n", {}, "dataset.path"),
        ("a,y\n1,1\ninf,2\n", {}, "dataset.path"),
        ("a,y\n1,1\n2,1\n", {"task": "binary"}, "dataset.task"),
        ("a,y\n1,1\n2,2\n", {"positive": "3"}, "dataset.positive"),
        ("a,y\n1,1\n2,2\n3,5\n", {"positive": "1"}, "dataset.positive"),
        ("a,y\n1,1\n2,2\n", {"target": "z"}, "dataset.target"),
        ("a,y\n1,1\n2,2\n", {"ignore": ["z"]}, "dataset.ignore"),
        ("a,y\n1,1\n2,2\n", {"path": "missing.csv"}, "dataset.path"),
        ("a,y\n7,1\n7,2\n", {}, "dataset.standardise"),
        ("a,y\n1,1\n2,2\n", {"test_fraction": 0.5}, "dataset.test_fraction"),
    ],
)
def test_bad_tables_give_one_error_that_names_the_key(tmp_path, text, change, where):
    config = {**write(tmp_path, text), **change}
    with pytest.raises(DataError) as caught:
        prepare(config)
    assert where in str(caught.value)


def test_inline_rows_are_returned_as_they_are():
    rows, targets = [[1.0, 2.0], [3.0, 4.5]], [1.0, -2.0]
    data = prepare({"loader": "inline", "rows": rows, "targets": targets}).arrays
    assert data["X_train"].tolist() == rows
    assert data["y_train"].tolist() == targets
    noisy = {"loader": "inline", "rows": rows, "targets": targets, "noise": 0.5}
    one, two = (prepare(noisy | {"seed": k}).arrays["y_train"] for k in (1, 2))
    assert not np.array_equal(one, two)
    assert prepare(noisy | {"seed": 1}).arrays["y_train"].tolist() == one.tolist()
    with pytest.raises(DataError, match="1 targets"):
        prepare({"loader": "inline", "rows": rows, "targets": [1.0]})
    with pytest.raises(DataError, match="one length"):
        prepare({"loader": "inline", "rows": [[1.0], [1.0, 2.0]], "targets": targets})


def test_the_isolated_jump_is_the_printed_one():
    """X = [[1,0,0],[-1,-1/2,sqrt 3.75],[1,1,0]], y = (3,6,4)/sqrt 5."""
    data = prepare(values("isolated_jump")).arrays
    assert data["X_train"][1, 2] == pytest.approx(np.sqrt(3.75), rel=1e-15)
    np.testing.assert_allclose(np.sqrt(5) * data["y_train"], [3, 6, 4], rtol=1e-15)


def test_a_lattice_has_integers_within_reach_and_no_row_of_zeros():
    data = prepare({"loader": "lattice", "n": 200, "d": 1, "reach": 1, "target_reach": 2}).arrays
    assert sorted(set(data["X_train"].ravel())) == [-1, 1]
    assert sorted(set(data["y_train"])) == [-2, -1, 0, 1, 2]


def test_whitened_classes_are_classes_from_two_on():
    config = {"loader": "whitened_classes", "class_sizes": [3, 1], "seed": 0}
    found = prepare(config)
    assert found.row["task"] == "classes"
    assert found.arrays["y_train"].sum(axis=0).tolist() == [3.0, 1.0]
    assert prepare({**config, "class_sizes": [3]}).row["task"] == "regression"


def test_inline_rows_may_have_several_targets():
    config = {"loader": "inline", "rows": [[1.0], [2.0]], "targets": [[1.0, 2.0], [3.0, 4.0]]}
    assert prepare(config).arrays["y_train"].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    noisy = prepare({**config, "noise": 0.1, "seed": 1}).arrays["y_train"]
    assert noisy.shape == (2, 2)
    with pytest.raises(DataError, match=r"dataset\.targets"):
        prepare({**config, "targets": [[1.0, 2.0], [3.0]]})
