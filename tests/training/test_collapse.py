"""Deep training reaches the closed forms: value, collapse, balance; normalised, linear nets."""

import itertools

import numpy as np
import pytest
import torch

from relu_optima.config.validate import validate_group
from relu_optima.convex import deep_spline, deep_value
from relu_optima.errors import DataError
from relu_optima.stage import Record
from relu_optima.training import train
from relu_optima.training.collapse import alignment, balance
from relu_optima.training.normalisation import folded, unfolded
from relu_optima.training.objective import Objective
from relu_optima.training.problem import Problem
from relu_optima.training.stack import initial_parameters
from relu_optima.training.stage import run, run_batch, verify

from .cases import dataset, task

LBFGS = {"optimizer": "lbfgs", "epochs": 3000, "log_every": 3000, "metrics": "neural_collapse"}


def classes(depth, sizes, lam, seed, width=5, **values) -> Problem:
    """Make a problem on orthonormal rows."""
    n = sum(sizes)
    X = np.linalg.qr(np.random.default_rng(5).standard_normal((n + 2, n)))[0].T
    Y = np.repeat(np.eye(len(sizes)), sizes, axis=0)
    widths = [n + 2, *[width] * (depth - 1), len(sizes)]
    masks = [np.ones((b, a), np.uint8) for a, b in itertools.pairwise(widths)]
    given = {"method": "static", "biases": False, "dtype": "float64", "lam": lam, **values}
    return Problem(validate_group("training", given), seed, masks, X, Y, lam)


@pytest.mark.parametrize(
    ("depth", "sizes", "lam", "kind"),
    [
        (2, (2, 2, 2), 0.3, {}),
        pytest.param(3, (2, 2), 0.2, {}, marks=pytest.mark.slow),
        (3, (5, 3, 1), 0.1, {}),
        pytest.param(2, (4, 3, 2), 0.5, {"batch_norm": True}, marks=pytest.mark.slow),
        (3, (4, 3, 2), 0.5, {"batch_norm": True}),
        (3, (3, 2, 1), 0.1, {"activation": "linear"}),
    ],
)
def test_eight_starts_reach_the_closed_form_and_collapse(depth, sizes, lam, kind):
    trained = train([classes(depth, sizes, lam, s, **LBFGS, **kind) for s in range(8)])
    best = min(trained, key=lambda t: t.series["objective"][-1])
    if kind.get("activation") == "linear":
        value = deep_value(depth, lam, singular_values=np.sqrt(sizes))
    else:
        value = deep_value(depth, lam, class_sizes=sizes, batch_norm="batch_norm" in kind)
    found = best.series["objective"][-1]
    assert found >= value.lower_bound * (1 - 1e-12)
    assert found == pytest.approx(value.objective, rel=1e-6)
    last = {name: values[-1] for name, values in best.series.items()}
    assert last["nc1"] < 1e-10
    assert last["balance"] < 1e-4
    if "activation" not in kind:
        seen = value.collapse()
        assert last["nc2_norms"] == pytest.approx(seen.nc2_norms, abs=1e-5)
        assert last["nc2_angles"] == pytest.approx(seen.nc2_angles, abs=1e-5)
        assert last["nc3"] == pytest.approx(seen.nc3, abs=1e-5)
        assert last["nc4"] == 0.0
    if "batch_norm" not in kind:
        assert last["alignment"] > 1 - 1e-6


@pytest.mark.parametrize("kind", [{}, {"batch_norm": True}, {"activation": "linear"}])
def test_gradients_agree_with_differences(kind):
    problem = classes(4, (3, 2, 1), 0.1, 0, width=4, **kind)
    objective = Objective(problem)
    size = objective.pack(
        [np.zeros(m.shape) for m in problem.masks], [np.zeros(4)] * (2 * ("batch_norm" in kind))
    ).size
    theta = np.random.default_rng(0).standard_normal(size)
    gradient = objective(theta, 0.1)[1]
    step = 1e-6 * np.eye(size)
    numeric = [(objective(theta + e, 0.1)[0] - objective(theta - e, 0.1)[0]) / 2e-6 for e in step]
    assert np.abs(gradient - numeric).max() < 1e-7 * max(1.0, np.abs(gradient).max())


@pytest.mark.parametrize("kind", [{"batch_norm": True}, {"activation": "linear"}])
def test_a_stack_descends_as_the_objective_says_whoever_shares_it(kind):
    values = {"optimizer": "sgd", "learning_rate": 0.01, "epochs": 1, **kind}
    problem = classes(3, (3, 2), 0.2, 0, **values)
    objective = Objective(problem)
    start = objective.pack(
        *initial_parameters(problem, problem.masks, torch.Generator().manual_seed(0))
    )
    step = 0.01 * 2 / problem.Y.size  # the engine descends on the mean over all entries
    weights, norm = objective.unpack(start - step * objective(start, 0.2)[1])
    after = train([problem])[0]
    assert after.weights[-1] == pytest.approx(weights[-1], rel=1e-12, abs=1e-14)
    if after.norm is None:
        assert after.weights[0] == pytest.approx(weights[0], rel=1e-12, abs=1e-14)
    else:
        assert np.array(after.norm) == pytest.approx(np.array(norm), rel=1e-12, abs=1e-14)
        expected, _ = folded(weights, norm[0], norm[1], problem.X)
        assert after.weights[1] == pytest.approx(expected[1], rel=1e-11, abs=1e-13)
    alone = train([classes(3, (3, 2), 0.2, s, **{**values, "epochs": 20}) for s in (1,)])
    together = train([classes(3, (3, 2), 0.2, s, **{**values, "epochs": 20}) for s in range(3)])
    for first, second in zip(alone[0].weights, together[1].weights, strict=True):
        assert first.tobytes() == second.tobytes()
    # small steps descend along the objective that is logged
    path = train([classes(3, (3, 2), 0.2, 0, **{**values, "epochs": 50})])[0].series["objective"]
    assert np.all(np.diff(path) < 0)


