"""Stage ``sensitivity``: the regularisation path of a solved program and its derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.config.schema.sensitivity import SensitivityConfig
from relu_optima.convex.certificate import dual_norm
from relu_optima.optimal_set.blocks import StoredSolution
from relu_optima.optimal_set.model_set import OptimalSet
from relu_optima.optimal_set.scores import scores
from relu_optima.optimal_set.stage import NOTHING, describe_record, stored_solution
from relu_optima.sensitivity.grid import (
    Knot,
    finite_difference_dof,
    grid_path,
    knot_of,
    slope_violation,
)
from relu_optima.sensitivity.program import Program, program_of
from relu_optima.sensitivity.selection import by_kfold, leave_one_out_mse
from relu_optima.sensitivity.structure import KINDS
from relu_optima.sensitivity.tracer import JUMP, Breakpoint, trace_path
from relu_optima.stage import Outcome, Scalar

if TYPE_CHECKING:
    from relu_optima.stage import Record, Task


def run(task: Task) -> Outcome:
    """Follow the path from lam_max down, and differentiate at the solved lam.

    Parameters
    ----------
    task : Task
        Task with the group ``sensitivity`` and the records ``dataset`` and ``convex``.

    Returns
    -------
    Outcome
        One row about the solved lam and the path; one line of the series for each knot. Status
        ``no_solution`` or ``refused`` where there is nothing to follow.
    """
    config = task.groups["sensitivity"]
    assert isinstance(config, SensitivityConfig)
    optimal = describe_record(task.upstream, config.slack_tol, config.merge_tol)
    if isinstance(optimal, Outcome):
        return optimal
    dataset = task.upstream["dataset"]
    data = dataset.arrays
    program = program_of(
        stored_solution(task.upstream["convex"]),
        data["X_train"],
        data["y_train"],
        slack_tol=config.slack_tol,
        merge_tol=config.merge_tol,
    )
    base = knot_of(optimal)
    binary = dataset.row["task"] == "binary"
    knots: list[Knot] = []
    breakpoints: list[Breakpoint] = []
    if program.lam_max > 0:
        lams = program.lam_max * np.geomspace(1, config.lam_min_fraction, config.n_lams)
        if config.path == "trace":
            trace = trace_path(program, lams, tol=config.breakpoint_tol)
            knots, breakpoints = trace.knots, trace.breakpoints
        else:
            wanted = config.degrees_of_freedom == "jacobian"
            knots = grid_path(program, lams, derivatives=wanted)
    series = _series(program, knots, data, binary=binary, config=config)
    series |= _event_series(series["lam"], breakpoints)
    series["leave_one_out_mse"] = np.array([leave_one_out_mse(k) for k in knots])
    if config.folds:
        choice = by_kfold(program, series["lam"], config.folds, task.seed) if knots else None
        series["kfold_mse"] = np.zeros(0) if choice is None else choice.scores
    row = _base_row(base) | _path_row(program, knots, series) | _selection_row(series)
    if config.path == "trace":
        row |= _breakpoint_row(breakpoints)
    arrays = _knot_arrays(knots) | _base_arrays(base, data["X_test"], data["y_test"])
    documents: dict[str, Any] = {
        "degenerate": {f"{k.lam:.12g}": k.degenerate for k in knots if k.degenerate},
        "breakpoints": [_breakpoint_document(b) for b in breakpoints],
    }
    return Outcome(row=row, series=series, arrays=arrays, documents=documents)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored path: values, certificates, and that p* is concave with slope R.

    Parameters
    ----------
    record : Record
        Record of this stage.
    upstream : mapping of str to Record
        Records ``dataset`` and ``convex``.

    Returns
    -------
    list of str
        Problems found.
    """
    if record.status in NOTHING:
        return []
    data, series, arrays = upstream["dataset"].arrays, record.series, record.arrays
    solution = stored_solution(upstream["convex"])
    X, y = data["X_train"], data["y_train"].reshape(-1)
    problems: list[str] = []
    for index, lam in enumerate(series["lam"]):
        mine = arrays["knot_of_neuron"] == index
        units, signs = arrays["knot_directions"][mine], arrays["knot_signs"][mine]
        beta, gates = arrays["knot_coefficients"][mine], arrays["knot_gates"][mine]
        if solution.formulation == "relu":
            fit = np.maximum(X @ units.T, 0.0) @ (signs * beta)
        else:
            fit = ((X @ units.T) * (X @ gates.T > 0)) @ (signs * beta)
        primal = 0.5 * float((fit - y) @ (fit - y)) + lam * float(beta.sum())
        scale = max(abs(primal), 1e-300)
        if (
            beta.min(initial=0.0) < 0
            or np.abs(np.linalg.norm(units, axis=1) - 1).max(initial=0.0) > 1e-9
        ):
            problems.append(f"knot {index}: a stored neuron is not a direction with beta >= 0")
        if abs(primal - series["objective"][index]) > 1e-9 * scale:
            problems.append(f"knot {index}: the objective is {primal:.12g}")
        dual = _dual_bound(solution, X, y, float(lam), y - fit)
        if primal - dual > 1e-6 * scale:
            problems.append(f"knot {index}: the certified gap is {(primal - dual) / scale:.1e}")
    crossed = slope_violation(series["lam"], series["objective"], series["penalty"])
    if len(series["lam"]) and crossed > 1e-7:
        problems.append(f"p* is not concave with slope R: bounds are crossed by {crossed:.1e}")
    return problems


