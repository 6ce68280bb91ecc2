"""Stage ``training``: train the network of a pattern on a data set and record what it reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from relu_optima.config.plugins import load_plugin
from relu_optima.errors import DataError
from relu_optima.patterns.masks import check_masks
from relu_optima.stage import Outcome, Record, Task
from relu_optima.training import collapse, measures, normalisation
from relu_optima.training.config import TrainingConfig
from relu_optima.training.growth import behaviour, log_slope
from relu_optima.training.problem import Problem, Trained, canonical_lam, evaluate, linear_product

MEASURES = ("nc1", "nc2_norms", "nc2_angles", "nc3", "nc4", "balance", "alignment")


def run(task: Task) -> Outcome:
    """Train one network."""
    return run_batch([task])[0]


def run_batch(tasks: Sequence[Task]) -> list[Outcome]:
    """Train several networks, side by side where their configs allow."""
    data: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    problems = [_problem(task, data) for task in tasks]
    out: dict[int, Outcome] = {}
    plain: list[int] = []
    for k, (task, problem) in enumerate(zip(tasks, problems, strict=True)):
        # a method with a protocol of its own trains by itself
        special = getattr(load_plugin("training", problem.config.method), "train", None)
        normalisation.check(problem.config, len(problem.masks), len(problem.X), special is not None)
        if problem.config.metrics != "none":
            collapse.check(problem.Y)
        if special is None:
            plain.append(k)
        else:
            out[k] = _outcome(task, problem, special(problem, task.upstream))
    from relu_optima.training.engine import train

    folders = {problems[k].config.checkpoint_dir for k in plain}
    for folder in sorted(folders, key=str):
        chosen = [k for k in plain if problems[k].config.checkpoint_dir == folder]
        trained = train([problems[k] for k in chosen], Path(folder) if folder else None)
        for k, result in zip(chosen, trained, strict=True):
            out[k] = _outcome(tasks[k], problems[k], result)
    return [out[k] for k in range(len(tasks))]


def _problem(task: Task, data: dict[str, tuple[np.ndarray, np.ndarray]]) -> Problem:
    config = task.groups["training"]
    assert isinstance(config, TrainingConfig)
    dataset = task.upstream["dataset"]
    key = f"{dataset.run_id} {dataset.code_key}"
    if key not in data:
        y = dataset.arrays["y_train"]
        data[key] = dataset.arrays["X_train"], y if y.ndim == 2 else y[:, None]
    X, Y = data[key]
    masks = pattern_masks(task, X.shape[1], Y.shape[1])
    target = dataset.arrays.get("target_matrix")
    return Problem(
        config=config,
        seed=task.seed,
        masks=masks,
        X=X,
        Y=Y,
        lam=_lam(task, config, Y),
        target_matrix=target,
        name=f"{task.run_id} {task.code_key}",
    )


def _lam(task: Task, config: TrainingConfig, Y: np.ndarray) -> float:
    given = (config.weight_decay > 0) + (config.lam is not None) + (config.lam_from == "convex")
    if given > 1:
        raise DataError(
            "the penalty is set more than once",
            where="training.weight_decay, training.lam, training.lam_from",
            allowed="one of weight_decay > 0, lam, lam_from=convex",
        )
    if config.lam_from == "convex":
        convex = task.upstream.get("convex")
        if convex is None:
            raise DataError(
                "there is no upstream convex run to take lam from",
                where="training.lam_from",
                fix="name a sweep of stage convex under `on:`, or set training.lam",
            )
        value = convex.row["lam"]
        assert isinstance(value, float)
        return value
    return canonical_lam(config.weight_decay, Y) if config.lam is None else config.lam


def pattern_masks(task: Task, n_in: int, n_out: int) -> list[np.ndarray]:
    """Make the masks of a run; sizes of 0 are taken from the data."""
    existence = task.upstream.get("existence")
    if existence is not None:
        names = [f"mask_{k}" for k in range(len(existence.arrays))]
        masks = [existence.arrays[n] for n in names if n in existence.arrays]
    else:
        pattern = task.groups["pattern"]
        sizes = {"n_in": n_in, "n_out": n_out}
        open_sizes = {k: v for k, v in sizes.items() if getattr(pattern, k, None) == 0}
        pattern = pattern.model_copy(update=open_sizes)
        masks = load_plugin("pattern", getattr(pattern, "family")).masks(pattern)  # noqa: B009
    masks = check_masks(masks, "pattern")
    if (masks[0].shape[1], masks[-1].shape[0]) != (n_in, n_out):
        raise DataError(
            f"the pattern has {masks[0].shape[1]} inputs and {masks[-1].shape[0]} outputs, the "
            f"data have {n_in} features and {n_out} targets",
            where="pattern, dataset",
            fix="choose sizes that agree (family dense takes them from the data)",
        )
    return masks


def _outcome(task: Task, problem: Problem, trained: Trained) -> Outcome:
    dataset = task.upstream["dataset"]
    binary = dataset.row["task"] == "binary"
    row: dict[str, Any] = {
        "method": problem.config.method,
        "optimizer": problem.config.optimizer,
        "activation": problem.config.activation,
        "widths": "-".join(map(str, problem.widths)),
        "lam": problem.lam,
        "weight_decay": 2 * problem.lam / problem.Y.size,
        "epochs_done": trained.epochs,
        **final_values(problem, trained),
        **behaviour(trained.series["epoch"], trained.series["weight_norm"], trained.status),
        **trained.extra,
    }
    half = trained.series["epoch"] >= trained.series["epoch"][-1] / 2
    loss = trained.series["loss"]
    row["loss_slope"] = log_slope(trained.series["epoch"][half], loss[half])
    for part in ("train", "test"):
        X, y = dataset.arrays[f"X_{part}"], dataset.arrays[f"y_{part}"]
        fit = trained.predict(X)
        y = y if y.ndim == 2 else y[:, None]
        row[f"{part}_mse"] = float(np.mean((fit - y) ** 2)) if y.size else None
        if binary:  # an output of exactly 0 decides nothing, so it counts as an error
            row[f"{part}_accuracy"] = float(np.mean(np.sign(fit) == y)) if y.size else None
    row |= {name: float(trained.series[name][-1]) for name in MEASURES if name in trained.series}
    series = {**trained.series, **measures.by_class(problem, trained)}
    convex = task.upstream.get("convex")
    if convex is not None:
        value = convex.row["objective"]
        assert isinstance(value, float)
        proved = convex.row.get("bound", "optimal") == "optimal"
        row["certified_objective"] = value if proved else None
        # deeper than two layers no rescaling is tried: the objective as it is
        rescaled = row["objective_rescaled"]
        best = row["objective"] if rescaled is None else rescaled
        row["excess"] = best / max(value, 1e-300) - 1
        series["excess"] = trained.series["objective"] / max(value, 1e-300) - 1
    arrays = {f"W{k}": w for k, w in enumerate(trained.weights)}
    arrays |= {f"b{k}": b for k, b in enumerate(trained.biases)}
    arrays |= {f"mask_{k}": m for k, m in enumerate(trained.masks)}
    if trained.norm is not None:
        arrays |= {"norm_scale": trained.norm[0], "norm_shift": trained.norm[1]}
    return Outcome(row=row, status=trained.status, series=series, arrays=arrays)


def final_values(problem: Problem, trained: Trained) -> dict[str, Any]:
    """Compute the final objective, norms, density and product error, in float64."""
    size = problem.Y.size
    residual = trained.predict(problem.X) - problem.Y
    loss = float((residual * residual).sum()) / size
    decays = problem.config.decay_biases
    objective = 0.5 * loss * size + 0.5 * problem.lam * trained.squared_norm(biases=decays)
    kept = sum(int(m.sum()) for m in trained.masks)
    row: dict[str, Any] = {
        "loss": loss,
        "loss_relative": loss / problem.mean_square,
        "objective": objective,
        "objective_rescaled": _rescaled(problem, trained, 0.5 * loss * size),
        "weight_norm": trained.squared_norm(biases=False) ** 0.5,
        "parameter_norm": trained.squared_norm(biases=True) ** 0.5,
        "nonzeros": kept,
        "density": kept / sum(m.size for m in trained.masks),
        "n_active": _active(trained),
    }
    if problem.target_matrix is not None:
        A = problem.target_matrix
        gap = np.linalg.norm(linear_product(trained.weights) - A)
        row["product_error"] = float(gap / max(float(np.linalg.norm(A)), 1e-300))
    return row


def _rescaled(problem: Problem, trained: Trained, fit: float) -> float | None:
    if len(trained.weights) != 2 or trained.norm is not None:
        return None
    below = np.square(trained.weights[0]).sum(axis=1)
    constant = 0.0
    if trained.biases and problem.config.decay_biases:  # free biases move along at no cost
        below = below + np.square(trained.biases[0])
        constant = float(np.square(trained.biases[1]).sum())
    above = np.square(trained.weights[1]).sum(axis=0)
    paths = float(np.sqrt(below * above).sum())
    return fit + problem.lam * (paths + 0.5 * constant)


def _active(trained: Trained) -> int:
    """Count hidden neurons of the first layer with weights on both sides above 1e-6 of the top."""
    if len(trained.weights) < 2:
        return 0
    below = np.linalg.norm(trained.weights[0], axis=1)
    above = np.linalg.norm(trained.weights[1], axis=0)
    size = below * above
    return int((size > 1e-6 * max(float(size.max()), 1e-300)).sum())


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored run: masks, sizes, and the final values recomputed from the weights."""
    layers = sum(name.startswith("W") for name in record.arrays)
    weights = [record.arrays[f"W{k}"] for k in range(layers)]
    masks = [record.arrays[f"mask_{k}"] for k in range(layers)]
    biases = [record.arrays[f"b{k}"] for k in range(layers) if f"b{k}" in record.arrays]
    wrong = []
    for k, (W, mask) in enumerate(zip(weights, masks, strict=True)):
        if W.shape != mask.shape:
            wrong.append(f"W{k} and mask_{k} differ in shape")
        elif np.any(W[mask == 0] != 0):
            wrong.append(f"W{k} is not zero outside its mask")
        if not np.isfinite(W).all():
            wrong.append(f"W{k} has NaN or infinite entries")
    if wrong:
        return wrong
    dataset = upstream["dataset"]
    y = dataset.arrays["y_train"]
    X, relu = dataset.arrays["X_train"], record.row.get("activation") != "linear"
    residual = evaluate(weights, biases, X, relu) - y.reshape(y.shape[0], -1)
    loss = float(np.mean(residual**2))
    norm = float(sum((W * W).sum() for W in weights)) ** 0.5
    if "norm_scale" in record.arrays:
        scale, shift = normalisation.unfolded(weights, biases, X)
        gap = np.abs(np.abs(record.arrays["norm_scale"]) - scale).max()
        gap = max(gap, float(np.abs(record.arrays["norm_shift"] - shift).max()))
        if gap > 1e-8 * max(1.0, float(np.abs(shift).max()), float(scale.max())):
            wrong.append("scale and shift are not those of the network on its training rows")
        norm = float(np.sum(scale**2) + np.sum(shift**2) + np.sum(weights[-1] ** 2)) ** 0.5
    for name, value in (("loss", loss), ("weight_norm", norm)):
        stored = record.row[name]
        assert isinstance(stored, float)
        if not np.isclose(stored, value, rtol=1e-9, atol=1e-12):
            wrong.append(f"{name} is {value:.12g}, the row says {stored:.12g}")
    epochs = record.series["epoch"]
    if np.any(np.diff(epochs) <= 0):
        wrong.append("the epochs of the series do not increase")
    return wrong
