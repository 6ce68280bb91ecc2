"""The plug-in: supports from names, lists, files and trained masks; re-checking; tampering."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from relu_optima.convex import stage
from relu_optima.convex.programs.sparse_relu import COLUMNS, Config, source_files
from relu_optima.convex.sparse.by_output import ByOutput, Options
from relu_optima.convex.sparse.solve import solve_sparse
from relu_optima.errors import SolveInputError
from relu_optima.stage import Record, Task
from tests.optimal_set.records import assert_contract

PRESETS = sorted((Path(__file__).parents[3] / "conf" / "convex").glob("sparse_*.yaml"))
MASK = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]])


def dataset(n=30, outputs=1):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal((n + 10, 3)), np.ones(n + 10)])
    y = np.sign(np.maximum(X @ rng.standard_normal((4, outputs)), 0) - 0.5)
    y = y[:, 0] if outputs == 1 else y
    arrays = {"X_train": X[:n], "y_train": y[:n], "X_test": X[n:], "y_test": y[n:]}
    return Record("a", "k", "dataset", {}, "ok", {"task": "binary"}, arrays=arrays)


def trained(mask=MASK, lam=0.3, outputs=1, biases=False, layers=2, seed=1):
    rng = np.random.default_rng(seed)
    out = np.ones((outputs, len(mask)))
    arrays = {"mask_0": mask, "mask_1": out}
    arrays |= {"W0": mask * rng.standard_normal(mask.shape)}
    arrays |= {"W1": rng.standard_normal(out.shape)}
    if layers == 3:
        arrays |= {"mask_2": np.ones((1, outputs)), "W2": np.ones((1, outputs))}
    if biases:
        arrays |= {"b0": np.ones(len(mask)), "b1": np.zeros(outputs)}
    return Record("t", "k", "training", {}, "ok", {"lam": lam}, arrays=arrays)


def run(config, seed=0, **upstream):
    upstream = {"dataset": dataset()} | upstream
    outcome = stage.run(Task("convex", "r", {"convex": config}, seed, upstream))
    groups = {"groups": {"convex": config.model_dump()}}
    record = Record("r", "k", "convex", groups, outcome.status, outcome.row, arrays=outcome.arrays)
    return outcome, record, upstream


@pytest.mark.parametrize("preset", PRESETS, ids=lambda p: p.stem)
def test_presets_are_valid(preset):
    text = preset.read_text()
    assert text.startswith("# ")
    assert set(yaml.safe_load(text)) == set(Config.model_fields)
    Config.model_validate(yaml.safe_load(text))


@pytest.mark.parametrize("supports", ["pairs", "pairs_with_bias", "triples", [[0, 1], [3]]])
def test_a_run_is_certified_scored_and_verifiable(supports):
    outcome, record, upstream = run(Config(supports=supports))
    assert outcome.status == "ok"
    assert outcome.row["exact"]
    assert outcome.row["gap"] <= 1e-6
    assert outcome.row["lam"] == pytest.approx(0.05 * outcome.row["lam_max"])
    assert "test_accuracy" in outcome.row
    assert_contract(outcome)
    assert stage.verify(record, upstream) == []
    shared = {"formulation", "status", "lam", "lam_max", "lam_fraction", "objective"}
    assert shared <= set(outcome.row)
    data = upstream["dataset"].arrays
    own = solve_sparse(data["X_train"], data["y_train"], supports, outcome.row["lam"])
    assert own.objective == pytest.approx(outcome.row["objective"], rel=1e-6)


def test_a_trained_mask_and_its_network():
    config = Config(supports="from_mask", lam=1.0, lam_scale="training", compare=True)
    outcome, record, upstream = run(config, training=trained())
    row = outcome.row
    assert (row["lam"], row["n_supports"], row["n_slots"]) == (0.3, 3, 4)
    assert row["trained_gap"] >= row["trained_excess"] >= 0
    assert row["trained_below"] is False
    assert row["best_dual_objective"] <= row["objective"]
    assert row["mask_excess"] >= -1e-6
    names = {c.name for c in COLUMNS}
    assert {n for n in row if n.startswith(("trained", "best", "mask"))} <= names
    assert_contract(outcome)
    assert stage.verify(record, upstream) == []
    below = replace(record, row=row | {"trained_objective": 0.5 * row["dual_objective"]})
    assert stage.verify(below, upstream)


def test_an_optimal_network_of_the_mask_has_no_excess():
    config = Config(supports="from_mask", lam=1.0, lam_scale="training", tol=1e-9)
    first, _, _ = run(config, training=trained())
    order = np.lexsort(first.arrays["U"].T)
    U, V = first.arrays["U"][order], first.arrays["V"][order]
    mask = (U != 0).astype(int)
    network = Record(
        "t", "k", "training", {}, "ok", {"lam": 0.3},
        arrays={"mask_0": mask, "mask_1": np.ones((1, len(U))), "W0": 3 * U, "W1": V.T / 3},
    )  # fmt: skip
    outcome, record, upstream = run(config, training=network)
    assert abs(outcome.row["trained_excess"]) <= 1e-8
    assert not outcome.row["trained_below"]
    assert outcome.row["attained"]
    assert stage.verify(record, upstream) == []


@pytest.mark.parametrize("sparse_output", [True, False])
def test_several_outputs_are_bracketed(sparse_output):
    """A dense output layer leaves a factor sqrt(K); neurons of one output each leave nothing."""
    config = Config(supports="from_mask", lam=1.0, lam_scale="training", tol=1e-8)
    network = trained(outputs=3)
    if sparse_output:
        out = np.eye(3)[[0, 1, 2, 0, 1]].T
        arrays = network.arrays | {"mask_1": out, "W1": network.arrays["W1"] * out}
        network = replace(network, arrays=arrays)
    outcome, record, upstream = run(config, dataset=dataset(outputs=3), training=network)
    row = outcome.row
    assert outcome.status == "upper_bound"
    assert row["exact"]
    assert row["n_outputs"] == 3
    assert 0 <= row["gap"] <= (1e-8 if sparse_output else 0.7)
    assert row["trained_objective"] >= row["dual_objective"]
    assert row["trained_below"] is False
    assert stage.verify(record, upstream) == []
    for name, change in (("V", lambda a: a[:, ::-1]), ("U", lambda a: 2 * a)):
        bad = replace(record, arrays=record.arrays | {name: change(record.arrays[name])})
        assert stage.verify(bad, upstream)
    bad = replace(record, row=row | {"dual_objective": row["dual_objective"] * 1.001})
    assert stage.verify(bad, upstream)


@pytest.mark.slow
def test_no_network_of_several_outputs_is_below_the_bracket():
    """Forty trained networks of a mask with two outputs, and the bracket that holds them."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(5)
    X, Y, lam = rng.standard_normal((8, 3)), rng.standard_normal((8, 2)), 0.1
    first = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 1, 1], [1, 1, 0]])
    last = np.ones((2, 6))
    program = ByOutput(X, Y, first, last, Options(1000, 10, 0), None)
    solved = program.solve(lam, 1e-9, None, started=0.0)
    found = []
    for seed in range(40):
        start = np.random.default_rng(seed).standard_normal(30)

        def loss(flat):
            W, V = flat[:18].reshape(6, 3) * first, flat[18:].reshape(6, 2)
            error = np.maximum(X @ W.T, 0) @ V - Y
            return 0.5 * np.sum(error**2) + 0.5 * lam * (np.sum(W**2) + np.sum(V**2))

        found.append(minimize(loss, start, method="L-BFGS-B", options={"maxiter": 200}).fun)
    assert solved.dual_objective <= min(found) <= solved.objective * 1.05


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("outputs", [1, 2])
def test_a_mask_of_wide_neurons_is_set_beside_all_of_their_size(outputs, biases):
    """All five sets of four inputs, by drawn patterns: no mask is better than all of its size."""
    rng = np.random.default_rng(6)
    X, y = rng.standard_normal((25, 5)), rng.standard_normal((25, outputs))
    y = y[:, 0] if outputs == 1 else y
    arrays = {"X_train": X, "y_train": y, "X_test": X[:0], "y_test": y[:0]}
    data = Record("a", "k", "dataset", {}, "ok", {"task": "regression"}, arrays=arrays)
    mask = np.array([[1, 1, 1, 1, 0], [0, 1, 1, 1, 1], [1, 0, 0, 0, 0]])
    network = trained(mask, outputs=outputs, biases=biases)
    config = Config(supports="from_mask", lam=0.1, budget=50, count=20, compare=True, tol=1e-5)
    outcome, record, upstream = run(config, dataset=data, training=network)
    row = outcome.row
    assert not row["exact"]
    assert row["largest_support"] == 4 + biases
    assert row["mask_gap"] >= row["mask_excess"] >= -1e-4
    assert 0 < row["best_dual_objective"] < row["best_objective"]
    assert row["trained_gap"] > 0
    assert stage.verify(record, upstream) == []
    many = np.eye(25)[:2] + np.eye(25)[1:3] + np.eye(25)[2:4] + np.eye(25)[3:5]
    wide = rng.standard_normal((10, 25))
    arrays = {"X_train": wide, "y_train": y[:10], "X_test": wide[:0], "y_test": y[:0]}
    large = Record("a", "k", "dataset", {}, "ok", {"task": "regression"}, arrays=arrays)
    network = trained(many.astype(int), outputs=outputs, biases=biases)
    row = run(config, dataset=large, training=network)[0].row
    assert "best_objective" not in row  # 12650 sets of four inputs: too many


