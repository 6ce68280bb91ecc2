"""A finished run read back is the network that was certified, gates and all."""

import numpy as np
import pytest

import relu_optima as ro
from relu_optima.convex import stage
from relu_optima.convex.programs import listed, sparse_relu, vector_gated
from relu_optima.errors import StoreError
from relu_optima.stage import Record, Task
from relu_optima.store.records import Store

RUN, OTHER = "0123456789ab", "ba9876543210"


def data(outputs: int) -> Record:
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((30, 3)), rng.standard_normal((30, outputs))
    arrays = {"X_train": X[:20], "y_train": Y[:20], "X_test": X[20:], "y_test": Y[20:]}
    return Record("a", "b", "dataset", {}, "ok", {"task": "regression"}, arrays=arrays)


@pytest.mark.parametrize(
    ("config", "outputs"),
    [
        (listed.Config(formulation="relu"), 1),
        (listed.Config(formulation="gated"), 1),
        (vector_gated.Config(program="vector_gated"), 2),
    ],
    ids=["relu", "gated", "vector_gated"],
)
def test_the_network_of_a_run_has_the_scores_of_its_row(tmp_path, config, outputs):
    dataset = data(outputs)
    outcome = stage.run(Task("convex", RUN, {"convex": config}, 0, {"dataset": dataset}))
    assert outcome.status == "ok"
    groups = {"convex": config.scientific()}
    record = Record(
        RUN, "c" * 16, "convex", {"groups": groups}, "ok", outcome.row, arrays=outcome.arrays
    )
    Store(tmp_path / "store").save(record)
    run = ro.load(RUN, tmp_path)
    X, Y = dataset.arrays["X_test"], dataset.arrays["y_test"]
    error = run.network.predict(X).reshape(Y.shape) - Y
    assert np.mean(np.sum(error**2, axis=1)) == pytest.approx(outcome.row["test_mse"])
    assert run.certificate["gap"] == outcome.row["gap"]
    assert run.config == groups


def test_a_run_that_is_not_there_is_one_clear_error(tmp_path):
    with pytest.raises(StoreError, match="no record"):
        ro.load(RUN, tmp_path)


@pytest.mark.parametrize("outputs", [1, 2])
def test_networks_with_biases_take_the_raw_inputs(tmp_path, outputs):
    rng = np.random.default_rng(1)
    dataset, mask = data(outputs), np.array([[1, 1, 0], [0, 1, 1], [1, 0, 0]])
    W, b = mask * rng.standard_normal((3, 3)), rng.standard_normal(3)
    V, c = rng.standard_normal((outputs, 3)), rng.standard_normal(outputs)
    arrays = {"W0": W, "b0": b, "W1": V, "b1": c, "mask_0": mask, "mask_1": np.ones_like(V)}
    record = Record(RUN, "d" * 16, "training", {"groups": {}}, "ok", {}, arrays=arrays)
    store = Store(tmp_path / "store")
    store.save(record)
    X, Y = dataset.arrays["X_test"], dataset.arrays["y_test"]
    network = ro.load(RUN, tmp_path).network
    assert network.predict(X) == pytest.approx(np.maximum(X @ W.T + b, 0) @ V.T + c)
    assert repr(network) == f"<ReLU network 3-{3 + outputs}-{outputs} with biases>"
    assert network.balanced().predict(X) == pytest.approx(network.predict(X))

    config = sparse_relu.Config(supports="from_mask", lam=0.1)
    upstream = {"dataset": dataset, "training": record}
    outcome = stage.run(Task("convex", OTHER, {"convex": config}, 0, upstream))
    groups = {"groups": {"convex": config.scientific()}}
    store.save(Record(OTHER, "c" * 16, "convex", groups, "ok", outcome.row, arrays=outcome.arrays))
    error = ro.load(OTHER, tmp_path).network.predict(X) - Y
    assert np.mean(np.sum(error**2, axis=1)) == pytest.approx(outcome.row["test_mse"])


def test_a_linear_network_is_no_shallow_relu_network(tmp_path):
    arrays = {"W0": np.ones((2, 3)), "W1": np.ones((1, 2))}
    row = {"activation": "linear"}
    Store(tmp_path / "store").save(
        Record(RUN, "d" * 16, "training", {"groups": {}}, "ok", row, arrays=arrays)
    )
    with pytest.raises(StoreError, match="no shallow ReLU network"):
        _ = ro.load(RUN, tmp_path).network
