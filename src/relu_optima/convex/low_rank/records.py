"""Runs of stage ``convex`` over all patterns and over spike-free data: outcomes and re-checks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from relu_optima.convex.certificate import Certificate, certify
from relu_optima.convex.enumeration_certificate import CELLS, certify_network
from relu_optima.convex.low_rank.all_patterns import cells, lambda_max_all, solve_all
from relu_optima.convex.low_rank.geometry import extreme_neuron, rectified_ellipsoid
from relu_optima.convex.low_rank.hyperplanes import hyperplanes
from relu_optima.convex.low_rank.recovery import recovered_teacher
from relu_optima.convex.low_rank.spike_free import all_active_gate, is_spike_free, solve_spike_free
from relu_optima.convex.program_row import canonical_strength, score_row
from relu_optima.convex.programs import all_patterns, spike_free
from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution
from relu_optima.convex.solver import lambda_max
from relu_optima.errors import BudgetError
from relu_optima.stage import Outcome, Record, Scalar, Task

PICTURED = 50  # rows up to which each row's own neuron is found


def run_all_patterns(task: Task, config: all_patterns.Config) -> Outcome:
    """Solve over all patterns and certify the answer by listing the cells again."""
    dataset = task.upstream["dataset"]
    X, Y = _data(dataset)
    lam_max = lambda_max_all(X, Y, budget=config.budget, seed=config.search_seed)
    lam = canonical_strength(config, X, Y, lam_max, task.upstream.get("training"))
    try:
        solution = solve_all(
            X,
            Y,
            lam,
            tol=config.tol,
            time_limit=config.time_limit,
            method=config.method,
            budget=config.budget,
            seed=config.search_seed,
        )
    except BudgetError as error:
        return Outcome({"message": " ".join(str(error).split())}, "refused")
    proof = _proof_over_all(solution, config.budget) if solution.exact else None
    planes = hyperplanes(X)
    m = len(planes.normals)
    row: dict[str, Scalar] = {
        "rank": planes.rank,
        "n_hyperplanes": m,
        "cells": float(cells(m, planes.rank)) if m else 0.0,
        "n_patterns": solution.counts.get("patterns", 0),
        "n_rounds": len(solution.bounds) or None,
    }
    planted = recovered_teacher(solution.network, dataset)
    if planted is not None:
        row["recovered"] = "yes" if planted else "no"
    outcome = _outcome(solution, proof, lam_max, config.tol, dataset)
    bounds = np.array(solution.bounds, dtype=np.float64).reshape(-1, 2)
    series = {
        "round": np.arange(len(bounds)),
        "upper_bound": bounds[:, 0],
        "lower_bound": bounds[:, 1],
        "bound_gap": (bounds[:, 0] - bounds[:, 1]) / np.maximum(bounds[:, 0], 1e-300),
    }
    return Outcome(
        {**outcome.row, **row}, outcome.status, series if len(bounds) else {}, outcome.arrays
    )


def run_spike_free(task: Task, config: spike_free.Config) -> Outcome:
    """Test the data, solve over the all-active pattern, and certify as far as that goes."""
    dataset = task.upstream["dataset"]
    X, Y = _data(dataset)
    found = is_spike_free(X)
    gate = all_active_gate(X)[:, None]
    lam_max = lambda_max(X, Y[:, 0], gate)
    lam = canonical_strength(config, X, Y, lam_max, task.upstream.get("training"))
    solution = solve_spike_free(X, Y, lam, tol=config.tol, time_limit=config.time_limit)
    outcome = _outcome(solution, _proof_over_one(solution, gate), lam_max, config.tol, dataset)
    row: dict[str, Scalar] = {
        "spike_free": found.verdict,
        "spike": found.ratio if np.isfinite(found.ratio) else None,
        "n_row_directions": len(hyperplanes(X).normals),
    }
    return Outcome(
        {**outcome.row, **row}, outcome.status, _pictures(X), outcome.arrays | {"gate": gate}
    )


def _pictures(X: np.ndarray) -> dict[str, np.ndarray]:
    """Residual of each row of small data, and of two rows of rank two the rectified ellipsoid."""
    series: dict[str, np.ndarray] = {}
    if len(X) <= PICTURED:
        series["neuron.row"] = np.arange(len(X))
        series["neuron.output"] = np.array([extreme_neuron(X, i)[1] for i in range(len(X))])
    if len(X) == 2 and np.linalg.matrix_rank(X) == 2:
        drawn = rectified_ellipsoid(X)
        series |= {
            "ellipsoid.first": drawn.ellipsoid[:, 0],
            "ellipsoid.second": drawn.ellipsoid[:, 1],
            "ellipsoid.spike": drawn.spikes.astype(np.float64),
        }
    return series


def verify_all_patterns(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Recompute objective and bound of a stored network over all patterns."""
    X, Y = _data(upstream["dataset"])
    row, stored = record.row, record.arrays
    network = ShallowNetwork(stored["U"], stored["V"])
    budget = int(record.config["groups"]["convex"]["budget"])
    if row["exact"]:
        proof = certify_network(
            X, Y, float(row["lam"] or 0.0), network, dual=stored["dual"], budget=budget
        )
        return _differences(row, proof)
    objective = network.objective(X, Y, float(row["lam"] or 0.0))
    return _differences(row, Certificate(objective, np.inf, 0.0, 0.0, 0.0, stored["dual"]))