@pytest.mark.parametrize("outputs", [1, 2])
def test_biases_are_weights_of_a_constant_input(outputs):
    """A network with biases is one of the program with a column of ones in every support."""
    config = Config(supports="from_mask", lam=0.1)
    rng = np.random.default_rng(4)
    network = trained(outputs=outputs, biases=True)
    b0, b1 = rng.standard_normal(len(MASK)), rng.standard_normal(outputs)
    network = replace(network, arrays=network.arrays | {"b0": b0, "b1": b1})
    outcome, record, upstream = run(config, dataset=dataset(outputs=outputs), training=network)
    row, data = outcome.row, upstream["dataset"].arrays
    assert row["n_slots"] == 5  # a neuron without inputs still has its bias
    assert row["largest_support"] == 3
    W, w = network.arrays["W0"], network.arrays["W1"]
    fit = np.maximum(data["X_train"] @ W.T + b0, 0) @ w.T + b1
    sizes = np.sqrt((W**2).sum(axis=1) + b0**2) * np.linalg.norm(w, axis=0)
    y = data["y_train"].reshape(fit.shape)
    cost = 0.5 * np.sum((fit - y) ** 2) + row["lam"] * (sizes.sum() + np.abs(b1).sum())
    assert row["trained_objective"] == pytest.approx(cost, rel=1e-12)
    assert row["trained_below"] is False
    assert row["trained_excess"] >= 0
    assert stage.verify(record, upstream) == []


