"""What a study keeps of a path: one row, and series of knots, breakpoints, neurons and samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from relu_optima.optimal_set.model_set import OptimalSet
from relu_optima.optimal_set.scores import scores
from relu_optima.sensitivity.config import SensitivityConfig
from relu_optima.sensitivity.grid import Knot, finite_difference_dof, slope_violation
from relu_optima.sensitivity.program import Program
from relu_optima.sensitivity.selection import leave_one_out_mse
from relu_optima.sensitivity.structure import KINDS
from relu_optima.sensitivity.tracer import JUMP, Breakpoint
from relu_optima.stage import Scalar


def knot_series(
    program: Program,
    knots: list[Knot],
    data: Mapping[str, np.ndarray],
    *,
    binary: bool,
    config: SensitivityConfig,
) -> dict[str, np.ndarray]:
    """List one line for each knot; scores are those of the min-norm model."""
    sets = [k.optimal for k in knots]
    models = [s.min_norm() for s in sets]
    series = {
        "lam": np.array([k.lam for k in knots]),
        "lam_fraction": np.array([k.lam / program.lam_max for k in knots]),
        "objective": np.array([s.objective for s in sets]),
        "dual_objective": np.array([s.dual_objective for s in sets]),
        "gap": np.array([s.gap for s in sets]),
        "penalty": np.array([s.penalty for s in sets]),
        "n_active": np.array([s.support.size for s in sets], dtype=np.int64),
        "n_minimal": np.array([k.n_minimal for k in knots], dtype=np.int64),
        "dimension": np.array([s.dimension for s in sets], dtype=np.int64),
        "norm_squared": np.array([float(b @ b) for b in models]),
        "min_slack": np.array([s.min_slack for s in sets]),
        "degenerate": np.array([bool(k.degenerate) for k in knots], dtype=np.int64),
        "degrees_of_freedom": np.array(_degrees_of_freedom(program, knots, config)),
        "leave_one_out_mse": np.array([leave_one_out_mse(k) for k in knots]),
    }
    series["secant"] = _secants(series["lam"], series["objective"])
    for part in ("train", "valid", "test"):
        if not len(data.get(f"X_{part}", ())):
            continue
        inputs = data[f"X_{part}"]
        predictions = [s.predict(b, inputs) for s, b in zip(sets, models, strict=True)]
        series |= scores(predictions, data[f"y_{part}"], part, binary=binary)
    return series


def _secants(lams: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Slope of p* from the knot before; NaN at the first."""
    slopes = np.full(lams.size, np.nan)
    slopes[1:] = np.diff(values) / np.diff(lams)
    return slopes


def _degrees_of_freedom(
    program: Program, knots: list[Knot], config: SensitivityConfig
) -> list[float]:
    """One number for each knot, NaN where it is not defined or not asked for."""
    if config.degrees_of_freedom == "finite_difference":
        return [finite_difference_dof(program, k.optimal, config.step) for k in knots]
    found = [k.sensitivity for k in knots]
    return [float("nan") if s is None else s.degrees_of_freedom for s in found]


def base_row(base: Knot) -> dict[str, Scalar]:
    """Summarise the derivatives at the lam that was solved."""
    found = base.sensitivity
    row: dict[str, Scalar] = {
        "lam": base.lam,
        "objective": base.optimal.objective,
        "penalty": base.optimal.penalty,
        "dimension": base.optimal.dimension,
        "n_active": int(base.optimal.support.size),
        "differentiable": found is not None,
        "degenerate_reason": base.degenerate,
        "degrees_of_freedom": None,
        "leave_one_out_mse": None,
        "max_leverage": None,
        "min_slack": base.optimal.min_slack,
        "min_multiplier": None,
        "min_coefficient": None,
        "lam_low": None,
        "lam_high": None,
    }
    if found is not None:
        residual = base.optimal.problem.y - found.leave_one_out
        row["degrees_of_freedom"] = found.degrees_of_freedom
        row["leave_one_out_mse"] = _finite(float(np.mean(residual**2)))
        row["max_leverage"] = float(np.diag(found.hat).max(initial=0.0))
        row["min_multiplier"] = _finite(found.min_multiplier)
        row["min_coefficient"] = _finite(found.min_coefficient)
        row["lam_low"] = found.lam_low
        row["lam_high"] = _finite(found.lam_high)
    return row


def event_series(lams: np.ndarray, breakpoints: list[Breakpoint]) -> dict[str, np.ndarray]:
    """Count the events of each kind between a knot and the one before."""
    series = {f"n_{kind}": np.zeros(lams.size, dtype=np.int64) for kind in KINDS}
    for point in breakpoints:
        knot = int(np.searchsorted(-lams, -point.lam))  # first knot at or below the breakpoint
        for event in point.events:
            series[f"n_{event.kind}"][min(knot, lams.size - 1)] += 1
    return series


