"""Gradient flow of the linear product towards a matrix: growth exponents without discretisation.

Minimises ``½‖W_L ... W_1 - A‖_F² + (λ/2)‖θ‖²`` over masked factors in continuous time. For the
2 x 2 lower-times-upper pattern and the anti-diagonal A, which is a limit of products but none, the
error ε satisfies ``min ‖θ‖² ≈ 4/ε``; so the flow has ``‖θ‖ ∝ t^{1/6}``, ``ε² ∝ t^{-2/3}``, and with
a penalty ``ε → (2λ)^{1/3}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from relu_optima.config.result_columns import number
from relu_optima.errors import DataError
from relu_optima.stage import Record
from relu_optima.training.config import TrainingConfig
from relu_optima.training.growth import log_slope
from relu_optima.training.problem import Problem, Trained, linear_product

COLUMNS = (
    number("norm_exponent", "d log (weight norm) / d log (time), late."),
    number("loss_exponent", "d log loss / d log (time), late."),
    number("norm_loss_exponent", "d log (weight norm) / d log (product error), late."),
    number("product_gap", "Distance of the product from the target at the end."),
    number(
        "penalised_gap_ratio",
        "That distance relative to (2 λ)^(1/3), which theory gives.",
        when="flow_lam > 0",
    ),
)


class Config(TrainingConfig):
    """Length of the flow and the penalty on the product problem."""

    dtype: Literal["float64"] = Field(default="float64", description="Double precision only.")
    time: float = Field(default=1e8, gt=1, le=1e12, description="End of the flow.")
    points: int = Field(default=81, ge=5, le=10_000, description="Logged times, even in log.")
    flow_lam: float = Field(default=0.0, ge=0, description="λ of the product problem above.")
    tolerance: float = Field(
        default=1e-9, gt=1e-13, le=1e-3, description="Relative accuracy of the integrator."
    )


def train(problem: Problem, upstream: Mapping[str, Record]) -> Trained:
    """Integrate the flow from random factors."""
    import torch
    from scipy.integrate import solve_ivp

    from relu_optima.training.stack import initial_parameters

    config = problem.config
    assert isinstance(config, Config)
    A = problem.target_matrix
    if A is None or not config.biases:
        raise DataError(
            "the flow needs a matrix target and hidden biases",
            where="dataset.loader, training.biases",
            allowed="loader matrix_target, biases: true",
        )
    generator = torch.Generator().manual_seed(problem.seed)
    first, _ = initial_parameters(problem, problem.masks, generator)
    flow = _Flow(problem.masks, A, config.flow_lam)
    times = np.concatenate([[0.0], np.geomspace(1.0, config.time, config.points)])
    solution = solve_ivp(
        flow.rate,
        (0.0, config.time),
        flow.pack(first),
        method="LSODA",
        t_eval=times,
        rtol=config.tolerance,
        atol=1e-12,
    )
    lines = []
    for t, theta in zip(solution.t, solution.y.T, strict=True):
        gap = float(np.linalg.norm(linear_product(flow.unpack(theta)) - A))
        norm = float(np.linalg.norm(theta))
        lines.append(
            {
                "epoch": float(t),
                "loss": 0.5 * gap**2,
                "objective": 0.5 * gap**2 + 0.5 * config.flow_lam * norm**2,
                "product_error": gap / max(float(np.linalg.norm(A)), 1e-300),
                "weight_norm": norm,
            }
        )
    series = {name: np.array([line[name] for line in lines]) for name in lines[0]}
    weights = flow.unpack(solution.y[:, -1])
    late = series["epoch"] >= series["epoch"][-1] / 100
    t, norm = series["epoch"][late], series["weight_norm"][late]
    extra: dict[str, Any] = {
        "norm_exponent": log_slope(t, norm),
        "loss_exponent": log_slope(t, series["loss"][late]),
        "norm_loss_exponent": log_slope(series["product_error"][late], norm),
        "product_gap": float(np.sqrt(2 * series["loss"][-1])),
    }
    if config.flow_lam > 0:
        theory = (2 * config.flow_lam) ** (1 / 3)
        extra["penalised_gap_ratio"] = extra["product_gap"] / theory
    return Trained(
        weights=weights,
        biases=_linear_regime(weights),
        masks=[m.astype(np.uint8) for m in problem.masks],
        series=series,
        status="ok" if solution.success else "diverged",
        epochs=len(lines) - 1,
        extra=extra,
    )


class _Flow:
    """Negative gradient of the product problem on the free entries of the factors."""

    def __init__(self, masks: list[np.ndarray], target: np.ndarray, lam: float) -> None:
        self.masks = [m.astype(bool) for m in masks]
        self.target = target
        self.lam = lam

    def pack(self, weights: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([w[m] for w, m in zip(weights, self.masks, strict=True)])

    def unpack(self, theta: np.ndarray) -> list[np.ndarray]:
        out, start = [], 0
        for mask in self.masks:
            W = np.zeros(mask.shape)
            count = int(mask.sum())
            W[mask] = theta[start : start + count]
            out.append(W)
            start += count
        return out

    def rate(self, _: float, theta: np.ndarray) -> np.ndarray:
        weights = self.unpack(theta)
        below = [np.eye(weights[0].shape[1])]
        for W in weights:
            below.append(W @ below[-1])
        G = below[-1] - self.target
        gradients: list[np.ndarray] = []
        for k in reversed(range(len(weights))):
            gradients.insert(0, G @ below[k].T)
            G = weights[k].T @ G
        return -self.pack(gradients) - self.lam * theta


def _linear_regime(weights: list[np.ndarray]) -> list[np.ndarray]:
    """Choose biases that keep hidden neurons active on [-1, 1]^d and cancel in the output."""
    biases: list[np.ndarray] = []
    reach = np.ones(weights[0].shape[1])  # bounds |deviation| of each input
    shift = np.zeros(weights[0].shape[1])  # what the biases below add to each input
    for W in weights[:-1]:
        reach = np.abs(W) @ reach
        biases.append(reach - W @ shift)
        shift = reach
    return [*biases, -(weights[-1] @ shift)]