def test_a_training_that_diverged_is_not_compared():
    config = Config(supports="from_mask", lam=1.0, lam_scale="training")
    outcome, record, upstream = run(config, training=replace(trained(), status="diverged"))
    assert outcome.status == "ok"
    assert "attained" in outcome.row
    assert not any(name.startswith("trained") for name in outcome.row)
    assert stage.verify(record, upstream) == []


def test_many_inputs_are_drawn_and_say_so():
    rng = np.random.default_rng(3)
    mask = np.ones((3, 6), dtype=int)
    X, y = rng.standard_normal((40, 6)), rng.standard_normal(40)
    arrays = {"X_train": X, "y_train": y, "X_test": X[:0], "y_test": y[:0]}
    data = Record("a", "k", "dataset", {}, "ok", {"task": "regression"}, arrays=arrays)
    config = Config(supports="from_mask", lam=0.1, budget=100, count=40)
    outcome, record, upstream = run(config, seed=5, dataset=data, training=trained(mask))
    assert outcome.status == "sub_program"
    assert not outcome.row["exact"]
    assert outcome.row["n_drawn"] == 1
    assert outcome.row["trained_excess"] > 0
    assert outcome.row["trained_gap"] > outcome.row["trained_excess"]
    assert outcome.row["trained_below"] is False
    assert 0 < outcome.row["all_patterns_bound"] < outcome.row["dual_objective"]
    assert stage.verify(record, upstream) == []
    higher = {"all_patterns_bound": outcome.row["dual_objective"]}
    for change in ({"exact": True}, higher):
        assert stage.verify(replace(record, row=outcome.row | change), upstream)


def test_masks_from_a_file(tmp_path):
    path = tmp_path / "masks.npz"
    np.savez(path, mask_0=MASK.astype(np.uint8), mask_1=np.ones((1, 5), dtype=np.uint8))
    config = Config(supports="file", file=str(path))
    assert source_files(config) == [path]
    outcome, record, upstream = run(config)
    assert outcome.row["n_supports"] == 3
    assert stage.verify(record, upstream) == []
    assert source_files(Config()) == []


@pytest.mark.parametrize(
    ("config", "upstream", "words"),
    [
        (Config(supports="file"), {}, "no file"),
        (Config(supports=[[9]]), {}, "from 0 to 3"),
        (Config(supports="from_mask"), {"training": trained(layers=3)}, "3 layers"),
        (Config(supports="from_mask"), {"training": trained(MASK[:, :2])}, "2 inputs"),
        (
            Config(supports="from_mask", lam_scale="training"),
            {"training": trained(lam=0.0)},
            "weight decay",
        ),
    ],
)
def test_what_cannot_be_solved_is_data(config, upstream, words):
    outcome, record, given = run(config, **upstream)
    assert outcome.status == "infeasible_input"
    assert words in outcome.row["message"]
    assert stage.verify(record, given) == []


def test_a_mask_needs_a_training_run():
    with pytest.raises(SolveInputError, match="training run"):
        run(Config(supports="from_mask"))


@pytest.mark.parametrize(
    ("array", "change"),
    [
        ("U", lambda a: 1.1 * a),
        ("U", lambda a: a + 1.0),
        ("V", lambda a: -a),
        ("support_inputs", lambda a: a[::-1]),
        ("dual", lambda a: 0.5 * a),
    ],
)
def test_tampering_is_found(array, change):
    config = Config(supports="from_mask", lam=1.0, lam_scale="training")
    _, record, upstream = run(config, training=trained())
    bad = replace(record, arrays=record.arrays | {array: change(record.arrays[array])})
    if array == "dual":  # the residual proves the same: a worse dual takes nothing away
        assert stage.verify(bad, upstream) == []
        bad = replace(record, row=record.row | {"dual_objective": record.row["objective"] * 1.01})
    assert stage.verify(bad, upstream)


def test_only_drawn_patterns_depend_on_the_seed():
    assert not Config(supports="pairs").draws()
    assert Config(supports="from_mask").draws()