def breakpoint_row(breakpoints: list[Breakpoint]) -> dict[str, Scalar]:
    """Count breakpoints, and the discontinuities of the min-norm path among them."""
    jumps = [b for b in breakpoints if b.jump > JUMP]
    return {
        "n_breakpoints": len(breakpoints),
        "n_jumps": len(jumps),
        "jumps": "found" if jumps else "none",
        "max_jump": max((b.jump for b in jumps), default=0.0),
        "lam_max_jump": max(jumps, key=lambda b: b.jump).lam if jumps else None,
    }


def breakpoint_document(point: Breakpoint) -> dict[str, Any]:
    """Write a breakpoint as JSON."""
    return {
        "lam": point.lam,
        "events": [{"kind": e.kind, "sign": e.sign, "row": e.row} for e in point.events],
        "dimensions": [point.dimension_above, point.dimension, point.dimension_below],
        "norms_squared": [point.norm_above, point.norm, point.norm_below],
        "jump": point.jump,
    }


def selection_row(
    series: dict[str, np.ndarray], lam_max: float, costs: dict[str, tuple[int, float]]
) -> dict[str, Scalar]:
    """Say which lam each criterion chooses, the test error there, and what it cost."""
    row: dict[str, Scalar] = {}
    for name in ("valid", "kfold", "leave_one_out", "test"):
        values = series.get(f"{name}_mse")
        if values is None or not np.isfinite(values).any():
            continue
        best = int(np.nanargmin(values))
        row[f"lam_{name}"] = float(series["lam"][best])
        row[f"chosen_fraction_{name}"] = float(series["lam"][best]) / lam_max
        if "test_mse" in series:
            row[f"test_mse_{name}"] = float(series["test_mse"][best])
        if name in costs:
            row[f"solves_{name}"], row[f"cpu_{name}"] = costs[name]
    return row


def _finite(value: float) -> float | None:
    """Infinite bounds are missing values in a table."""
    return value if np.isfinite(value) else None


def path_row(
    program: Program, knots: list[Knot], series: dict[str, np.ndarray]
) -> dict[str, Scalar]:
    """Summarise a path."""
    return {
        "lam_max": program.lam_max,
        "n_knots": len(knots),
        "max_gap": float(series["gap"].max(initial=0.0)),
        "n_degenerate": int(series["degenerate"].sum()),
        "n_non_unique": int((series["dimension"] > 0).sum()),
        "max_n_active": int(series["n_active"].max(initial=0)),
        "slope_violation": slope_violation(series["lam"], series["objective"], series["penalty"])
        if knots
        else 0.0,
    }


def knot_arrays(knots: list[Knot]) -> dict[str, np.ndarray]:
    """Stack the neurons of the starting model of every knot."""
    sets: list[OptimalSet] = [k.optimal for k in knots]
    if not sets:
        return {}
    counts = [len(s.signs) for s in sets]
    return {
        "knot_of_neuron": np.repeat(np.arange(len(sets)), counts),
        "knot_directions": np.vstack([s.directions for s in sets]),
        "knot_gates": np.vstack([s.gates for s in sets]),
        "knot_signs": np.concatenate([s.signs for s in sets]),
        "knot_coefficients": np.concatenate([s.start for s in sets]),
    }


def base_arrays(base: Knot) -> dict[str, np.ndarray]:
    """Keep the derivatives at the solved lam, where they exist."""
    found = base.sensitivity
    if found is None:
        return {}
    return {
        "weights": found.weights,
        "signs": found.signs,
        "d_lam": found.d_lam,
        "d_fit_lam": found.d_fit_lam,
    }


def sample_series(base: Knot, X: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """List the training samples with what each does to the solved optimum."""
    found = base.sensitivity
    names = ("residual", "leverage", "held_out", "influence")
    if found is None:
        return {f"samples.{name}": np.zeros(0) for name in names}
    target = base.optimal.problem.y
    influence = np.full(target.size, np.nan)
    if len(X):
        error = base.optimal.predict(base.optimal.start, X) - y.reshape(-1)
        influence = 2 * error @ found.d_prediction(X)[2] / len(X)
    values = (
        target - base.optimal.fit,
        np.diag(found.hat).copy(),
        target - found.leave_one_out,
        influence,
    )
    return {f"samples.{name}": value for name, value in zip(names, values, strict=True)}


def breakpoint_series(lam_max: float, breakpoints: list[Breakpoint]) -> dict[str, np.ndarray]:
    """List the breakpoints."""
    series = {
        "lam_fraction": [b.lam / lam_max for b in breakpoints],
        "dimension": [float(b.dimension) for b in breakpoints],
        "norm_above": [b.norm_above for b in breakpoints],
        "norm": [b.norm for b in breakpoints],
        "norm_below": [b.norm_below for b in breakpoints],
        "jump": [b.jump for b in breakpoints],
    }
    for kind in KINDS:
        series[kind] = [float(sum(e.kind == kind for e in b.events)) for b in breakpoints]
    return {f"breakpoints.{name}": np.array(v, dtype=float) for name, v in series.items()}