def verify_spike_free(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Recompute the verdict, the objective and the bound of a stored pair of neurons."""
    X, Y = _data(upstream["dataset"])
    row, stored = record.row, record.arrays
    problems = []
    verdict = is_spike_free(X).verdict
    if verdict != row["spike_free"]:
        problems.append(f"spike-free is {verdict}, the row says {row['spike_free']}")
    if not (X[np.any(X, axis=1)] @ stored["gate"] > 0).all():
        problems.append("the stored gate is not on the positive side of all rows")
    network = ShallowNetwork(stored["U"], stored["V"])
    proof = _blocks_proof(X, Y, float(row["lam"] or 0.0), network, stored["gate"], stored["dual"])
    return problems + _differences(row, proof)


def _data(dataset: Record) -> tuple[np.ndarray, np.ndarray]:
    X = np.asarray(dataset.arrays["X_train"], dtype=np.float64)
    return X, np.asarray(dataset.arrays["y_train"], dtype=np.float64).reshape(len(X), -1)


def _proof_over_all(solution: ShallowSolution, budget: int) -> Certificate | None:
    """Certify by listing the cells again, unless they are too many for that."""
    planes = hyperplanes(solution.X)
    if planes.rank <= 3 and len(solution.X) ** max(planes.rank - 1, 0) > CELLS:
        return None
    return certify_network(
        solution.X,
        solution.Y,
        solution.lam,
        solution.network,
        dual=solution.dual,
        budget=budget,
    )


def _proof_over_one(solution: ShallowSolution, gate: np.ndarray) -> Certificate:
    return _blocks_proof(
        solution.X, solution.Y, solution.lam, solution.network, gate, solution.dual
    )


def _blocks_proof(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    network: ShallowNetwork,
    gate: np.ndarray,
    dual: np.ndarray,
) -> Certificate:
    """Certify over one pattern the block of each sign."""
    signed = network.U * network.V
    v, w = (signed[network.V[:, 0] * s > 0].sum(axis=0, keepdims=True) * s for s in (1.0, -1.0))
    return certify(X, Y[:, 0], gate, lam, v, w, dual=dual[:, 0])


def _outcome(
    solution: ShallowSolution,
    proof: Certificate | None,
    lam_max: float,
    tol: float,
    dataset: Record,
) -> Outcome:
    """Row and arrays of a solution; a status holds only as far as the certificate bears it out."""
    status, dual = solution.status, solution.dual
    objective, bound, gap = solution.objective, solution.dual_objective, solution.gap
    if proof is not None:
        objective, bound, gap = proof.objective, proof.dual_objective, proof.gap
        dual = proof.dual.reshape(solution.Y.shape)
        if status == "optimal" and gap > tol:
            status = "inaccurate"
    row: dict[str, Scalar] = {
        "formulation": "relu",
        "status": status,
        "method": solution.method,
        "exact": solution.exact,
        "lam": solution.lam,
        "lam_max": lam_max,
        "lam_fraction": solution.lam / lam_max if lam_max > 0 else None,
        "objective": objective,
        "dual_objective": bound,
        "gap": gap,
        "kkt_residual": solution.kkt_residual,
        "violation": solution.violation,
        "n_neurons": solution.network.n_neurons,
        "n_outputs": solution.Y.shape[1],
    }
    row |= score_row(solution.predict, dataset)
    network = solution.network
    return Outcome(
        row,
        "ok" if status == "optimal" else status,
        {},
        {"U": network.U, "V": network.V, "dual": dual},
    )


def _differences(row: Mapping[str, Scalar], proof: Certificate) -> list[str]:
    """List where a row claims more than a certificate proves."""
    problems = []
    scale = max(abs(proof.objective), 1e-300)
    said = float(row["objective"] or 0.0)
    if abs(proof.objective - said) > 1e-9 * scale:
        problems.append(f"objective is {proof.objective:.12g}, the row says {said:.12g}")
    said = float(row["dual_objective"] or 0.0)
    if said > proof.dual_objective + 1e-9 * scale:
        problems.append(f"dual_objective is {proof.dual_objective:.12g}, the row says {said:.12g}")
    if proof.gap > float(row["gap"] or 0.0) + 1e-9:
        problems.append(f"the certified gap is {proof.gap:.3g}, the row says {row['gap']}")
    return problems
