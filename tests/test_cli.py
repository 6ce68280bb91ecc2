"""The commands for people: answers, exit codes, and one clear error for bad input."""

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from relu_optima import cli

LU = (np.tril(np.ones((3, 3))), np.triu(np.ones((3, 3))))


def relu_optima(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "relu_optima", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def masks(tmp_path):
    for k, mask in enumerate(LU):
        np.save(tmp_path / f"lu{k}.npy", mask)
        np.save(tmp_path / f"dense{k}.npy", np.ones((3, 3)))
    np.save(tmp_path / "one0.npy", LU[0])
    np.save(tmp_path / "one1.npy", np.ones((1, 3)))
    return tmp_path


def test_check_answers_by_exit_code(masks):
    assert relu_optima(masks, "check", "lu0.npy", "lu1.npy").returncode == 1
    assert relu_optima(masks, "check", "dense0.npy", "dense1.npy").returncode == 1
    product = ("--question", "product")
    assert relu_optima(masks, "check", "dense0.npy", "dense1.npy", *product).returncode == 0
    assert relu_optima(masks, "check", "one0.npy", "one1.npy").returncode == 0


def test_check_reads_named_layers_and_explains(masks):
    np.savez(masks / "net.npz", upper=LU[1], lower=LU[0])
    done = relu_optima(masks, "check", "net.npz", "--layers", "lower, upper", "--explain")
    assert done.returncode == 1, done.stderr
    assert done.stdout.index("lower") < done.stdout.index("upper")
    assert "No support was used, so no mask can help" in " ".join(done.stdout.split())
    done = relu_optima(masks, "check", "net.npz", "--layers", "lower,middle")
    assert done.returncode == 2
    assert "--layers: file: net.npz has no array 'middle'" in done.stderr


def test_check_prints_json_with_all_three_answers(masks):
    done = relu_optima(masks, "check", "lu0.npy", "lu1.npy", "--json")
    report = json.loads(done.stdout)
    text = json.dumps(report)
    assert "not_closed" in text
    assert "not_always" in text


def test_check_writes_the_data_set_without_optimum(masks):
    done = relu_optima(masks, "check", "lu0.npy", "lu1.npy", "--dataset-out", "bad.npz")
    assert done.returncode == 1, done.stderr
    with np.load(masks / "bad.npz") as data:
        assert data["X"].shape[0] == data["Y"].shape[0]


@pytest.mark.parametrize(
    "content", [np.array([[0.5, 1]]), np.array([[np.nan, 1]]), np.zeros((0, 2)), np.ones((2, 7))]
)
def test_check_refuses_bad_masks_with_exit_code_2(masks, content):
    np.save(masks / "bad.npy", content)
    done = relu_optima(masks, "check", "bad.npy", "lu1.npy")
    assert done.returncode == 2
    assert done.stderr.startswith("relu-optima: ")
    assert "Traceback" not in done.stderr


def test_check_refuses_a_missing_and_a_truncated_file(masks):
    assert relu_optima(masks, "check", "nowhere.npy", "lu1.npy").returncode == 2
    (masks / "lu0.npy").write_bytes((masks / "lu0.npy").read_bytes()[:90])
    done = relu_optima(masks, "check", "lu0.npy", "lu1.npy")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.fixture
def table(tmp_path):
    generator = np.random.default_rng(0)
    X = generator.standard_normal((40, 3))
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    frame["price"] = np.maximum(X @ [1.0, -1.0, 0.5], 0)
    frame.to_csv(tmp_path / "data.csv", index=False)
    return tmp_path


@pytest.mark.parametrize("formulation", ["relu", "gated"])
def test_solve_writes_a_certified_network(table, formulation):
    done = relu_optima(
        table, "solve", "data.csv", "--target", "price", "--lam", "0.5", "--out", "net.npz",
        "--lam-scale", "absolute", "--formulation", formulation, "--gates", "20",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with np.load(table / "net.npz") as out:
        assert float(out["gap"]) <= 1e-6
        assert ("W1" in out.files) == (formulation == "relu")
        if formulation == "relu":
            data = pd.read_csv(table / "data.csv")
            data = data.iloc[out["rows_train"]]
            assert list(out["columns"]) == ["a", "b", "c"]
            assert "test_mse" in out.files
            X, y = (data[out["columns"]] - out["mean"]) / out["scale"], data["price"].to_numpy()
            X = X.to_numpy()
            fit = np.maximum(X @ out["W1"].T, 0) @ out["w2"]
            weights = (out["W1"] ** 2).sum() + (out["w2"] ** 2).sum()
            value = 0.5 * ((fit - y) ** 2).sum() + 0.25 * weights
            assert value == pytest.approx(float(out["objective"]), rel=1e-9)


def test_solve_says_how_many_patterns_are_distinct_and_scores_labels(tmp_path):
    x = np.linspace(-1, 1, 30)
    kinds = np.where(x > 0.2, "yes", "no")
    frame = pd.DataFrame({"id": range(30), "x": x, "kind": kinds})
    frame.to_csv(tmp_path / "t.csv", index=False)
    done = relu_optima(
        tmp_path, "solve", "t.csv", "--target", "kind", "--out", "n.npz", "--bias",
        "--ignore", "id", "--lam", "0.01",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    row = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    with np.load(tmp_path / "n.npz") as out:
        distinct = out["gates"].shape[1]
        assert list(out["columns"]) == ["x"]
    assert distinct < 50
    assert row["activation_patterns"] == f"{distinct} distinct of 50 sampled"
    assert row["task"] == "binary (-1 = no, +1 = yes)"
    assert (row["n_train"], row["n_test"], row["d"]) == ("24", "6", "2")
    assert float(row["train_accuracy"]) > 0.9
    assert float(row["test_accuracy"]) > 0.5
    assert float(row["lam_fraction"]) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--target", "prize", "--lam", "1"], "no column 'prize'"),
        (["--target", "price", "--lam", "0"], "lam"),
        (["--target", "price", "--lam", "nan"], "lam"),
    ],
)
def test_solve_refuses_bad_options(table, arguments, part):
    done = relu_optima(table, "solve", "data.csv", *arguments, "--out", "net.npz")
    assert done.returncode == 2
    assert part in done.stderr
    assert not (table / "net.npz").exists()


@pytest.mark.parametrize("text", ["", "a,price\n1,x\n", "a,price\n1,\n", "price\n1\n", "a,price\n"])
def test_solve_refuses_bad_tables(tmp_path, text):
    (tmp_path / "data.csv").write_text(text)
    done = relu_optima(
        tmp_path, "solve", "data.csv", "--target", "price", "--lam", "1", "--out", "n.npz"
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr


def test_run_prints_its_row_and_a_hint_for_a_typo(tmp_path):
    done = relu_optima(tmp_path, "run", "convex")
    assert done.returncode == 2
    assert "conf: there is no such folder here" in done.stderr


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "free some disk space"),
        (errno.EROFS, "make the folder writable"),
        (errno.EACCES, "change its permissions"),
    ],
)
def test_what_the_machine_refuses_is_one_message(monkeypatch, capsys, number, fix):
    def refuse():
        raise OSError(number, os.strerror(number), "results/x")

    monkeypatch.setattr(cli, "app", refuse)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    text = capsys.readouterr().err
    assert text.startswith(f"relu-optima: results/x: {os.strerror(number)}")
    assert fix in text
    assert "finished runs are kept" in text
