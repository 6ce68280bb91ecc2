"""Stage ``pruning``: one pruning path of one solved convex program, scored on both data sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from relu_optima.errors import DegenerateError
from relu_optima.optimal_set.polytope import ZERO_TOL
from relu_optima.optimal_set.scores import scores
from relu_optima.optimal_set.stage import NOTHING, describe_record, stored_solution
from relu_optima.pruning.config import PruningConfig
from relu_optima.pruning.path import OBJECTIVE_TOL, PruningPath
from relu_optima.pruning.pruner import EXACT_METHODS, follow, start_of
from relu_optima.stage import Outcome, Scalar

if TYPE_CHECKING:
    from relu_optima.stage import Record, Task


def run(task: Task) -> Outcome:
    """Prune and score."""
    config = task.groups["pruning"]
    assert isinstance(config, PruningConfig)
    optimal = describe_record(task.upstream, config.slack_tol, config.merge_tol)
    if isinstance(optimal, Outcome):
        return optimal
    network = start_of(optimal, stored_solution(task.upstream["convex"]), config)
    try:
        path = follow(optimal, network, config, task.seed)
    except DegenerateError as error:
        return Outcome({"message": " ".join(str(error).split())}, "refused")
    dataset = task.upstream["dataset"]
    data = dataset.arrays
    binary = dataset.row["task"] == "binary"
    series = {
        "n_neurons": path.n_neurons.astype(np.int64),
        "objective": path.objective,
        "penalty": path.penalty,
        "fit_change": path.fit_change,
        "is_optimal": path.is_optimal.astype(np.int64),
    }
    for part in ("train", "test"):
        series |= path.scores(data[f"X_{part}"], data[f"y_{part}"], part, binary=binary)
    arrays = {
        "betas": path.betas,
        "directions": network.directions,
        "signs": network.signs,
        "columns": network.columns,
        "test_features": network.features(data["X_test"]),
    }
    return Outcome(
        row=_row(path, series, config.mode), status=path.status, series=series, arrays=arrays
    )


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored path from the data alone."""
    if record.status in NOTHING:
        return []
    data, convex = upstream["dataset"].arrays, upstream["convex"]
    stored, series = record.arrays, record.series
    betas, lam = stored["betas"], float(convex.row["lam"] or 0.0)
    problems: list[str] = []
    if betas.min(initial=0.0) < 0:
        problems.append("a coefficient is negative")
    columns, features = stored["columns"], stored["test_features"]
    if columns.shape != (len(data["X_train"]), betas.shape[1]):
        return [f"the stored path is not about these {len(data['X_train'])} samples"]
    if convex.row["formulation"] == "relu":
        for name, inputs, given in (
            ("train", data["X_train"], columns),
            ("test", data["X_test"], features),
        ):
            expected = stored["signs"] * np.maximum(inputs @ stored["directions"].T, 0.0)
            if not np.allclose(expected, given, atol=1e-9):
                problems.append(f"{name} features are not the ReLU features of the directions")
    fits = betas @ columns.T
    y = data["y_train"].reshape(-1)
    objective = 0.5 * np.square(fits - y).sum(axis=1) + lam * betas.sum(axis=1)
    binary = "train_accuracy" in series
    expected_series = {"objective": objective} | scores(list(fits), y, "train", binary=binary)
    expected_series |= scores(
        list(betas @ features.T), data["y_test"].reshape(-1), "test", binary=binary
    )
    for name, values in expected_series.items():
        if not np.allclose(values, series[name], rtol=1e-8, atol=1e-12):
            problems.append(f"series {name} differs from a recomputation")
    published = record.row["mode"] == "published"
    sizes = (betas > (0.0 if published else ZERO_TOL * betas[0].sum())).sum(axis=1)
    if not np.array_equal(sizes, series["n_neurons"]):
        problems.append("series n_neurons differs from the stored coefficients")
    moved = np.abs(objective - objective[0]).max() / max(objective[0], 1e-300)
    if record.row["method"] in EXACT_METHODS and moved > 2 * OBJECTIVE_TOL:
        problems.append(f"an exact path changes the objective by {moved:.1e}")
    return problems


def _row(path: PruningPath, series: dict[str, np.ndarray], mode: str) -> dict[str, Scalar]:
    """Summary of a path."""
    optimum = path.optimal
    last_exact = path.last_exact
    change = np.abs(path.objective[path.is_optimal] - optimum.objective).max()
    row: dict[str, Scalar] = {
        "method": path.method,
        "mode": mode,
        "n_start": int(path.n_neurons[0]),
        "n_exact": path.n_exact,
        "n_final": int(path.n_neurons[-1]),
        "n_lower_bound": path.lower_bound,
        "dimension": optimum.dimension,
        "objective": optimum.objective,
        "objective_change": float(change) / max(optimum.objective, 1e-300),
        "penalty_ratio": float(path.penalty[last_exact]) / optimum.penalty
        if optimum.penalty
        else None,
        "fit_error": float(path.fit_change[last_exact]),
        "objective_final": float(path.objective[-1]),
        "refine_residual": optimum.equicorrelation.residual,
    }
    for name in ("train_mse", "test_mse", "train_accuracy", "test_accuracy"):
        if name in series:
            row[f"{name}_start"] = float(series[name][0])
            row[f"{name}_exact"] = float(series[name][last_exact])
            row[f"{name}_area"] = _area(path.n_neurons, series[name])
    return row


def _area(sizes: np.ndarray, values: np.ndarray) -> float | None:
    """Mean score over the budgets 1 .. n_start; None if the path does not reach one neuron."""
    if sizes.size == 0 or sizes.min() > 1:
        return None
    budgets = np.arange(1, max(int(sizes[0]), 1) + 1)
    chosen = [int(np.flatnonzero(sizes <= budget)[0]) for budget in budgets]
    return float(values[chosen].mean())
