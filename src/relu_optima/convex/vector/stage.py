"""Programs with several outputs as runs of stage ``convex`` solve, describe and re-check them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from relu_optima.convex.certificate import Certificate
from relu_optima.convex.config import ConvexConfig
from relu_optima.convex.enumeration_certificate import largest_correlation
from relu_optima.convex.listed import make_gates
from relu_optima.convex.program_row import canonical_strength, score_row
from relu_optima.convex.programs import (
    copositive,
    frank_wolfe,
    soft_threshold,
    vector_gated,
    vector_one_vs_all,
    vector_relu,
)
from relu_optima.convex.programs.listed import Config as ListedConfig
from relu_optima.convex.programs.listed import GatesConfig
from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution
from relu_optima.convex.vector.certificate import (
    certify_all_patterns,
    certify_gated,
    certify_separate,
)
from relu_optima.convex.vector.copositive import copositive_relaxation
from relu_optima.convex.vector.exact import solve_vector, vector_lambda_max
from relu_optima.convex.vector.frank_wolfe import frank_wolfe as run_frank_wolfe
from relu_optima.convex.vector.gated import solve_vector_gated, vector_gated_lambda_max
from relu_optima.convex.vector.one_vs_all import one_vs_all_lambda_max, solve_one_vs_all
from relu_optima.convex.vector.pooling import pooling_of, signal_patches
from relu_optima.convex.vector.soft_threshold import solve_orthonormal
from relu_optima.stage import Outcome, Record, Scalar, Task

FEASIBLE = 1e-9  # relative rounding of a height that is computed anew
AGREES = 1e-9  # relative rounding of a value that is computed anew


def _data(task: Task) -> tuple[Record, np.ndarray, np.ndarray]:
    dataset = task.upstream["dataset"]
    Y = np.asarray(dataset.arrays["y_train"], dtype=np.float64)
    return dataset, dataset.arrays["X_train"], Y.reshape(len(Y), -1)


def _strength(task: Task, config: ConvexConfig, X: np.ndarray, Y: np.ndarray, top: float) -> float:
    return canonical_strength(config, X, Y, top, task.upstream.get("training"))


def _gates(task: Task, config: GatesConfig, X: np.ndarray) -> np.ndarray:
    return make_gates(ListedConfig(gates=config), X, task.seed, task.upstream.get("training"))


def run_gated(task: Task, config: vector_gated.Config) -> Outcome:
    """Solve the nuclear-norm program over listed gates."""
    dataset, X, Y = _data(task)
    gates = _gates(task, config.gates, X)
    top = vector_gated_lambda_max(X, Y, gates)
    lam = _strength(task, config, X, Y, top)
    found = solve_vector_gated(X, Y, gates, lam, tol=config.tol, time_limit=config.time_limit)
    outcome = describe(found, dataset, top)
    outcome.arrays["gates"] = gates
    return outcome


def run_one_vs_all(task: Task, config: vector_one_vs_all.Config) -> Outcome:
    """Solve one program for each output."""
    dataset, X, Y = _data(task)
    gates = _gates(task, config.gates, X)
    top = one_vs_all_lambda_max(X, Y, gates, config.formulation)
    lam = _strength(task, config, X, Y, top)
    found = solve_one_vs_all(
        X, Y, gates, lam, formulation=config.formulation, tol=config.tol,
        time_limit=config.time_limit,
    )  # fmt: skip
    outcome = describe(found, dataset, top)
    outcome.arrays["gates"] = gates
    return outcome


def run_relu(task: Task, config: vector_relu.Config) -> Outcome:
    """Solve over all activation patterns, of rows or of their patches."""
    dataset, X, Y = _data(task)
    samples, rows = None, X
    if config.filter_size is not None:
        rows, samples = signal_patches(X, config.filter_size)
    top = vector_lambda_max(rows, Y, samples=samples)
    lam = _strength(task, config, X, Y, top)
    found = solve_vector(
        rows, Y, lam, samples=samples, tol=config.tol, time_limit=config.time_limit
    )
    return describe(found, dataset, top, config.filter_size)


def run_frank_wolfe_program(task: Task, config: frank_wolfe.Config) -> Outcome:
    """Run the paper's method and note its course."""
    dataset, X, Y = _data(task)
    top = vector_lambda_max(X, Y)
    lam = _strength(task, config, X, Y, top)
    found = run_frank_wolfe(X, Y, lam, radius=config.radius, steps=config.steps, tol=config.tol)
    outcome = describe(found.solution, dataset, top)
    done = found.solution.status == "optimal"
    outcome.row["bound"] = "optimal" if done else "upper_bound"
    outcome.row["radius"] = found.radius
    outcome.row["frank_wolfe_gap"] = float(found.frank_wolfe_gap[-1])
    outcome.series["course.step"] = found.step
    outcome.series["course.objective"] = found.objective
    outcome.series["course.frank_wolfe_gap"] = found.frank_wolfe_gap
    if found.optimum:
        outcome.row["certified_objective"] = found.optimum
        outcome.row["excess"] = found.solution.objective / found.optimum - 1.0
        outcome.series["course.excess"] = found.objective / found.optimum - 1.0
    # the steps asked for were done: what they reached is data
    return replace(outcome, status="ok")


