"""Small problems and records that the tests of this package share."""

import itertools

import numpy as np

from relu_optima.config.validate import validate_group
from relu_optima.datasets.stage import run as prepare
from relu_optima.stage import Record, Task
from relu_optima.training.problem import Problem


def config(**values):
    defaults = {"method": "static", "epochs": 5, "batch_size": 8, "learning_rate": 0.05}
    return validate_group("training", {**defaults, **values})


def problem(widths=(4, 6, 3), rows=30, seed=0, lam=0.0, fill=0.7, target=False, **values):
    generator = np.random.default_rng([seed, 99])
    X = generator.standard_normal((rows, widths[0]))
    A = generator.standard_normal((widths[-1], widths[0]))
    masks = [
        (generator.random((b, a)) < fill).astype(np.uint8) for a, b in itertools.pairwise(widths)
    ]
    for mask in masks:
        mask[0, 0] = 1
    Y = X @ A.T + 0.1 * generator.standard_normal((rows, widths[-1]))
    return Problem(
        config(**values), seed, masks, X, Y, lam, A if target else None, name=f"case {seed}"
    )


def dataset(**values) -> Record:
    group = validate_group("dataset", values)
    out = prepare(Task("dataset", "d", {"dataset": group}, 0, {}))
    scientific = {"groups": {"dataset": group.scientific()}}
    return Record("d", "c", "dataset", scientific, "ok", out.row, {}, out.arrays)


def task(data: Record, pattern: dict, training: dict, seed=0, **upstream) -> Task:
    groups = {
        "pattern": validate_group("pattern", pattern),
        "training": validate_group("training", training),
    }
    return Task("training", f"run {seed}", groups, seed, {"dataset": data, **upstream})


def same(first, second) -> bool:
    """Two `Trained` agree bit for bit."""
    pairs = [
        *zip(first.weights, second.weights, strict=True),
        *zip(first.biases, second.biases, strict=True),
        *zip(first.masks, second.masks, strict=True),
    ]
    if first.series.keys() != second.series.keys() or first.status != second.status:
        return False
    pairs += [(first.series[k], second.series[k]) for k in first.series]
    return all(a.tobytes() == b.tobytes() and a.shape == b.shape for a, b in pairs)
