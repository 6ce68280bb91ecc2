"""A finished run read back is the network that was certified, gates and all."""

import numpy as np
import pytest

import relu_optima as ro
from relu_optima.convex import stage
from relu_optima.convex.programs import listed, vector_gated
from relu_optima.errors import StoreError
from relu_optima.stage import Record, Task
from relu_optima.store.records import Store

RUN = "0123456789ab"


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
