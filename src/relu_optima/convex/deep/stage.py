"""Runs of stage ``convex`` whose program is a deep network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relu_optima.convex.deep.conditions import rank_one
from relu_optima.convex.deep.counterexample import deep_counterexample
from relu_optima.convex.deep.mirror_cost import spline_cost
from relu_optima.convex.deep.mirrors import deep_spline
from relu_optima.convex.deep.network import DeepNetwork
from relu_optima.convex.deep.scalar import strongest
from relu_optima.convex.deep.solve import DeepSolution, solve_deep
from relu_optima.convex.program_row import canonical_strength, score_row
from relu_optima.errors import SolveInputError
from relu_optima.stage import Outcome, Scalar, Task

if TYPE_CHECKING:
    from relu_optima.convex.programs.deep import Config as DeepConfig
    from relu_optima.convex.programs.deep_search import Config as SearchConfig
    from relu_optima.convex.programs.deep_spline import Config as SplineConfig


def run(task: Task, config: DeepConfig) -> Outcome:
    """Solve a deep network in closed form."""
    dataset = task.upstream["dataset"]
    X, Y = _data(task)
    lam_max = _largest(X, Y, config)
    lam = canonical_strength(config, X, Y, lam_max, task.upstream.get("training"))
    found = solve_deep(
        X, Y, lam, config.depth, neurons=config.neurons, batch_norm=config.batch_norm,
        tol=config.tol,
    )  # fmt: skip
    outputs = found.network.predict(X)
    noise = 1e-9 * max(float(np.linalg.norm(Y)), 1e-300)  # rounding of the outputs
    row: dict[str, Scalar] = {
        "formulation": config.neurons,
        "depth": config.depth,
        "lam": lam,
        "lam_max": lam_max,
        "lam_fraction": lam / lam_max if lam_max > 0 else None,
        "objective": found.objective,
        "dual_objective": found.dual_objective,
        "gap": found.gap,
        "theorem": found.theorem,
        "bound": found.status,
        "n_outputs": Y.shape[1],
        "rank": int(np.linalg.matrix_rank(outputs, tol=noise)),
        "balance": found.network.balance(),
        **score_row(found.network.predict, dataset),
    }
    series = _collapse(found, row)
    return Outcome(
        row=row,
        status="inaccurate" if found.status == "inaccurate" else "ok",
        series=series,
        arrays=network_arrays(found.network),
    )


def _collapse(found: DeepSolution, row: dict[str, Scalar]) -> dict[str, np.ndarray]:
    """Add the predicted collapse to the row; return what there is for each class."""
    if found.value is None or not found.value.class_sizes:
        return {}
    seen = found.value.collapse()
    row |= {
        "nc1": seen.nc1,
        "nc2_norms": seen.nc2_norms,
        "nc2_angles": seen.nc2_angles,
        "nc3": seen.nc3,
        "nc4": seen.nc4,
    }
    sizes = np.array(found.value.class_sizes)
    return {
        "class.index": np.arange(len(sizes)),
        "class.size": sizes,
        "class.scale": found.value.scales,
        "class.norm": seen.norms,
        "class.centred_norm": seen.centred_norms,
    }


def _largest(X: np.ndarray, Y: np.ndarray, config: DeepConfig) -> float:
    """Least strength at which the closed form is zero."""
    depth = 2 if config.batch_norm else config.depth
    split = rank_one(X) if config.neurons == "relu" and not config.batch_norm else None
    if split is None:
        return strongest(float(np.linalg.norm(Y, 2)), depth)
    length = float(np.linalg.norm(split[0]))
    sigma = float(np.linalg.norm(Y.T @ split[0])) / length
    return strongest(sigma, depth) * float(length ** (2.0 / depth))


def search(task: Task, config: SearchConfig) -> Outcome:
    """Look for a network better than the aligned one."""
    X, Y = _data(task)
    classes = len(X)
    if X.shape != Y.shape or not np.array_equal(X, np.eye(classes)) or not np.array_equal(X, Y):
        raise SolveInputError(
            "the data are not X = Y = I", where="dataset", fix="use dataset deep_identity"
        )
    found = deep_counterexample(
        config.depth, classes, config.lam, starts=config.starts, seed=task.seed
    )
    return Outcome(
        row={
            "formulation": "relu",
            "depth": config.depth,
            "classes": classes,
            "lam": config.lam,
            "objective": found.found,
            "dual_objective": found.lower_bound,
            "gap": (found.found - found.lower_bound) / max(found.lower_bound, 1e-300),
            "aligned_objective": found.aligned,
            "saving": max(1.0 - found.found / found.aligned, 0.0),
            "beaten": found.beaten,
            "origin": found.origin,
            "bound": "optimal" if config.depth == 2 else "upper_bound",
        },
        arrays=network_arrays(found.network),
    )


def spline(task: Task, config: SplineConfig) -> Outcome:
    """Solve the lasso over mirrored ramps."""
    dataset = task.upstream["dataset"]
    X, Y = _data(task)
    if X.shape[1] != 1 or Y.shape[1] != 1:
        raise SolveInputError(
            f"{X.shape[1]} inputs and {Y.shape[1]} outputs",
            where="dataset",
            allowed="one of each",
            fix="set dataset.bias=false: biases here are free",
        )
    found = deep_spline(X[:, 0], Y[:, 0], config.lam, config.depth, tol=config.tol)
    network = found.network()
    decayed = {f"decay_{k}": v for k, v in network_arrays(found.weight_decay_network()).items()}
    return Outcome(
        row={
            "formulation": "relu",
            "depth": config.depth,
            "lam": config.lam,
            "objective": found.objective,
            "dual_objective": found.dual_objective,
            "gap": found.gap,
            "path_norm": found.path_norm,
            "branches": len(found.branches),
            "interpolation_cost": spline_cost(found.x, found.y, config.depth),
            "weight_decay_objective": found.weight_decay_objective,
            **score_row(network.predict, dataset),
        },
        status="ok" if found.status == "optimal" else found.status,
        series={"point.x": found.x, "point.y": found.y, "point.fit": found.values},
        arrays={**network_arrays(network), **decayed, "dual": found.dual, "values": found.values},
    )


def network_arrays(network: DeepNetwork) -> dict[str, np.ndarray]:
    """Name the arrays of a network as the store keeps them."""
    arrays = {f"W{k}": W for k, W in enumerate(network.weights)}
    arrays |= {f"b{k}": b for k, b in enumerate(network.biases)}
    if network.norm is not None:
        arrays |= {"norm_scale": network.norm.scale, "norm_shift": network.norm.shift}
    return arrays


def _data(task: Task) -> tuple[np.ndarray, np.ndarray]:
    arrays = task.upstream["dataset"].arrays
    Y = np.asarray(arrays["y_train"], dtype=np.float64)
    return arrays["X_train"], Y if Y.ndim == 2 else Y[:, None]
