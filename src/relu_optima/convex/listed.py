"""The program over listed gates as runs of stage ``convex`` solve, describe and re-check it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from relu_optima.convex.arrangement import enumerate_patterns
from relu_optima.convex.certificate import certify
from relu_optima.convex.evidence import Evidence
from relu_optima.convex.gates import gates_from_network, merge_patterns, sample_gates, symmetrize
from relu_optima.convex.loss import Loss, make_loss
from relu_optima.convex.network import TwoLayerNetwork
from relu_optima.convex.program_row import canonical_strength, score_row
from relu_optima.convex.programs.listed import Config
from relu_optima.convex.solution import Solution
from relu_optima.convex.solver import lambda_max, solve
from relu_optima.errors import SolveInputError
from relu_optima.stage import Outcome, Record, Scalar, Task

SQUARED: Mapping[str, Any] = {"loss": "squared"}


def run(task: Task, config: Config, loss: Mapping[str, Any] = SQUARED) -> Outcome:
    """Solve the convex program of one data set and certify the answer."""
    training = task.upstream.get("training")
    dataset = task.upstream["dataset"]
    X, y = dataset.arrays["X_train"], dataset.arrays["y_train"]
    gates = make_gates(config, X, task.seed, training)
    lam_max = lambda_max(X, y, gates, config.formulation, **loss)
    lam = canonical_strength(config, X, y, lam_max, training)
    solution = solve(
        X,
        y,
        gates,
        lam,
        formulation=config.formulation,
        tol=config.tol,
        time_limit=config.time_limit,
        backend=config.backend,
        **loss,
    )
    return _outcome(solution, dataset, lam_max, config.tol)


def make_gates(config: Config, X: np.ndarray, seed: int, training: Record | None) -> np.ndarray:
    """Make the gates that a config asks for."""
    if config.gates.source == "sample":
        gates = sample_gates(X, config.gates.count, seed, nested=config.gates.nested)
    elif config.gates.source == "enumerate":
        gates = enumerate_patterns(X, budget=config.gates.budget)
    else:
        assert training is not None
        gates = _trained_gates(training, X)
    if config.gates.symmetrize:
        gates = symmetrize(gates)
    return merge_patterns(X, gates)[0]


def _trained_gates(training: Record, X: np.ndarray) -> np.ndarray:
    """First layer of a trained network; its bias needs a constant column in the data."""
    weights = training.arrays.get("W0")
    if weights is None:
        raise SolveInputError(
            f"the training run ended as {training.status!r} and kept no weights",
            where="convex.gates.source",
        )
    W1 = np.array(weights, dtype=np.float64)
    bias = training.arrays.get("b0")
    if W1.ndim != 2 or W1.shape[1] != X.shape[1]:
        raise SolveInputError(
            f"the first layer has shape {W1.shape}",
            allowed=f"(neurons, {X.shape[1]})",
            where="convex.gates.source",
        )
    if bias is not None and np.any(bias):
        constant = X[0, -1]
        if constant == 0 or np.any(X[:, -1] != constant):
            raise SolveInputError(
                "the trained network has biases and the data no constant column",
                where="convex.gates.source",
                fix="use dataset.bias=true, or train without biases",
            )
        W1[:, -1] += np.asarray(bias, dtype=np.float64).ravel() / constant
    return gates_from_network(W1)


def _outcome(solution: Solution, dataset: Record, lam_max: float, tol: float) -> Outcome:
    arrays = dataset.arrays
    X, y = arrays["X_train"], np.asarray(arrays["y_train"]).reshape(-1)
    proof, evidence = solution.certify(), solution.evidence
    if proof.gap > tol and evidence is not None:  # the solver's multipliers may be loose
        proof, evidence = solution.certify(recompute=True), None
    status = solution.status
    if status == "optimal" and not (proof.gap <= tol and proof.violation <= 1e-9):
        status = "inaccurate"
    network = solution.network()
    row: dict[str, Scalar] = {
        "formulation": solution.formulation,
        "status": status,
        "lam": solution.lam,
        "lam_max": lam_max,
        "lam_fraction": solution.lam / lam_max if lam_max > 0 else None,
        "n_gates": solution.gates.shape[1],
        "objective": proof.objective,
        "dual_objective": proof.dual_objective,
        "gap": proof.gap,
        "kkt_residual": proof.kkt_residual,
        "violation": proof.violation,
        "network_objective": _network_objective(network, X, y, solution.lam, solution.loss),
        "n_active": solution.n_active,
        "n_neurons": int(network.w2.size),
        "backend": solution.backend,
    }
    if solution.loss is not None:
        row |= {"loss_function": solution.loss.name, "intercept": solution.intercept}
    row |= {f"n_{name}": count for name, count in solution.counts.items()}
    row |= score_row(network.predict, dataset)
    return Outcome(
        row=row,
        status="ok" if status == "optimal" else status,
        arrays={
            "gates": solution.gates,
            "v": solution.v,
            "w": solution.w,
            "dual": proof.dual,
            "W1": network.W1,
            "w2": network.w2,
            **({"b2": np.array(network.b2)} if network.b2 else {}),
            **({} if evidence is None else _evidence_arrays(evidence)),
        },
    )


def _network_objective(
    network: TwoLayerNetwork, X: np.ndarray, y: np.ndarray, lam: float, loss: Loss | None
) -> float:
    """Loss of the network plus lam / 2 times the squared norm of its weights."""
    if loss is None:
        return network.objective(X, y, lam)
    weights = float(np.sum(network.W1**2) + np.sum(network.w2**2))
    return loss.value(network.predict(X)) + 0.5 * lam * weights  # the intercept costs nothing


def _evidence_arrays(evidence: Evidence) -> dict[str, np.ndarray]:
    return {f"evidence_{f.name}": getattr(evidence, f.name) for f in fields(Evidence)}


def verify(
    record: Record, upstream: Mapping[str, Record], loss: Mapping[str, Any] = SQUARED
) -> list[str]:
    """Re-check a stored solution from the data alone."""
    data, stored, row = upstream["dataset"].arrays, record.arrays, record.row
    X, y = data["X_train"], np.asarray(data["y_train"]).reshape(-1)
    lam = float(row["lam"] or 0.0)
    formulation = str(row["formulation"])
    made = make_loss(y, **loss)
    point = (X, y, stored["gates"], lam, stored["v"], stored["w"], formulation)
    intercept = float(stored.get("b2", 0.0))
    proof = certify(*point, dual=stored["dual"], loss=made, intercept=intercept)
    problems = []
    scale = max(abs(proof.objective), 1e-300)
    said = float(row["objective"] or 0.0)
    if abs(proof.objective - said) > 1e-9 * scale:
        problems.append(f"objective is {proof.objective:.12g}, the row says {said:.12g}")
    said = float(row["dual_objective"] or 0.0)
    if said > proof.dual_objective + 1e-9 * scale:  # less is a looser bound, and true as well
        problems.append(f"dual_objective is {proof.dual_objective:.12g}, the row says {said:.12g}")
    if said < proof.dual_objective - max(1e-9 * scale, 0.1 * abs(proof.gap) * scale):
        problems.append(f"dual_objective is {said:.12g}, and {proof.dual_objective:.12g} holds")
    if "evidence_rho" in stored:
        held = Evidence(**{f.name: stored[f"evidence_{f.name}"] for f in fields(Evidence)})
        looked = certify(*point, dual=stored["dual"], evidence=held, loss=made, intercept=intercept)
        if looked.dual_objective < said - 1e-9 * scale:
            problems.append(f"the stored multipliers only prove {looked.dual_objective:.12g}")
    if proof.gap > float(row["gap"] or 0.0) + 1e-9:
        problems.append(f"the certified gap is {proof.gap:.3g}, the row says {row['gap']}")
    if proof.violation > 1e-9:
        problems.append(f"a cone row is violated by {proof.violation:.3g}")
    if formulation == "relu":
        network = TwoLayerNetwork(stored["W1"], stored["w2"], b2=intercept)
        objective = _network_objective(network, X, y, lam, made)
        if abs(objective - float(row["network_objective"] or 0.0)) > 1e-9 * scale:
            problems.append(f"the stored network has objective {objective:.12g}")
    return problems