def test_adam_in_a_stack_reaches_the_normalised_optimum():
    value = deep_value(3, 0.5, class_sizes=(4, 3, 2), batch_norm=True).objective
    adam = {"optimizer": "adam", "learning_rate": 0.01, "schedule": "cosine", "epochs": 1500}
    found = train(
        [classes(3, (4, 3, 2), 0.5, s, batch_norm=True, log_every=1500, **adam) for s in range(2)]
    )
    assert min(t.series["objective"][-1] for t in found) == pytest.approx(value, rel=1e-6)


def test_a_normalised_run_is_stored_as_a_plain_network_and_verified():
    data = dataset(loader="whitened_classes", class_sizes=[3, 2, 1], d=7)
    training = {
        "method": "static", "biases": False, "dtype": "float64", "lam": 0.2, "batch_norm": True,
        "metrics": "neural_collapse", "optimizer": "lbfgs", "epochs": 300,
    }  # fmt: skip
    outcome = run(task(data, {"family": "dense", "n_hidden": 6}, training))
    record = Record("r", "c", "training", {}, outcome.status, outcome.row, outcome.series,
                    outcome.arrays)  # fmt: skip
    assert verify(record, {"dataset": data}) == []
    assert outcome.row["nc1"] < 1e-8
    weights = [outcome.arrays[f"W{k}"] for k in range(2)]
    biases = [outcome.arrays[f"b{k}"] for k in range(2)]
    scale, shift = unfolded(weights, biases, data.arrays["X_train"])
    assert scale == pytest.approx(np.abs(outcome.arrays["norm_scale"]), abs=1e-9)
    assert shift == pytest.approx(outcome.arrays["norm_shift"], abs=1e-9)
    squares = np.sum(scale**2) + np.sum(shift**2) + np.sum(weights[1] ** 2)
    fit = 0.5 * outcome.row["loss"] * 18
    assert outcome.row["objective"] == pytest.approx(fit + 0.1 * squares, rel=1e-12)
    record.arrays["norm_shift"] = record.arrays["norm_shift"] + 0.1
    assert verify(record, {"dataset": data})


def test_excess_over_an_upper_bound_is_told_without_calling_it_certified():
    data = dataset(loader="whitened_classes", class_sizes=[2, 2])
    value = deep_value(3, 0.2, class_sizes=[2, 2])
    convex = Record("v", "c", "convex", {}, "ok", {"lam": 0.2, "objective": value.objective,
                                                   "bound": "upper_bound"})  # fmt: skip
    training = {"method": "static", "biases": False, "dtype": "float64", "lam_from": "convex",
                "optimizer": "lbfgs", "epochs": 500}  # fmt: skip
    pattern = {"family": "dense", "n_hidden": 4, "hidden_layers": 2}
    out = run_batch([task(data, pattern, training, s, convex=convex) for s in range(4)])
    assert min(abs(o.row["excess"]) for o in out) < 1e-6
    assert {o.row["certified_objective"] for o in out} == {None}
    best = min(out, key=lambda o: o.row["excess"])
    assert best.series["excess"][-1] == pytest.approx(best.row["excess"], abs=1e-12)


def test_three_layers_cost_less_than_the_spline_of_two():
    x, y, lam = np.array([0.0, 2, 6, 7]), np.array([0.0, 0, 3, 3]), 1e-3
    given = {"method": "static", "dtype": "float64", "lam": lam, "decay_biases": False,
             "optimizer": "lbfgs", "epochs": 2000, "log_every": 2000}  # fmt: skip
    config = validate_group("training", given)
    masks = [np.ones(s, np.uint8) for s in ((4, 1), (4, 4), (1, 4))]
    found = train([Problem(config, s, masks, x[:, None], y[:, None], lam) for s in range(8)])
    best = min(t.series["objective"][-1] for t in found) / lam
    assert best == pytest.approx(1.2382, abs=1e-3)
    bound = deep_spline(x, y, lam, 3).weight_decay_objective / lam
    assert best == pytest.approx(bound, abs=1e-3)
    assert best < 1.5 * 1.5 ** (2 / 3) - 0.5


def test_balance_and_alignment_of_made_layers():
    generator = np.random.default_rng(0)
    U, V, W = (np.linalg.qr(generator.standard_normal((4, 4)))[0] for _ in range(3))
    S = np.diag([2.0, 1.5, 1.0, 0.5])
    aligned = [U @ S @ V.T, W @ S @ U.T]
    assert balance(aligned, relu=False) < 1e-14
    assert alignment(aligned) == pytest.approx(1.0, abs=1e-14)
    crossed = [aligned[0], W @ S @ V.T]
    assert alignment(crossed) < 0.99
    assert balance(crossed, relu=False) > 0.01


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"batch_norm": True, "biases": True}, "biases"),
        ({"batch_norm": True, "activation": "linear"}, "activation"),
        ({"batch_norm": True, "batch_size": 2}, "batch_size"),
        ({"method": "annealed", "activation": "linear", "optimizer": "lbfgs"}, "annealed"),
        ({"metrics": "neural_collapse"}, "one-hot"),
    ],
)
def test_what_does_not_go_together_is_refused(training, words):
    data = dataset(loader="matrix_target", size=3, n=9)
    given = {"method": "static", "biases": False, "dtype": "float64", "epochs": 1, **training}
    with pytest.raises(DataError, match=words):
        run(task(data, {"family": "dense", "n_hidden": 4}, given))
