"""Stage ``sensitivity``: the regularisation path of a solved program and its derivatives."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.convex.certificate import dual_norm
from relu_optima.optimal_set.blocks import StoredSolution
from relu_optima.optimal_set.stage import NOTHING, describe_record, stored_solution
from relu_optima.sensitivity.config import SensitivityConfig
from relu_optima.sensitivity.grid import Knot, grid_path, knot_of, slope_violation
from relu_optima.sensitivity.prediction import prediction_errors
from relu_optima.sensitivity.program import Program, program_of
from relu_optima.sensitivity.report import (
    base_arrays,
    base_row,
    breakpoint_document,
    breakpoint_row,
    breakpoint_series,
    event_series,
    knot_arrays,
    knot_series,
    path_row,
    sample_series,
    selection_row,
)
from relu_optima.sensitivity.selection import by_kfold
from relu_optima.sensitivity.tracer import Breakpoint, trace_path
from relu_optima.sensitivity.tracks import neuron_lines
from relu_optima.stage import Outcome

if TYPE_CHECKING:
    from relu_optima.stage import Record, Task


def run(task: Task) -> Outcome:
    """Follow the path from lam_max down, and differentiate at the solved lam."""
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
    found = _follow(program, config)
    knots, breakpoints = found.knots, found.breakpoints
    binary = dataset.row["task"] == "binary"
    series = knot_series(program, knots, data, binary=binary, config=config)
    series |= event_series(series["lam"], breakpoints)
    costs = dict.fromkeys(("valid", "test"), (found.solves, found.cpu_path))
    costs["leave_one_out"] = (found.solves, found.cpu_path + found.cpu_derivatives)
    if config.folds:
        started = time.process_time()
        choice = by_kfold(program, series["lam"], config.folds, task.seed) if knots else None
        series["kfold_mse"] = np.zeros(0) if choice is None else choice.scores
        solves = 0 if choice is None else choice.solves
        costs["kfold"] = (solves, time.process_time() - started)
    row = base_row(base) | path_row(program, knots, series)
    row |= selection_row(series, program.lam_max, costs)
    if config.path == "trace":
        row |= breakpoint_row(breakpoints)
    arrays = knot_arrays(knots) | base_arrays(base)
    series |= neuron_lines([k.optimal for k in knots], program.lam_max)
    series |= breakpoint_series(program.lam_max, breakpoints)
    series |= sample_series(base, data["X_test"], data["y_test"])
    series |= prediction_errors(program, base, config.prediction_steps)
    documents: dict[str, Any] = {
        "degenerate": {f"{k.lam:.12g}": k.degenerate for k in knots if k.degenerate},
        "breakpoints": [breakpoint_document(b) for b in breakpoints],
    }
    return Outcome(row=row, series=series, arrays=arrays, documents=documents)


@dataclass(frozen=True)
class _Followed:
    """A path with its cost; the derivatives of a traced path are part of the tracing."""

    knots: list[Knot]
    breakpoints: list[Breakpoint]
    solves: int
    cpu_path: float
    cpu_derivatives: float


def _follow(program: Program, config: SensitivityConfig) -> _Followed:
    if not program.lam_max > 0:
        return _Followed([], [], 0, 0.0, 0.0)
    lams = program.lam_max * np.geomspace(1, config.lam_min_fraction, config.n_lams)
    started = time.process_time()
    if config.path == "trace":
        trace = trace_path(program, lams, tol=config.breakpoint_tol, touches=config.touches)
        spent = time.process_time() - started
        return _Followed(trace.knots, trace.breakpoints, trace.solves, spent, 0.0)
    knots = grid_path(program, lams, derivatives=False)
    middle = time.process_time()
    if config.degrees_of_freedom == "jacobian":
        knots = [knot_of(k.optimal) for k in knots]
    return _Followed(knots, [], len(knots), middle - started, time.process_time() - middle)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored path: values, certificates, and that p* is concave with slope R."""
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
