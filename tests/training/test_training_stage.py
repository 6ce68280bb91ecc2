"""The stage: records, verification, and errors that name the key."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from relu_optima.config.compose import compose_preset, presets
from relu_optima.config.plugins import load_plugin, plugin_names
from relu_optima.config.validate import validate_group
from relu_optima.errors import DataError
from relu_optima.stage import Record
from relu_optima.training.engine import train
from relu_optima.training.growth import behaviour, log_slope
from relu_optima.training.measures import squared_norms
from relu_optima.training.problem import canonical_lam, evaluate
from relu_optima.training.stage import final_values, run, run_batch, verify

from .cases import dataset, problem, task

CONF = Path(__file__).resolve().parents[2] / "conf"
LU = {"family": "lu", "n": 6}
DENSE = {"family": "dense", "n_hidden": 5}
SHORT = {
    "rigl": {"every_steps": 1},
    "annealed": {"levels": 3},
    "gradient_flow": {"time": 100.0, "points": 5},
}
FAST = {"method": "static", "epochs": 3, "batch_size": 16}


@pytest.fixture(scope="module")
def map_data() -> Record:
    return dataset(loader="matrix_target", size=6, n=60)


@pytest.fixture(scope="module")
def real_data() -> Record:
    return dataset(loader="sklearn_bundled", source="iris", classes=[1, 2])


def record(outcome) -> Record:
    return Record(
        "r", "c", "training", {}, outcome.status, outcome.row, outcome.series, outcome.arrays
    )


@pytest.mark.parametrize("preset", presets(CONF, "training"))
def test_presets_are_valid_and_train(preset, map_data):
    values = compose_preset(CONF, "training", preset)
    validate_group("training", values)
    small = {**values, "epochs": 2, **SHORT.get(values["method"], {})}
    pattern = {**DENSE} if values["method"] == "n_m" else LU
    outcome = run(task(map_data, pattern, small))
    assert verify(record(outcome), {"dataset": map_data}) == []
    json.dumps(outcome.row, allow_nan=False)
    assert len({len(v) for v in outcome.series.values()}) == 1


def test_matrix_targets_on_a_sparse_pattern(map_data):
    outcome = run(task(map_data, LU, FAST))
    assert outcome.row["nonzeros"] == 42
    assert outcome.row["product_error"] > 0
    assert outcome.series["epoch"].tolist() == [0, 1, 2, 3]
    assert np.array_equal(outcome.arrays["mask_0"], np.triu(np.ones((6, 6))))


def test_sizes_of_zero_follow_the_data(real_data):
    outcome = run(task(real_data, DENSE, FAST))
    assert outcome.row["widths"] == "4-5-1"
    assert 0 <= outcome.row["test_accuracy"] <= 1
    weights = [outcome.arrays["W0"], outcome.arrays["W1"]]
    biases = [outcome.arrays["b0"], outcome.arrays["b1"]]
    fit = evaluate(weights, biases, real_data.arrays["X_test"])[:, 0]
    expected = np.mean(np.sign(fit) == real_data.arrays["y_test"])
    assert outcome.row["test_accuracy"] == expected


def test_a_batch_equals_its_runs_alone(real_data):
    tasks = [
        task(real_data, DENSE, {**FAST, "weight_decay": w}, s) for w in (0.0, 0.1) for s in (0, 1)
    ]
    for together, alone in zip(run_batch(tasks), [run(t) for t in tasks], strict=True):
        assert together.row == alone.row
        assert together.arrays.keys() == alone.arrays.keys()
        for name in alone.arrays:
            assert together.arrays[name].tobytes() == alone.arrays[name].tobytes()


def test_canonical_scaling(real_data):
    n = real_data.row["n_train"]
    assert canonical_lam(0.1, np.zeros(n)) == pytest.approx(0.05 * n)
    decay = run(task(real_data, DENSE, {**FAST, "weight_decay": 0.1}))
    lam = run(task(real_data, DENSE, {**FAST, "lam": 0.05 * n}))
    assert decay.row["lam"] == pytest.approx(lam.row["lam"])
    assert decay.row["objective"] == pytest.approx(lam.row["objective"])
    norm2 = decay.row["parameter_norm"] ** 2
    expected = 0.5 * n * decay.row["loss"] + 0.5 * decay.row["lam"] * norm2
    assert decay.row["objective"] == pytest.approx(expected)
    assert decay.row["objective_rescaled"] <= decay.row["objective"] * (1 + 1e-12)


def test_penalty_and_certified_value_of_an_upstream_convex_run(real_data):
    row = {"lam": 2.0, "objective": 10.0}
    convex = Record("v", "c", "convex", {}, "ok", row)
    training = {**FAST, "lam_from": "convex", "biases": False}
    outcome = run(task(real_data, DENSE, training, convex=convex))
    assert outcome.row["lam"] == 2.0
    assert outcome.row["excess"] == pytest.approx(outcome.row["objective_rescaled"] / 10 - 1)


def test_masks_of_an_upstream_existence_run(map_data):
    masks = {"mask_0": np.eye(6, dtype=np.uint8), "mask_1": np.tri(6, dtype=np.uint8)}
    existence = Record("e", "c", "existence", {}, "ok", {}, {}, masks)
    outcome = run(task(map_data, LU, FAST, existence=existence))
    assert np.array_equal(outcome.arrays["mask_1"], masks["mask_1"])


@pytest.mark.parametrize(
    ("pattern", "training", "where"),
    [
        ({"family": "lu", "n": 5}, {}, "pattern"),
        (DENSE, {"lam": 1.0, "weight_decay": 0.1}, "training.lam"),
        (DENSE, {"lam_from": "convex"}, "training.lam_from"),
    ],
)
def test_mistakes_give_one_error_that_names_the_key(map_data, pattern, training, where):
    with pytest.raises(DataError) as caught:
        run(task(map_data, pattern, {**FAST, **training}))
    assert where in str(caught.value)


def test_verify_finds_changed_weights(map_data):
    outcome = run(task(map_data, LU, FAST))
    upstream = {"dataset": map_data}
    for i, j in ((0, 0), (5, 0)):  # inside and outside the mask
        arrays = {name: a.copy() for name, a in outcome.arrays.items()}
        arrays["W0"][i, j] += 0.1
        assert verify(replace(record(outcome), arrays=arrays), upstream)


def test_divergence_is_a_status(map_data):
    outcome = run(task(map_data, LU, {**FAST, "learning_rate": 1e4, "epochs": 50}))
    assert outcome.status == outcome.row["behaviour"] == "diverged"
    assert verify(record(outcome), {"dataset": map_data}) == []
    json.dumps(outcome.row, allow_nan=False)


@pytest.mark.parametrize("method", plugin_names("training"))
def test_method_contract(method, map_data):
    plugin = load_plugin("training", method)
    assert plugin.Config.__module__ == plugin.__name__
    assert callable(getattr(plugin, "rule", None) or getattr(plugin, "train", None))


def test_the_least_objective_among_rescaled_networks():
    """Brute force over the factors c_j of (c_j u_j, a_j / c_j); biases move with their neuron."""
    one = problem((4, 5, 2), lam=0.3, decay_biases=True, biases=True, epochs=3)
    trained = train([one])[0]
    row = final_values(one, trained)
    below = np.square(trained.weights[0]).sum(1) + np.square(trained.biases[0])
    above = np.square(trained.weights[1]).sum(0)
    factors = np.exp(np.linspace(-4, 4, 4001))[:, None]
    least = (factors**2 * below + above / factors**2).min(axis=0).sum()
    fit = 0.5 * np.square(trained.predict(one.X) - one.Y).sum()
    expected = fit + 0.5 * 0.3 * (least + np.square(trained.biases[1]).sum())
    assert row["objective_rescaled"] == pytest.approx(expected, rel=1e-5)
    assert row["objective_rescaled"] < row["objective"]


@pytest.mark.parametrize(("exponent", "verdict"), [(0.12, "growing"), (0.08, "bounded")])
def test_growth_is_a_log_log_slope_above_a_tenth(exponent, verdict):
    epoch = np.arange(0.0, 101.0)
    found = behaviour(epoch, np.maximum(epoch, 0.5) ** exponent, "ok")
    assert found["norm_slope"] == pytest.approx(exponent, abs=1e-9)
    assert found["behaviour"] == verdict


def test_growth_is_judged_by_the_second_half():
    epoch = np.arange(0.0, 101.0)
    found = behaviour(epoch, np.minimum(np.maximum(epoch, 1.0), 50.0), "ok")
    assert found["norm_slope"] == pytest.approx(0.0, abs=1e-12)
    assert found["behaviour"] == "bounded"


def test_slopes():
    x = np.arange(1.0, 50.0)
    assert log_slope(x, 3 * x**0.25) == pytest.approx(0.25)
    uneven = 3 * x**0.25 * np.exp(np.random.default_rng(0).standard_normal(x.size))
    fitted = np.polyfit(np.log(x), np.log(uneven), 1)[0]
    assert log_slope(x, uneven) == pytest.approx(fitted)
    assert log_slope(x[:1], x[:1]) is None
    assert log_slope(x, -x) is None
    epoch = np.arange(0.0, 101.0)
    assert behaviour(epoch, 1 + epoch**0.5, "ok")["behaviour"] == "growing"
    assert behaviour(epoch, 2 - 1 / (1 + epoch), "ok")["behaviour"] == "bounded"
    assert behaviour(epoch, epoch + 1, "diverged")["behaviour"] == "diverged"
    assert behaviour(epoch[:1], epoch[:1], "ok")["behaviour"] == "unclear"


@pytest.mark.parametrize("decays", [False, True])
def test_biases_are_penalised_only_if_they_decay(decays):
    config = SimpleNamespace(batch_norm=False, decay_biases=decays)
    weights, biases = [np.full((2, 2), 2.0)], [np.full(2, 3.0)]
    found = squared_norms(SimpleNamespace(config=config), weights, biases)
    assert found == (16.0, 34.0, 34.0 if decays else 16.0)
