"""Choose among optimal networks: the tuning experiment of Mishkin and Pilanci (2023).

``exact`` chooses in the true optimal set. ``published`` does what the authors coded: it takes the
blocks of an interior-point solution, fixes their directions, and chooses among all non-negative
scalings that keep the fit. That is a larger set: nothing in it keeps the penalty, and blocks that
are zero at the optimum count as neurons because an interior-point method leaves them some weight.
So the penalty ratio and the error of the fit are reported beside every score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relu_optima.convex.problem import make_problem
from relu_optima.convex.reference import solve_reference
from relu_optima.errors import DegenerateError, SolveInputError, extras_named
from relu_optima.optimal_set.as_solved import as_solved
from relu_optima.optimal_set.blocks import StoredSolution, blocks_of
from relu_optima.optimal_set.directions import Directions
from relu_optima.optimal_set.model_set import OptimalSet
from relu_optima.optimal_set.scores import accuracy, mse
from relu_optima.stage import Record, Scalar

if TYPE_CHECKING:
    import cvxpy as cp

CRITERIA = ("min_l2", "max_l1", "valid", "test")
FALLBACK = "fallback"  # prefix of the status where the solver's own network is kept


@dataclass(frozen=True)
class Tuned:
    """Networks chosen by each criterion.

    Attributes
    ----------
    network : Directions
        Neurons whose coefficients were chosen.
    betas : dict of str to array, shape (k,)
        Coefficients by criterion; ``solver`` is the network that was found first.
    statuses : dict of str to str
        ``optimal``, a solver's own word, or ``fallback:<word>`` where the solver's network was
        kept because there was no answer.
    """

    network: Directions
    betas: dict[str, np.ndarray]
    statuses: dict[str, str]


@extras_named()
def tune_exactly(optimal: OptimalSet, data: Mapping[str, np.ndarray]) -> Tuned:
    """Choose in the true optimal set."""
    require_rows(data)
    betas = {
        "solver": optimal.start,
        "min_l2": optimal.min_norm(),
        "max_l1": optimal.optimize(-np.ones(optimal.start.size)),
        "valid": optimal.tune(data["X_valid"], data["y_valid"]),
        "test": optimal.tune(data["X_test"], data["y_test"]),
    }
    return Tuned(optimal, betas, dict.fromkeys(betas, "optimal"))


@extras_named()
def tune_as_published(optimal: OptimalSet, data: Mapping[str, np.ndarray], tol: float) -> Tuned:
    """Choose among the scalings of an interior-point solution that keep its fit."""
    require_rows(data)
    problem = optimal.problem
    if not problem.constrained:
        raise SolveInputError(
            "the published tuning is that of the ReLU program",
            where="optimal_set.tuning",
            fix="use convex.formulation=relu, or tuning=exact",
        )
    program = make_problem(problem.X, problem.y, problem.gates, "relu")
    answer = solve_reference(program, problem.lam, tol=tol)
    if answer is None:
        raise DegenerateError(
            "the interior-point method returned no point",
            where="optimal_set.interior_tol",
            fix="use a larger tolerance",
        )
    solution = StoredSolution(program.gates, answer.v, answer.w, problem.lam, "relu")
    blocks = blocks_of(solution, problem.X, problem.y)
    network = as_solved(blocks, blocks.weights(solution))
    scaled = network.columns * network.start
    features = {
        part: network.features(data[f"X_{part}"]) * network.start for part in ("valid", "test")
    }
    targets = {part: data[f"y_{part}"].reshape(-1) for part in features}
    import cvxpy as cp

    goals: dict[str, Callable[[cp.Variable], cp.Minimize | cp.Maximize]] = {
        "min_l2": lambda s: cp.Minimize(cp.norm(s, 2)),
        "max_l1": lambda s: cp.Maximize(cp.sum(s)),
        "valid": lambda s: cp.Minimize(cp.sum_squares(features["valid"] @ s - targets["valid"])),
        "test": lambda s: cp.Minimize(cp.sum_squares(features["test"] @ s - targets["test"])),
    }
    betas, statuses = {"solver": network.start}, {"solver": answer.status}
    for name, goal in goals.items():
        scaling, statuses[name] = _choose(scaled, goal)
        betas[name] = scaling * network.start
    return Tuned(network, betas, statuses)


def _choose(
    scaled: np.ndarray, goal: Callable[[cp.Variable], cp.Minimize | cp.Maximize]
) -> tuple[np.ndarray, str]:
    """Choose a scaling; all ones where there is no answer, as published."""
    import warnings

    import cvxpy as cp

    scaling = cp.Variable(scaled.shape[1])
    keep = [scaled @ scaling == scaled.sum(axis=1), scaling >= 0]
    program = cp.Problem(goal(scaling), keep)
    try:
        with warnings.catch_warnings():
            # the error of the fit is reported
            warnings.filterwarnings("ignore", message="Solution may be inaccurate")
            program.solve(solver=cp.CLARABEL, direct_solve_method="faer", max_threads=1)
    except cp.SolverError:
        return np.ones(scaled.shape[1]), f"{FALLBACK}:solver_error"
    if scaling.value is None or not np.isfinite(scaling.value).all():
        return np.ones(scaled.shape[1]), f"{FALLBACK}:{program.status}"
    return np.maximum(scaling.value, 0.0), str(program.status)


def require_rows(data: Mapping[str, np.ndarray]) -> None:
    """Refuse data without validation or test rows."""
    for part in ("valid", "test"):
        if not len(data[f"y_{part}"]):
            raise SolveInputError(
                f"there are no {part} rows to choose by",
                where="optimal_set.tuning",
                fix="set dataset.validation_fraction and dataset.test_fraction",
            )


def tuning_row(
    tuned: Tuned, optimal: OptimalSet, X: np.ndarray, y: np.ndarray, *, binary: bool
) -> dict[str, Scalar]:
    """Score the chosen networks."""
    network, y = tuned.network, y.reshape(-1)
    plain, gated = network.features(X), network.features(X, gated=True)
    size = max(float(np.linalg.norm(optimal.fit)), 1e-300)
    row: dict[str, Scalar] = {}
    found: dict[str, list[float]] = {"": [], "_gated": []}
    for name, beta in tuned.betas.items():
        row[f"{name}_test_mse"] = mse(plain @ beta, y)
        if binary:
            for suffix, features in (("", plain), ("_gated", gated)):
                value = accuracy(features @ beta, y)
                row[f"{name}_test_accuracy{suffix}"] = value
                if name in CRITERIA:
                    found[suffix].append(value)
        penalty = optimal.penalty
        row[f"{name}_penalty_ratio"] = float(beta.sum()) / penalty if penalty else None
        error = network.columns @ beta - optimal.fit
        row[f"{name}_fit_error"] = float(np.linalg.norm(error)) / size
        row[f"{name}_status"] = tuned.statuses[name]
    for suffix, values in found.items():
        if values:
            row[f"tuning_spread{suffix}"] = max(values) - min(values)
    return row


def tuned_arrays(tuned: Tuned) -> dict[str, np.ndarray]:
    """Keep what it takes to score the chosen networks again."""
    network = tuned.network
    return {
        "tuned_betas": np.array([tuned.betas[name] for name in ("solver", *CRITERIA)]),
        "tuned_directions": network.directions,
        "tuned_signs": network.signs,
        "tuned_gates": network.gates,
    }


def check_tuned(record: Record, data: Mapping[str, np.ndarray], fit: np.ndarray) -> list[str]:
    """Score stored networks again, from their weights and the data alone."""
    stored, row = record.arrays, record.row
    signs, units = stored["tuned_signs"], stored["tuned_directions"]
    y = data["y_test"].reshape(-1)
    linear = {part: data[f"X_{part}"] @ units.T for part in ("train", "test")}
    on = {part: data[f"X_{part}"] @ stored["tuned_gates"].T > 0 for part in linear}
    size = max(float(np.linalg.norm(fit)), 1e-300)
    wrong = []
    for name, beta in zip(("solver", *CRITERIA), stored["tuned_betas"], strict=True):
        weights = signs * beta
        fitted = (linear["train"] * on["train"]) @ weights
        network = np.maximum(linear["test"], 0.0) @ weights
        expected = {
            "test_mse": mse(network, y),
            "fit_error": float(np.linalg.norm(fitted - fit)) / size,
        }
        if f"{name}_test_accuracy" in row:
            expected["test_accuracy"] = accuracy(network, y)
            expected["test_accuracy_gated"] = accuracy((linear["test"] * on["test"]) @ weights, y)
        for key, value in expected.items():
            said = row[f"{name}_{key}"]
            if said is None or abs(float(said) - value) > 1e-8 * (1 + abs(value)):
                wrong.append(f"{name}_{key} is {value:.9g}, the row says {said}")
        if beta.min(initial=0.0) < 0:
            wrong.append(f"a coefficient of {name} is negative")
    return wrong