def run_copositive(task: Task, config: copositive.Config) -> Outcome:
    """Bound the optimum by the relaxation of the copositive program."""
    _, X, Y = _data(task)
    top = vector_lambda_max(X, Y)
    lam = _strength(task, config, X, Y, top)
    found = copositive_relaxation(X, Y, lam, tol=config.tol, budget=config.budget)
    certified = solve_vector(X, Y, lam, tol=min(1e-8, 0.1 * config.tol))
    row: dict[str, Scalar] = {
        "formulation": "relu",
        "bound": "optimal" if found.exact else "lower_bound",
        "lam": lam,
        "lam_max": top,
        "lam_fraction": lam / top if top > 0 else None,
        "dual_objective": found.value,
        "certified_objective": certified.objective,
        "shortfall": 1.0 - found.value / certified.objective if certified.objective > 0 else 0.0,
        "proved_tight": found.exact,
        "n_outputs": Y.shape[1],
        "n_cells": found.cells,
        "n_cone_rows": found.rows,
        "n_iterations": found.iterations,
    }
    # a proved bound is what was asked for, whether or not it is the optimum
    status = "inaccurate" if found.status == "inaccurate" else "ok"
    return Outcome(row, status, arrays={"dual": found.dual})


def run_soft_threshold(task: Task, config: soft_threshold.Config) -> Outcome:
    """Apply the closed form to orthonormal rows."""
    dataset, X, Y = _data(task)
    top = float(np.linalg.norm(Y, axis=0).max())
    lam = _strength(task, config, X, Y, top)
    return describe(solve_orthonormal(X, Y, lam), dataset, top)


def describe(
    found: ShallowSolution, dataset: Record, lam_max: float, filter_size: int | None = None
) -> Outcome:
    """Row and arrays of a solution."""
    row: dict[str, Scalar] = {
        "formulation": found.formulation,
        "lam": found.lam,
        "lam_max": lam_max,
        "lam_fraction": found.lam / lam_max if lam_max > 0 else None,
        "objective": found.objective,
        "dual_objective": found.dual_objective,
        "gap": found.gap,
        "kkt_residual": found.kkt_residual,
        "violation": found.violation,
        "exact": found.exact,
        "n_neurons": found.network.n_neurons,
        "n_outputs": found.Y.shape[1],
        "weights": float(found.network.weights().sum()),
    }
    row |= {f"n_{name}": count for name, count in found.counts.items()}

    def predict(X: np.ndarray) -> np.ndarray:
        return _outputs(found.network, X, filter_size)

    row |= score_row(predict, dataset)
    arrays = {"U": found.network.U, "V": found.network.V, "dual": found.dual}
    if found.network.gates is not None:
        arrays["neuron_gates"] = found.network.gates
    status = "ok" if found.status == "optimal" else found.status
    return Outcome(row, status, arrays=arrays)


def _outputs(network: ShallowNetwork, X: np.ndarray, filter_size: int | None) -> np.ndarray:
    if filter_size is None:
        return network.predict(X)
    rows, samples = signal_patches(X, filter_size)
    pooling = pooling_of(samples, len(X), len(rows))
    return np.asarray(pooling.pool(network.features(rows).T).T @ network.V)


# -- re-checking --------------------------------------------------------------------------------


