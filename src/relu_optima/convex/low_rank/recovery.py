"""Runs that compare convex programs with what was planted, and with one another."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from relu_optima.convex.certificate import Certificate, certify, relative_gap
from relu_optima.convex.gates import activation_patterns, sample_gates
from relu_optima.convex.newton import DualNewton
from relu_optima.convex.program_row import canonical_strength, score_row
from relu_optima.convex.programs import neural_isometry, relaxation_quality
from relu_optima.convex.shallow import ShallowNetwork
from relu_optima.convex.solver import lambda_max, solve
from relu_optima.stage import Outcome, Record, Scalar, Task

SHARE = 0.99  # of the norm, from which a planted linear function counts as recovered
ALIGNED = 1e-3  # distance of unit directions up to which a neuron is the planted one


def recovered_teacher(network: ShallowNetwork, dataset: Record) -> bool | None:
    """Tell whether a network is the planted one; None where nothing is planted in these features.

    Each planted neuron must carry its weight to 1 % on directions within 1e-3 of its own, and all
    other neurons together less than 1 % of the planted weight.
    """
    planted = dataset.arrays.get("teacher_W1")
    if planted is None or planted.shape[1] != network.U.shape[1]:
        return None
    sizes = np.linalg.norm(network.U, axis=1)
    units = network.U / np.where(sizes > 0, sizes, 1.0)[:, None]
    signed = sizes * network.V[:, 0]
    rest, weights = np.ones(len(units), dtype=bool), dataset.arrays["teacher_w2"]
    for direction, weight in zip(planted, weights, strict=True):
        near = np.linalg.norm(units - direction, axis=1) <= ALIGNED
        rest &= ~near
        if abs(signed[near].sum() - weight) > 0.01 * abs(weight):
            return False
    return bool(np.abs(signed[rest]).sum() <= 0.01 * np.abs(weights).sum())


def run_isometry(task: Task, config: neural_isometry.Config) -> Outcome:
    """Solve the gated program with a skip connection."""
    dataset = task.upstream["dataset"]
    X, y = _data(dataset)
    gates = sample_gates(X, config.count, task.seed)
    patterns = _with_skip(X, gates)
    lam_max = float(np.linalg.norm(X.T @ (patterns * y[:, None]), axis=0).max())
    lam = canonical_strength(config, X, y, lam_max, task.upstream.get("training"))
    scale_x, scale_y = float(np.abs(X).max()), float(np.abs(y).max()) or 1.0
    engine = DualNewton(X / scale_x, y / scale_y, patterns, "gated")
    answer = engine.solve(lam / scale_x / scale_y, config.tol)
    blocks = answer.U * (scale_y / scale_x)
    proof = _skip_proof(X, y, lam, patterns, blocks, answer.dual * scale_y)
    norms = np.linalg.norm(blocks, axis=1)
    share = float(norms[-1] / norms.sum()) if norms.any() else 0.0
    status = "optimal" if proof.gap <= config.tol else "inaccurate"
    row: dict[str, Scalar] = {
        "formulation": "gated",
        "status": status,
        "lam": lam,
        "lam_max": lam_max,
        "lam_fraction": lam / lam_max if lam_max > 0 else None,
        **_values(proof),
        "n_neurons": int(np.count_nonzero(norms)),
        "n_gates": gates.shape[1],
        "skip_share": share,
        "recovered": "yes" if share >= SHARE else "no",
        "rows_per_feature": len(X) / X.shape[1],
    }
    row |= score_row(lambda Z: _outputs(Z, gates, blocks), dataset)
    return Outcome(
        row,
        "ok" if status == "optimal" else status,
        {},
        {"gates": gates, "blocks": blocks, "dual": proof.dual},
    )


def verify_isometry(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Recompute objective, bound and share of a stored solution."""
    X, y = _data(upstream["dataset"])
    stored, row = record.arrays, record.row
    patterns = _with_skip(X, stored["gates"])
    proof = _skip_proof(X, y, _number(row, "lam"), patterns, stored["blocks"], stored["dual"])
    norms = np.linalg.norm(stored["blocks"], axis=1)
    share = float(norms[-1] / norms.sum()) if norms.any() else 0.0
    problems = _differences(row, proof, "")
    if abs(share - _number(row, "skip_share")) > 1e-9:
        problems.append(f"skip_share is {share:.9g}, the row says {row['skip_share']}")
    return problems