def _dual_bound(
    solution: StoredSolution, X: np.ndarray, y: np.ndarray, lam: float, theta: np.ndarray
) -> float:
    """Dual value of a residual after scaling it into the feasible set."""
    height = dual_norm(X, theta, solution.gates, solution.formulation)
    scale = min(1.0, lam / height) if height > 0 else 1.0
    error = scale * theta - y
    return 0.5 * float(y @ y) - 0.5 * float(error @ error)


def _series(
    program: Program,
    knots: list[Knot],
    data: Mapping[str, np.ndarray],
    *,
    binary: bool,
    config: SensitivityConfig,
) -> dict[str, np.ndarray]:
    """One line for each knot; test scores are those of the min-norm model."""
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
    }
    for part in ("train", "test"):
        inputs = data[f"X_{part}"]
        predictions = [s.predict(b, inputs) for s, b in zip(sets, models, strict=True)]
        series |= scores(predictions, data[f"y_{part}"], part, binary=binary)
    return series


def _degrees_of_freedom(
    program: Program, knots: list[Knot], config: SensitivityConfig
) -> list[float]:
    """One number for each knot, NaN where it is not defined or not asked for."""
    if config.degrees_of_freedom == "finite_difference":
        return [finite_difference_dof(program, k.optimal, config.step) for k in knots]
    found = [k.sensitivity for k in knots]
    return [float("nan") if s is None else s.degrees_of_freedom for s in found]


def _base_row(base: Knot) -> dict[str, Scalar]:
    """Derivatives at the lam that was solved."""
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


def _event_series(lams: np.ndarray, breakpoints: list[Breakpoint]) -> dict[str, np.ndarray]:
    """Number of events of each kind between a knot and the one before."""
    series = {f"n_{kind}": np.zeros(lams.size, dtype=np.int64) for kind in KINDS}
    for point in breakpoints:
        knot = int(np.searchsorted(-lams, -point.lam))  # first knot at or below the breakpoint
        for event in point.events:
            series[f"n_{event.kind}"][min(knot, lams.size - 1)] += 1
    return series


def _breakpoint_row(breakpoints: list[Breakpoint]) -> dict[str, Scalar]:
    """Number of breakpoints, and the discontinuities of the min-norm path among them."""
    jumps = [b for b in breakpoints if b.jump > JUMP]
    return {
        "n_breakpoints": len(breakpoints),
        "n_jumps": len(jumps),
        "max_jump": max((b.jump for b in jumps), default=0.0),
        "lam_max_jump": max(jumps, key=lambda b: b.jump).lam if jumps else None,
    }


def _breakpoint_document(point: Breakpoint) -> dict[str, Any]:
    """One breakpoint as JSON."""
    return {
        "lam": point.lam,
        "events": [{"kind": e.kind, "sign": e.sign, "row": e.row} for e in point.events],
        "dimensions": [point.dimension_above, point.dimension, point.dimension_below],
        "norms_squared": [point.norm_above, point.norm, point.norm_below],
        "jump": point.jump,
    }


def _selection_row(series: dict[str, np.ndarray]) -> dict[str, Scalar]:
    """The lam that each criterion chooses, and the test error there; test is an oracle bound."""
    row: dict[str, Scalar] = {}
    for name in ("leave_one_out", "kfold", "test"):
        values = series.get(f"{name}_mse")
        if values is None or not np.isfinite(values).any():
            continue
        best = int(np.nanargmin(values))
        row[f"lam_{name}"] = float(series["lam"][best])
        if "test_mse" in series:
            row[f"test_mse_{name}"] = float(series["test_mse"][best])
    return row


def _finite(value: float) -> float | None:
    """Infinite bounds are missing values in a table."""
    return value if np.isfinite(value) else None


def _path_row(
    program: Program, knots: list[Knot], series: dict[str, np.ndarray]
) -> dict[str, Scalar]:
    """Summary of the path."""
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


def _knot_arrays(knots: list[Knot]) -> dict[str, np.ndarray]:
    """Neurons of the starting model of every knot, one below the other."""
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


def _base_arrays(base: Knot, X: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Derivatives at the solved lam, where they exist.

    ``influence`` is d (test mse) / d omega_j, the first-order effect of giving training sample j
    more weight.
    """
    found = base.sensitivity
    if found is None:
        return {}
    slope = found.d_prediction(X)[2]
    error = base.optimal.predict(base.optimal.start, X) - y.reshape(-1)
    return {
        "influence": 2 * error @ slope / max(len(X), 1),
        "weights": found.weights,
        "signs": found.signs,
        "d_lam": found.d_lam,
        "d_fit_lam": found.d_fit_lam,
        "leverage": np.diag(found.hat).copy(),
        "leave_one_out": found.leave_one_out,
    }
