"""Splines as runs of stage ``convex`` solve, describe and re-check them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from relu_optima.convex.one_dimensional.certificate import certify_spline
from relu_optima.convex.one_dimensional.line import Line, line_through
from relu_optima.convex.one_dimensional.network import FreeBiasNetwork
from relu_optima.convex.one_dimensional.solution import SplineSolution, dual_tube
from relu_optima.convex.one_dimensional.solver import interpolate, spline, spline_beta_max
from relu_optima.convex.program_row import canonical_strength, score_row
from relu_optima.convex.programs.spline import Config
from relu_optima.errors import SolveInputError
from relu_optima.stage import Outcome, Record, Scalar, Task

SHOWN = 2000  # rows whose fit and dual curve a record keeps as series: what a figure can show
SAME = 1e-9  # relative; sums of the same numbers in another order


def run(task: Task, config: Config) -> Outcome:
    """Solve the program of one data set and certify the answer."""
    dataset = task.upstream["dataset"]
    X, y = dataset.arrays["X_train"], _scalar_targets(dataset)
    line = line_through(X)
    x = line.coordinate
    lam_max = None
    if config.loss not in ("hinge", "interpolation"):
        lam_max = spline_beta_max(x, y, loss=config.loss, delta=config.delta)
    if config.loss == "interpolation":
        solution, lam = interpolate(x, y), None
    else:
        if lam_max is None and config.lam_scale == "lambda_max":
            raise SolveInputError(
                "the hinge loss has no closed form of it",
                allowed="absolute, per_sample, data_norm, training",
                where="convex.lam_scale",
            )
        lam = canonical_strength(config, X, y, lam_max or 0.0, task.upstream.get("training"))
        solution = spline(
            x, y, lam, loss=config.loss, delta=config.delta, tol=config.tol,
            time_limit=config.time_limit,
        )  # fmt: skip
    return _outcome(solution, line, dataset, lam, lam_max)


def _scalar_targets(dataset: Record) -> np.ndarray:
    y = np.asarray(dataset.arrays["y_train"], dtype=np.float64)
    if y.ndim == 2 and y.shape[1] != 1:
        raise SolveInputError(
            f"the targets have {y.shape[1]} columns", allowed="one output", where="dataset"
        )
    return y.reshape(-1)


def _outcome(
    solution: SplineSolution, line: Line, dataset: Record, lam: float | None, lam_max: float | None
) -> Outcome:
    narrow = solution.network(narrow=True)
    network = line.lift(solution.network())
    row: dict[str, Scalar] = {
        "formulation": "relu",
        "status": solution.status,
        "lam": lam,
        "lam_max": lam_max,
        "lam_fraction": lam / lam_max if lam is not None and lam_max else None,
        "objective": solution.objective,
        "dual_objective": solution.dual_objective,
        "gap": solution.gap,
        "dual_height": solution.violation,
        "network_objective": solution.objective_of(solution.network()),
        "n_neurons": int(network.w2.size),
        "least_width": int(narrow.w2.size),
        "least_width_bound": solution.least_width_bound,
        "n_spline_knots": int(solution.knots.size),
        "norm": solution.norm,
        "tau": solution.tau,
        "regime": solution.regime,
    }
    row |= {f"n_{name}": count for name, count in solution.counts.items() if name != "corner"}
    row |= score_row(lambda X: solution.predict(_coordinates(line, X)), dataset)
    return Outcome(
        row=row,
        status="ok" if solution.status == "optimal" else solution.status,
        series=_series(solution),
        arrays={
            "nodes": solution.nodes,
            "node_values": solution.node_values,
            "dual": solution.dual,
            "W1": network.W1,
            "b1": network.b1,
            "w2": network.w2,
            "b2": np.array(network.b2),
        },
    )


def _coordinates(line: Line, X: np.ndarray) -> np.ndarray:
    """Read rows along the line; what is orthogonal to it no optimal network sees."""
    return np.asarray((np.asarray(X, dtype=np.float64) - line.origin) @ line.direction)


def _series(solution: SplineSolution) -> dict[str, np.ndarray]:
    x, curve = dual_tube(solution)
    over = curve / (solution.beta or 1.0)
    series = {
        "knot.x": solution.knots,
        "knot.fit": solution.values,
        "knot.dual": over[np.searchsorted(x, solution.knots)],
    }
    if x.size <= SHOWN:
        order = np.argsort(solution.x, kind="stable")
        series |= {
            "data.x": x,
            "data.y": solution.y[order],
            "data.fit": solution.predict(x),
            "data.dual": over,
        }
    return series


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored spline and its network from the data alone."""
    data, stored, row = upstream["dataset"], record.arrays, record.row
    X, y = data.arrays["X_train"], _scalar_targets(data)
    line = line_through(X)
    x = line.coordinate
    settings = record.config["groups"]["convex"]
    loss, delta = str(settings.get("loss", "squared")), float(settings.get("delta", 1.0))
    lam = float(row["lam"] or 0.0)
    ones = np.ones(x.size)
    if (
        np.any(np.diff(stored["nodes"]) <= 0)
        or stored["nodes"].shape != stored["node_values"].shape
    ):
        return ["the nodes do not increase, or are not as many as their values"]
    proof = certify_spline(
        x, y, ones, lam, loss, stored["nodes"], stored["node_values"],
        dual=stored["dual"], delta=delta,
    )  # fmt: skip
    problems = []
    scale = max(abs(proof.objective), abs(float(np.ptp(y))) ** 2 * SAME, 1e-300)
    for name, value in (
        ("objective", proof.objective),
        ("dual_objective", proof.dual_objective),
        ("norm", proof.norm),
    ):
        said = float(row[name] or 0.0)
        if abs(value - said) > SAME * max(scale, abs(value)):
            problems.append(f"{name} is {value:.12g}, the row says {said:.12g}")
    if proof.gap > float(row["gap"] or 0.0) + SAME:
        problems.append(f"the certified gap is {proof.gap:.3g}, the row says {row['gap']}")
    if loss == "interpolation" and proof.violation > SAME * max(1.0, float(np.abs(y).max())):
        problems.append(f"the spline misses a target by {proof.violation:.3g}")
    if np.max(np.abs(proof.dual - stored["dual"])) > SAME * max(1.0, np.abs(proof.dual).max()):
        problems.append("the stored dual vector is not the one of the stored spline")
    network = FreeBiasNetwork(stored["W1"], stored["b1"], stored["w2"], stored["b2"].item())
    held = SplineSolution(
        x=x, y=y, weights=ones, beta=lam, loss=loss, nodes=stored["nodes"],
        node_values=stored["node_values"], objective=0.0, dual_objective=0.0, gap=0.0,
        violation=0.0, dual=stored["dual"], tau=0.0, status="", counts={}, seconds=0.0,
        delta=delta,
    )  # fmt: skip
    strength = 1.0 if loss == "interpolation" else lam
    value = held.loss_of(network.predict(X)) + strength * network.penalty()
    if abs(value - float(row["network_objective"] or 0.0)) > SAME * max(scale, abs(value)):
        problems.append(f"the stored network has objective {value:.12g}")
    return problems
