"""Fixed masks, L-BFGS, and a penalty that falls to (almost) nothing: does the norm run away?

Where the infimum is not attained, the penalised optimum leaves every bounded set as λ falls: with
``loss ~ ε²`` at ``‖θ‖² ~ 1/ε`` it has ``‖θ‖ ~ λ^{-1/6}`` and ``loss ~ ‖θ‖^{-4}``. Where an optimum
exists, the norm converges. Plain descent stays on plateaus until λ is small, so λ is annealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from relu_optima.config.result_columns import flag, number, series, text
from relu_optima.errors import DataError
from relu_optima.stage import Record
from relu_optima.training.config import TrainingConfig
from relu_optima.training.growth import log_slope
from relu_optima.training.problem import Problem, Trained

RUNAWAY_EXPONENT = 0.08  # half of the 1/6 that an unattained infimum gives
FITTED = 1e-6  # a relative loss below this at the end says that the start found the infimum

COLUMNS = (
    number("lam_final", "Penalty of the last level."),
    number("norm_exponent", "d log (norm of all parameters) / d log (1 / λ), last half."),
    number("loss_norm_exponent", "d log loss / d log norm there.", when="a norm that grows"),
    flag("fitted", "Whether the start found the infimum: the last relative loss is negligible."),
    text("start", "Where it started: `curve` or `random`."),
    series("lam", "Penalty of each level.", label="λ"),
    series("iterations", "Iterations of each level."),
)


class Config(TrainingConfig):
    """Range of the penalty, steps per level, and where to start."""

    optimizer: Literal["lbfgs"] = Field(default="lbfgs", description="Full batches only.")
    dtype: Literal["float64"] = Field(default="float64", description="Double precision only.")
    lam_first: float = Field(
        default=1e-2, gt=0, description="Canonical penalty of the first level."
    )
    lam_last: float = Field(default=1e-9, gt=0, description="Canonical penalty of the last level.")
    levels: int = Field(default=15, ge=3, le=1000, description="Levels, evenly spaced in log.")
    epochs: int = Field(default=3000, ge=1, description="L-BFGS iterations per level, at most.")
    start: Literal["random", "curve", "curve_if_any"] = Field(
        default="curve_if_any",
        description="curve: the data set's own start: a point of the curve along which the loss "
        "falls, or the network that attains the targets (see staircase).",
    )


def train(problem: Problem, upstream: Mapping[str, Record]) -> Trained:
    """Follow the penalised optimum while the penalty falls."""
    import torch

    from relu_optima.training.cones import minimise_past_kinks
    from relu_optima.training.lbfgs import describe
    from relu_optima.training.objective import Objective
    from relu_optima.training.stack import initial_parameters

    config = problem.config
    assert isinstance(config, Config)
    if config.lam_last >= config.lam_first:
        raise DataError("the penalty must fall", where="training.lam_last")
    objective = Objective(problem)
    has_curve = "start_W0" in upstream["dataset"].arrays
    on_curve = config.start == "curve" or (config.start == "curve_if_any" and has_curve)
    if on_curve:
        theta = objective.pack(*_curve(problem, upstream["dataset"]))
    else:
        generator = torch.Generator().manual_seed(problem.seed)
        theta = objective.pack(*initial_parameters(problem, problem.masks, generator))
    lines: list[dict[str, float]] = []
    status, last = "ok", theta
    for level, lam in enumerate(np.geomspace(config.lam_first, config.lam_last, config.levels)):
        theta, steps = minimise_past_kinks(objective, theta, float(lam), config.epochs)
        norm = float(np.linalg.norm(theta))
        if not np.isfinite(norm) or norm > config.divergence_norm:
            status = "diverged"
            break
        last = theta
        value = objective(theta, float(lam))[0]
        line = {"epoch": level + 1.0, "lam": float(lam), "iterations": float(steps)}
        lines.append({**line, **describe(problem, objective, theta), "objective": value})
    if not lines:
        raise DataError("the first level already diverged", where="training.divergence_norm")
    series = {name: np.array([line[name] for line in lines]) for name in lines[0]}
    weights, biases = objective.unpack(last)
    return Trained(
        weights=weights,
        biases=list(biases),
        masks=[m.astype(np.uint8) for m in problem.masks],
        series=series,
        status=status,
        epochs=len(lines),
        extra={**judge(series, status), "start": "curve" if on_curve else "random"},
    )


def judge(series: Mapping[str, np.ndarray], status: str) -> dict[str, Any]:
    """Measure exponents on the last half of the levels and name the behaviour."""
    half = slice(len(series["lam"]) // 2, None)
    norm, loss = series["parameter_norm"][half], series["loss"][half]
    exponent = log_slope(1 / series["lam"][half], norm)
    growing = exponent is not None and exponent > RUNAWAY_EXPONENT and norm[-1] == norm.max()
    if growing:
        levels, norms = series["lam"], series["parameter_norm"]
        rises = norms[1:] > norms[:-1] * (levels[:-1] / levels[1:]) ** (RUNAWAY_EXPONENT / 2)
        growing = bool(rises.mean() >= 0.5)
    behaviour = "growing" if growing else "bounded"
    return {
        "lam_final": float(series["lam"][-1]),
        "norm_exponent": exponent,
        "loss_norm_exponent": log_slope(norm, loss) if growing else None,
        "fitted": bool(series["loss_relative"][-1] < FITTED),
        "behaviour": "diverged" if status == "diverged" else behaviour,
    }


def _curve(problem: Problem, dataset: Record) -> tuple[list[np.ndarray], list[np.ndarray]]:
    arrays = dataset.arrays
    if "start_W0" not in arrays or not problem.config.biases:
        raise DataError(
            "the data set has no curve to start on, or the network no biases",
            where="training.start, training.biases",
            fix="set training.start=random, or take data set staircase with a pattern that does "
            "not always have an optimum",
        )
    weights = [arrays["start_W0"], arrays["start_W1"]]
    for k, (W, mask) in enumerate(zip(weights, problem.masks, strict=True)):
        if W.shape != mask.shape or np.any(W[mask == 0] != 0):
            raise DataError(
                f"the data set's start does not fit layer {k + 1} of the pattern",
                where="dataset.pattern",
                fix="set dataset.pattern to ${pattern}",
            )
    return weights, [arrays["start_b0"], arrays["start_b1"]]