def run_relaxation(task: Task, config: relaxation_quality.Config) -> Outcome:
    """Solve the ReLU and the gated program over the same gates."""
    dataset = task.upstream["dataset"]
    X, y = _data(dataset)
    gates = sample_gates(X, config.count, task.seed)
    lam_max = lambda_max(X, y, gates, "gated")
    lam = canonical_strength(config, X, y, lam_max, task.upstream.get("training"))
    relu, gated = (
        solve(X, y, gates, lam, formulation=f, tol=config.tol, time_limit=config.time_limit)
        for f in ("relu", "gated")
    )
    proofs = relu.certify(), gated.certify()
    done = all(p.gap <= config.tol and p.violation <= 1e-9 for p in proofs)
    late = "time_limit" in (relu.status, gated.status)
    status = "optimal" if done else "time_limit" if late else "inaccurate"
    ratio, law = proofs[0].objective / proofs[1].objective, float(np.sqrt(2 * np.log(2 * len(X))))
    row: dict[str, Scalar] = {
        "formulation": "relu",
        "status": status,
        "lam": lam,
        "lam_max": lam_max,
        "lam_fraction": config.lam if config.lam_scale == "lambda_max" else lam / lam_max,
        **_values(proofs[0]),
        "gated_objective": proofs[1].objective,
        "gated_dual_objective": proofs[1].dual_objective,
        "n_gates": relu.gates.shape[1],
        "n_neurons": relu.n_active,
        "ratio": ratio,
        "law": law,
        "share_of_law": ratio / law,
    }
    row |= score_row(relu.predict, dataset)
    arrays = {"gates": relu.gates, "v": relu.v, "w": relu.w, "dual": proofs[0].dual}
    arrays |= {"gated_v": gated.v, "gated_dual": proofs[1].dual}
    return Outcome(row, "ok" if status == "optimal" else status, {}, arrays)


def verify_relaxation(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Recompute objectives and bounds of both stored solutions."""
    X, y = _data(upstream["dataset"])
    stored, row = record.arrays, record.row
    gates, lam = stored["gates"], _number(row, "lam")
    relu = certify(X, y, gates, lam, stored["v"], stored["w"], dual=stored["dual"])
    nothing = np.zeros_like(stored["gated_v"])
    gated = certify(
        X, y, gates, lam, stored["gated_v"], nothing, "gated", dual=stored["gated_dual"]
    )
    problems = _differences(row, relu, "") + _differences(row, gated, "gated_")
    if abs(relu.objective / gated.objective - _number(row, "ratio")) > 1e-9:
        problems.append(f"the ratio is {relu.objective / gated.objective:.9g}")
    return problems


def _data(dataset: Record) -> tuple[np.ndarray, np.ndarray]:
    X = np.asarray(dataset.arrays["X_train"], dtype=np.float64)
    return X, np.asarray(dataset.arrays["y_train"], dtype=np.float64).reshape(len(X))


def _with_skip(X: np.ndarray, gates: np.ndarray) -> np.ndarray:
    """Patterns of gates, and last the one that is on everywhere: the skip connection."""
    return np.column_stack([activation_patterns(X, gates), np.ones(len(X), dtype=bool)])


def _outputs(X: np.ndarray, gates: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("ij,ij->i", _with_skip(X, gates) @ blocks, X))


def _skip_proof(
    X: np.ndarray,
    y: np.ndarray,
    lam: float,
    patterns: np.ndarray,
    blocks: np.ndarray,
    dual: np.ndarray,
) -> Certificate:
    """Bound a solution of the gated program by its residual and by a dual vector."""
    residual = y - np.einsum("ij,ij->i", patterns @ blocks, X)
    norms = np.linalg.norm(blocks, axis=1)
    objective = 0.5 * float(residual @ residual) + lam * float(norms.sum())
    best, point, kkt = -np.inf, residual, 0.0
    for candidate in (residual, dual):
        height = float(np.linalg.norm(X.T @ (patterns * candidate[:, None]), axis=0).max())
        if candidate is residual:
            kkt = max(0.0, height / lam - 1.0)
        square = float(candidate @ candidate)
        t = max(0.0, float(candidate @ y) / square) if square else 0.0
        t = min(t, lam / height) if height > 0 else t
        value = t * float(candidate @ y) - 0.5 * t * t * square
        if value > best:
            best, point = value, t * candidate
    return Certificate(objective, best, relative_gap(objective, best, y), kkt, 0.0, point)


def _values(proof: Certificate) -> dict[str, Scalar]:
    names = ("objective", "dual_objective", "gap", "kkt_residual", "violation")
    return {name: getattr(proof, name) for name in names}


def _number(row: Mapping[str, Scalar], name: str) -> float:
    return float(row[name] or 0.0)


def _differences(row: Mapping[str, Scalar], proof: Certificate, prefix: str) -> list[str]:
    problems = []
    scale = max(abs(proof.objective), 1e-300)
    said = _number(row, f"{prefix}objective")
    if abs(proof.objective - said) > 1e-9 * scale:
        problems.append(f"{prefix}objective is {proof.objective:.12g}, the row says {said:.12g}")
    said = _number(row, f"{prefix}dual_objective")
    if said > proof.dual_objective + 1e-9 * scale:
        problems.append(f"{prefix}dual_objective is {proof.dual_objective:.12g}, not {said:.12g}")
    return problems
