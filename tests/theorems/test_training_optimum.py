"""First-order training against the certified optimum: never below, and not far above."""

import numpy as np
import pytest
from tests.training.cases import dataset, task

from relu_optima.convex import enumerate_patterns, solve
from relu_optima.stage import Record
from relu_optima.training.stage import run

LAM = 0.3


@pytest.fixture(scope="module")
def solved():
    data = dataset(loader="planted_relu", n=12, d=2, test_fraction=0.0, standardise=False, seed=4)
    X, y = data.arrays["X_train"], data.arrays["y_train"]
    return data, solve(X, y, enumerate_patterns(X), LAM, tol=1e-8)


@pytest.mark.parametrize(
    "training",
    [
        {"optimizer": "lbfgs", "epochs": 3000, "log_every": 100},
        {"optimizer": "adam", "epochs": 4000, "schedule": "cosine", "learning_rate": 0.02},
        {"optimizer": "sgd", "epochs": 8000, "momentum": 0.9, "learning_rate": 0.05},
    ],
)
def test_trained_networks_stay_above_the_certified_optimum(solved, training):
    data, solution = solved
    common = {"method": "static", "biases": False, "dtype": "float64", "lam": LAM}
    pattern = {"family": "dense", "n_hidden": 40}
    convex = Record("v", "c", "convex", {}, "ok", {"lam": LAM, "objective": solution.objective})
    row = run(task(data, pattern, {**common, "log_every": 1000, **training}, convex=convex)).row
    assert row["objective_rescaled"] >= solution.dual_objective * (1 - 1e-9)
    assert row["objective_rescaled"] <= row["objective"] * (1 + 1e-12)
    assert row["excess"] == pytest.approx(row["objective_rescaled"] / solution.objective - 1)
    assert row["excess"] < 0.02


def test_whitened_training_reaches_the_closed_form():
    data = dataset(loader="whitened", targets=[1.0, -2.0, 3.0, 0.5], d=6)
    training = {
        "method": "static",
        "optimizer": "adam",
        "learning_rate": 0.01,
        "schedule": "cosine",
        "epochs": 5000,
        "log_every": 1000,
        "biases": False,
        "dtype": "float64",
        "lam": 0.4,
    }
    row = run(task(data, {"family": "dense", "n_hidden": 20}, training)).row
    y = np.array([1.0, -2.0, 3.0, 0.5])
    up, down = np.linalg.norm(np.maximum(y, 0)), np.linalg.norm(np.maximum(-y, 0))
    best = 0.5 * y @ y - 0.5 * max(up - 0.4, 0) ** 2 - 0.5 * max(down - 0.4, 0) ** 2
    assert best == pytest.approx(1.92062485, abs=1e-8)
    assert row["objective_rescaled"] >= best * (1 - 1e-9)
    assert row["objective_rescaled"] == pytest.approx(best, rel=1e-4)