def verify_listed(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored answer over listed gates from the data alone."""
    X, Y, network, lam = _stored(record, upstream)
    gates, dual = record.arrays["gates"], record.arrays["dual"]
    if record.config["groups"]["convex"]["program"] == "vector_gated":
        return _compare(record, Y, certify_gated(X, Y, gates, lam, network, dual))
    formulation = str(record.row["formulation"])
    proof = certify_separate(X, Y, gates, lam, network, dual, formulation)
    return _compare(record, Y, proof)


def verify_all_patterns(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored answer over all patterns, priced by listing the cells again."""
    X, Y, network, lam = _stored(record, upstream)
    size = record.config["groups"]["convex"].get("filter_size")
    rows, samples = (X, None) if size is None else signal_patches(X, int(size))
    proof = certify_all_patterns(rows, Y, lam, network, record.arrays["dual"], samples=samples)
    return _compare(record, Y, proof)


def verify_orthonormal(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored closed form: its dual point bounds |N'(X u)_+| <= |N|_op |X|_op."""
    X, Y, network, lam = _stored(record, upstream)
    residual, dual = Y - network.predict(X), record.arrays["dual"]
    weights = np.linalg.norm(network.U, axis=1) * np.linalg.norm(network.V, axis=1)
    objective = 0.5 * float(np.sum(residual**2)) + lam * float(weights.sum())
    height = float(np.linalg.svd(dual, compute_uv=False)[0] * np.linalg.svd(X, compute_uv=False)[0])
    bound = float(np.sum(dual * Y)) - 0.5 * float(np.sum(dual**2))
    gap = (objective - bound) / max(bound, 1e-300)
    problems = _compare(record, Y, Certificate(objective, bound, gap, 0.0, 0.0, dual))
    if height > lam * (1.0 + FEASIBLE):
        problems.append(f"the dual point has height {height:.12g}, above lam = {lam:.12g}")
    return problems


def verify_relaxation(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check that the stored dual point is feasible over all patterns, and its value."""
    data = upstream["dataset"].arrays
    X, Y = data["X_train"], np.asarray(data["y_train"], dtype=np.float64)
    Y = Y.reshape(len(Y), -1)
    dual, lam = record.arrays["dual"], float(record.row["lam"] or 0.0)
    problems = []
    height = largest_correlation(X, dual)
    if height > lam * (1.0 + FEASIBLE):
        problems.append(f"the dual point has height {height:.12g}, above lam = {lam:.12g}")
    bound = float(np.sum(dual * Y)) - 0.5 * float(np.sum(dual * dual))
    said = float(record.row["dual_objective"] or 0.0)
    if abs(bound - said) > AGREES * max(abs(bound), 1e-300):
        problems.append(f"dual_objective is {bound:.12g}, the row says {said:.12g}")
    return problems


def _stored(
    record: Record, upstream: Mapping[str, Record]
) -> tuple[np.ndarray, np.ndarray, ShallowNetwork, float]:
    data, stored = upstream["dataset"].arrays, record.arrays
    Y = np.asarray(data["y_train"], dtype=np.float64)
    network = ShallowNetwork(stored["U"], stored["V"], stored.get("neuron_gates"))
    return data["X_train"], Y.reshape(len(Y), -1), network, float(record.row["lam"] or 0.0)


def _compare(record: Record, Y: np.ndarray, proof: Certificate) -> list[str]:
    """What a row says beside what its arrays prove."""
    row, problems = record.row, []
    scale = max(abs(proof.objective), 1e-300)
    said = float(row["objective"] or 0.0)
    if abs(proof.objective - said) > AGREES * scale:
        problems.append(f"objective is {proof.objective:.12g}, the row says {said:.12g}")
    said = float(row["dual_objective"] or 0.0)
    slack = max(AGREES * scale, 0.1 * abs(proof.gap) * scale)
    if said > proof.dual_objective + AGREES * scale:
        problems.append(f"dual_objective is {proof.dual_objective:.12g}, the row says {said:.12g}")
    if said < proof.dual_objective - slack:  # less is a looser bound, and true as well
        problems.append(f"dual_objective is {said:.12g}, and {proof.dual_objective:.12g} holds")
    dual = record.arrays["dual"]
    value = float(np.sum(dual * Y)) - 0.5 * float(np.sum(dual * dual))
    if abs(value - said) > AGREES * scale:
        problems.append(f"the stored dual point has value {value:.12g}, the row says {said:.12g}")
    if proof.gap > float(row["gap"] or 0.0) + AGREES:
        problems.append(f"the certified gap is {proof.gap:.3g}, the row says {row['gap']}")
    if proof.violation > AGREES:
        problems.append(f"a cone row is violated by {proof.violation:.3g}")
    return problems
