"""Stage ``optimal_set``: describe all optima of one solved convex program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.convex.certificate import dual_norm
from relu_optima.errors import BudgetError, DegenerateError
from relu_optima.optimal_set.blocks import StoredSolution
from relu_optima.optimal_set.config import OptimalSetConfig
from relu_optima.optimal_set.description import describe
from relu_optima.optimal_set.model_set import OptimalSet
from relu_optima.optimal_set.rank import RANK_TOL
from relu_optima.optimal_set.scores import scores
from relu_optima.optimal_set.shadow import shadow_series
from relu_optima.optimal_set.staircase import check_staircase, staircase
from relu_optima.optimal_set.tuning import (
    check_tuned,
    tune_as_published,
    tune_exactly,
    tuned_arrays,
    tuning_row,
)
from relu_optima.stage import Outcome, Scalar

if TYPE_CHECKING:
    from relu_optima.stage import Record, Task

NOTHING = ("no_solution", "refused")  # statuses of runs without a result


@dataclass(frozen=True)
class _Described:
    """A description, and what it describes."""

    problem: tuple[np.ndarray, ...]
    settings: tuple[float | str, ...]
    optimal: OptimalSet

    def answers(self, problem: tuple[np.ndarray, ...], settings: tuple[float | str, ...]) -> bool:
        """Whether this is the description of the same problem."""
        pairs = zip(self.problem, problem, strict=True)
        return settings == self.settings and all(np.array_equal(a, b) for a, b in pairs)


# the set described last: the runs of a batch often put many questions to one solution
_LAST: _Described | None = None


def run(task: Task) -> Outcome:
    """Describe, sample and summarise the optimal set."""
    config = task.groups["optimal_set"]
    assert isinstance(config, OptimalSetConfig)
    optimal = describe_record(task.upstream, config.slack_tol, config.merge_tol, config.rank_tol)
    if isinstance(optimal, Outcome):
        return optimal
    dataset = task.upstream["dataset"]
    data = dataset.arrays
    samples = optimal.sample(config.samples, task.seed)
    binary = dataset.row["task"] == "binary"
    series = _sample_series(optimal, samples, data["X_test"], data["y_test"], binary)
    smallest = optimal.smallest(node_limit=config.node_limit, time_limit=config.time_limit)
    vertices, vertex_status = _vertices(optimal, config.vertex_budget)
    series |= shadow_series(optimal, samples, vertices)
    min_norm = optimal.min_norm()
    row: dict[str, Scalar] = {
        "dimension": optimal.dimension,
        "is_unique": optimal.is_unique,
        "objective": optimal.objective,
        "penalty": optimal.penalty,
        "n_blocks": optimal.problem.count,
        "n_equicorrelated": int(optimal.equicorrelation.blocks.size),
        "n_directions": len(optimal.signs),
        "n_support": int(optimal.support.size),
        "n_antipodal_pairs": optimal.antipodal_pairs,
        "antipodal_dimension": optimal.antipodal_dimension,
        "n_start": int(np.count_nonzero(optimal.start)),
        "n_min_norm": int(np.count_nonzero(min_norm > 1e-9 * max(optimal.penalty, 1e-300))),
        "n_smallest": smallest.size,
        "n_smallest_bound": smallest.lower_bound,
        "smallest_status": smallest.status,
        "n_vertices": None if vertices is None else len(vertices),
        "vertex_status": vertex_status,
        "min_norm_squared": float(min_norm @ min_norm),
        "refine_residual": optimal.equicorrelation.residual,
        "slack_tolerance": optimal.equicorrelation.tolerance,
        "min_slack": optimal.min_slack,
        "n_samples": len(samples),
    }
    row |= _spread(series)
    arrays: dict[str, np.ndarray] = {}
    if config.tuning != "none":
        try:
            tuned = (
                tune_exactly(optimal, data)
                if config.tuning == "exact"
                else tune_as_published(optimal, data, config.interior_tol)
            )
        except DegenerateError as error:
            return Outcome({"message": " ".join(str(error).split())}, "refused")
        row |= tuning_row(tuned, optimal, data["X_test"], data["y_test"], binary=binary)
        arrays |= tuned_arrays(tuned)
    arrays |= {
        "directions": optimal.directions,
        "signs": optimal.signs,
        "columns": optimal.body.columns,
        "fit": optimal.fit,
        "slack": optimal.equicorrelation.slack,
        "start": optimal.start,
        "min_norm": min_norm,
        "smallest": smallest.beta,
        "samples": samples,
    }
    if vertices is not None:
        arrays["vertices"] = vertices
    if config.topology:
        widths = staircase(optimal, config.vertex_budget, task.upstream.get("training"))
        row, series, arrays = row | widths.row, series | widths.series, arrays | widths.arrays
    documents: dict[str, Any] = {"slack_histogram": optimal.slack_histogram()}
    status = "ok" if smallest.status == "optimal" else smallest.status
    return Outcome(row=row, status=status, series=series, arrays=arrays, documents=documents)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored description from the data alone."""
    if record.status in NOTHING:
        return []
    data, convex = upstream["dataset"].arrays, upstream["convex"]
    stored = record.arrays
    problems: list[str] = []
    y = data["y_train"].reshape(-1)
    lam = float(convex.row["lam"] or 0.0)
    columns, fit, signs = stored["columns"], stored["fit"], stored["signs"]
    if columns.shape != (y.size, len(signs)) or fit.shape != y.shape:
        return [f"the stored set is not about these {y.size} samples"]
    residual = y - fit
    scale = max(float(np.linalg.norm(y)), 1e-300)
    if convex.row["formulation"] == "relu":
        expected = signs * np.maximum(data["X_train"] @ stored["directions"].T, 0.0)
        if not np.allclose(expected, columns, atol=1e-9 * scale):
            problems.append("columns are not the ReLU features of the stored directions")
    if len(signs) and np.abs(residual @ columns / lam - 1).max() > 1e-6:
        problems.append("a direction is not stationary: r'z differs from lam")
    for name in ("start", "min_norm", "smallest"):
        beta = stored[name]
        if beta.min(initial=0.0) < 0 or np.linalg.norm(columns @ beta - fit) > 1e-7 * scale:
            problems.append(f"{name} is not a point of the optimal set")
    objective = 0.5 * float(residual @ residual) + lam * float(stored["start"].sum())
    reported = float(record.row["objective"] or 0.0)
    if abs(objective - reported) > 1e-8 * max(objective, 1e-300):
        problems.append(f"the objective is {objective:.12g}, the row says {reported:.12g}")
    solved = float(convex.row["objective"] or 0.0)
    gap = float(convex.row["gap"] or 0.0)
    if abs(objective - solved) > (2 * abs(gap) + 1e-7) * max(solved, 1e-300):
        problems.append(f"the objective {objective:.9g} is not the solved {solved:.9g}")
    height = dual_norm(
        data["X_train"], residual, convex.arrays["gates"], str(convex.row["formulation"])
    )
    if height > lam * (1 + 1e-6):
        problems.append(f"the residual is not dual feasible: {height / lam - 1:.1e} too large")
    if "tuned_betas" in stored:
        problems += check_tuned(record, data, fit)
    if "vertices" in stored:
        problems += _check_vertices(stored["vertices"], columns, fit, scale)
    if "topology_status" in record.row:
        problems += check_staircase(record, data, lam)
    return problems


