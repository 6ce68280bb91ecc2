"""Growth theory of sparse products, and Theorem F's data under annealing."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.cases import dataset, task

from relu_optima.datasets.loaders.staircase import find_clash
from relu_optima.patterns.classes import pattern_classes
from relu_optima.stage import Record
from relu_optima.training.problem import evaluate
from relu_optima.training.stage import run, verify

LU2 = {"family": "lu", "n": 2}
BLOCKS = {"family": "block_diagonal", "blocks": 2, "block_in": 2, "block_hidden": 1, "block_out": 2}


def flow(seed, **values):
    data = dataset(loader="matrix_target", size=2, n=20)
    return run(task(data, LU2, {"method": "gradient_flow", **values}, seed)), data


@pytest.mark.parametrize("seed", range(3))
def test_flow_of_the_two_by_two_problem_has_the_predicted_exponents(seed):
    outcome, data = flow(seed)
    assert outcome.row["norm_exponent"] == pytest.approx(1 / 6, rel=0.05)
    assert outcome.row["loss_exponent"] == pytest.approx(-2 / 3, rel=0.05)
    assert outcome.row["norm_loss_exponent"] == pytest.approx(-1 / 2, rel=0.05)
    assert outcome.row["behaviour"] == "growing"
    # min |theta|^2 is 4 / epsilon
    assert outcome.row["product_gap"] * outcome.row["weight_norm"] ** 2 == pytest.approx(
        4, rel=0.01
    )
    record = Record("r", "c", "training", {}, "ok", outcome.row, outcome.series, outcome.arrays)
    assert verify(record, {"dataset": data}) == []


@pytest.mark.parametrize("lam", [1e-4, 1e-6])
def test_penalised_flow_stops_at_the_predicted_error(lam):
    outcome, _ = flow(0, flow_lam=lam)
    assert outcome.row["product_gap"] == pytest.approx((2 * lam) ** (1 / 3), rel=0.01)
    assert outcome.row["behaviour"] == "bounded"


def test_attainable_target_stays_bounded():
    data = dataset(loader="matrix_target", matrix="identity", size=2, n=20)
    outcome = run(task(data, LU2, {"method": "gradient_flow"}))
    assert outcome.row["product_gap"] < 1e-4
    assert abs(outcome.row["norm_exponent"]) < 1e-3


def test_flow_network_is_linear_on_the_box():
    outcome, data = flow(0, time=1e4)
    arrays = outcome.arrays
    X = data.arrays["X_train"]
    fit = evaluate([arrays["W0"], arrays["W1"]], [arrays["b0"], arrays["b1"]], X)
    assert np.allclose(fit, X @ (arrays["W1"] @ arrays["W0"]).T, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    inputs=st.integers(1, 3),
    hidden=st.integers(1, 4),
    outputs=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_staircase_start_lies_on_the_curve(inputs, hidden, outputs, seed):
    """The stored start fits all but one row exactly, and that one to at most epsilon."""
    pattern = {
        "family": "bernoulli",
        "n_in": inputs,
        "n_hidden": hidden,
        "n_out": outputs,
        "p": 0.7,
        "seed": seed,
    }
    from relu_optima.config.validate import validate_group
    from relu_optima.errors import DataError
    from relu_optima.patterns.families.bernoulli import masks

    try:
        W0, W1 = masks(validate_group("pattern", pattern))
        found = [
            dataset(loader="staircase", pattern=pattern, start_epsilon=eps) for eps in (0.5, 0.01)
        ]
    except DataError:
        return  # a layer without any weight
    live = W0.any(axis=1) & W1.any(axis=0)
    clash = find_clash(W1[:, live])
    feeds = W1[:, live].astype(int)
    pairs = [
        (a, b)
        for a, b in itertools.permutations(range(feeds.shape[1]), 2)
        if (feeds[:, a] & feeds[:, b]).any() and feeds[:, a].sum() > 1
    ]
    assert (clash is not None) == bool(pairs)
    if clash is None:
        assert found[0].row["name"] == "staircase_always"
        return
    for record, eps in zip(found, (0.5, 0.01), strict=True):
        a = record.arrays
        assert a["X_train"].shape[0] == 2 * live.sum() + 1
        assert not np.any(a["start_W0"][W0 == 0])
        assert not np.any(a["start_W1"][W1 == 0])
        fit = evaluate([a["start_W0"], a["start_W1"]], [a["start_b0"], a["start_b1"]], a["X_train"])
        gap = np.abs(fit - a["y_train"])
        assert gap.max() <= eps * (1 + 1e-9)
        assert np.count_nonzero(gap.max(axis=0) > 1e-9) == 1


def anneal(pattern, **data_values):
    data = dataset(loader="staircase", pattern=pattern, **data_values)
    return run(task(data, pattern, {"method": "annealed", "levels": 11}))


@pytest.mark.parametrize(
    "pattern",
    [
        LU2,
        {"family": "dense", "n_in": 1, "n_hidden": 2, "n_out": 2},
        {"family": "atlas", "n_out": 2, "n_in": 2, "n_hidden": 3, "index": 5},
    ],
)
def test_norm_runs_away_on_data_without_optimum(pattern):
    outcome = anneal(pattern)
    assert outcome.row["start"] == "curve"
    assert outcome.row["behaviour"] == "growing"
    assert outcome.row["norm_exponent"] == pytest.approx(1 / 6, rel=0.15)
    assert outcome.row["loss_norm_exponent"] == pytest.approx(-4, rel=0.1)


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        (LU2, {"targets": "attainable"}),
        ({"family": "dense", "n_in": 3, "n_hidden": 4, "n_out": 1}, {}),
        (
            {
                "family": "block_diagonal",
                "blocks": 2,
                "block_in": 2,
                "block_hidden": 1,
                "block_out": 2,
            },
            {},
        ),
    ],
)
def test_norm_stays_bounded_where_an_optimum_exists(pattern, values):
    outcome = anneal(pattern, **values)
    assert outcome.row["behaviour"] == "bounded"
    assert outcome.row["norm_exponent"] < 1e-3


@pytest.mark.slow
def test_annealing_agrees_with_theorem_f_on_every_small_class():
    wrong = []
    for m, n, r in itertools.product((1, 2, 3), (1, 2, 3), (1, 2)):
        sizes = {"family": "atlas", "n_out": m, "n_in": n, "n_hidden": r}
        for index in range(len(pattern_classes(m, n, r))):
            row = anneal({**sizes, "index": index}).row
            if (row["start"] == "curve") != (row["behaviour"] == "growing"):
                wrong.append((m, n, r, index, row["behaviour"], row["norm_exponent"]))
    assert not wrong


@pytest.mark.parametrize("decay", [0.0, 5e-4])
def test_sparse_training_grows_without_decay_and_settles_with_it(decay):
    data = dataset(loader="matrix_target", size=8, n=1000)
    training = {
        "method": "static",
        "learning_rate": 0.1,
        "momentum": 0.9,
        "batch_size": 250,
        "epochs": 800,
        "log_every": 10,
        "weight_decay": decay,
    }
    row = run(task(data, {"family": "ul", "n": 8}, training)).row
    assert row["behaviour"] == ("bounded" if decay else "growing")
    if decay:
        assert row["norm_slope"] < 0.1