def describe_record(
    upstream: Mapping[str, Record],
    slack_tol: float,
    merge_tol: float,
    rank_tol: float = RANK_TOL,
) -> OptimalSet | Outcome:
    """Describe the optimal set of a stored solution; asked again at once, the answer is kept."""
    global _LAST
    data, convex = upstream["dataset"].arrays, upstream["convex"]
    other_loss = "loss_function" in convex.row
    if "objective" in convex.row and (other_loss or "v" not in convex.arrays):
        program = convex.config["groups"]["convex"]["program"]
        message = (
            "all optima are described for one output, listed gates and the squared loss; "
            f"{program} is another program (fix: convex.program=listed)"
        )
        return Outcome({"message": message}, "refused")
    if "v" not in convex.arrays:
        return Outcome({"message": f"the convex run ended as {convex.status}"}, "no_solution")
    solution = stored_solution(convex)
    problem = (data["X_train"], data["y_train"], solution.gates, solution.v, solution.w)
    settings = (solution.lam, solution.formulation, slack_tol, merge_tol, rank_tol)
    if _LAST is not None and _LAST.answers(problem, settings):
        return _LAST.optimal
    try:
        optimal = describe(
            solution,
            data["X_train"],
            data["y_train"],
            slack_tol=slack_tol,
            merge_tol=merge_tol,
            rank_tol=rank_tol,
        )
    except DegenerateError as error:
        return Outcome({"message": " ".join(str(error).split())}, "refused")
    _LAST = _Described(problem, settings, optimal)
    return optimal


def stored_solution(convex: Record) -> StoredSolution:
    """Read the solution back from a record of stage ``convex``."""
    return StoredSolution(
        gates=convex.arrays["gates"],
        v=convex.arrays["v"],
        w=convex.arrays["w"],
        lam=float(convex.row["lam"] or 0.0),
        formulation=str(convex.row["formulation"]),
    )


def _sample_series(
    optimal: OptimalSet, samples: np.ndarray, X: np.ndarray, y: np.ndarray, binary: bool
) -> dict[str, np.ndarray]:
    """Scores of each sampled model on the test inputs."""
    features = optimal.features(X)
    predictions = [features @ beta for beta in samples]
    zero = 1e-9 * max(optimal.penalty, 1e-300)
    series = {
        "n_neurons": np.array([int(np.sum(b > zero)) for b in samples], dtype=np.int64),
        "norm_squared": np.array([float(b @ b) for b in samples]),
    }
    return series | scores(predictions, y, "test", binary=binary)


def _spread(series: dict[str, np.ndarray]) -> dict[str, Scalar]:
    """Median, extremes and central 95 % of the sampled scores."""
    row: dict[str, Scalar] = {}
    for name in ("test_mse", "test_accuracy"):
        values = series.get(name)
        if values is None or not values.size:
            continue
        low, middle, high = np.quantile(values, [0.025, 0.5, 0.975])
        row |= {
            f"{name}_median": float(middle),
            f"{name}_low": float(low),
            f"{name}_high": float(high),
            f"{name}_min": float(values.min()),
            f"{name}_max": float(values.max()),
        }
    return row


def _vertices(optimal: OptimalSet, budget: int) -> tuple[np.ndarray | None, str]:
    try:
        return optimal.vertices(budget), "complete"
    except BudgetError:
        return None, "over_budget"


def _check_vertices(
    vertices: np.ndarray, columns: np.ndarray, fit: np.ndarray, scale: float
) -> list[str]:
    """Every vertex must fit, be non-negative and have independent columns."""
    problems = []
    for index, beta in enumerate(vertices):
        used = beta > 0
        fits = np.linalg.norm(columns @ beta - fit) <= 1e-7 * scale
        independent = np.linalg.matrix_rank(columns[:, used], tol=1e-9 * scale) == used.sum()
        if beta.min(initial=0.0) < 0 or not fits or not independent:
            problems.append(f"vertex {index} is not a minimal optimal model")
    return problems
