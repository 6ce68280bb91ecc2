"""What a run records of the optimal networks of each width, and the check of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from math import factorial

import numpy as np

from relu_optima.optimal_set.descent import descend
from relu_optima.optimal_set.model_set import OptimalSet
from relu_optima.optimal_set.topology import Topology
from relu_optima.stage import Record, Scalar

SAMPLES = 100  # networks looked at on each segment of a path
ALONG = 10  # the same on each segment of a descent
PAIRS = 300  # vertices up to which a check looks at all pairs by itself
RISE = 1e-12  # relative rise of the objective along a path that is rounding


@dataclass(frozen=True)
class Staircase:
    """Results on the widths of one optimal set.

    Attributes
    ----------
    row : dict of str to scalar
        Result columns.
    series : dict of str to array
        Counts by width.
    arrays : dict of str to array
        A path between a smallest and a largest vertex.
    """

    row: dict[str, Scalar]
    series: dict[str, np.ndarray] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


def staircase(optimal: OptimalSet, vertex_budget: int, training: Record | None) -> Staircase:
    """Count components by width, connect two vertices, lead a trained network to an optimum."""
    found = optimal.topology(vertex_budget)
    row: dict[str, Scalar] = {
        "topology_status": found.status,
        "m_star": found.m_star,
        "M_star": found.M_star,
        "connected_from": found.connected_from,
        "connected_bound": found.bound,
        "published_bound": _published(found, len(optimal.fit)),
    }
    levels = found.table
    series: dict[str, np.ndarray] = {"staircase.width": np.array(list(levels), dtype=np.int64)}
    for name in ("isolated_up_to_order", "isolated_points", "continua", "components"):
        # as numbers of float64: there are m! orders of m neurons
        counts = [float(level[name]) for level in levels.values()]
        series[f"staircase.{name}"] = np.array(counts, dtype=np.float64)
    arrays: dict[str, np.ndarray] = {}
    if found.vertices is not None and found.connected_from is not None and found.m_star:
        path = found.path(found.vertices[0], found.vertices[-1], found.connected_from)
        blocks, start, end = path.blocks, path.start, path.end
        row["path_segments"] = len(path)
        row["path_drift"] = _drift(optimal, blocks, start, end)
        arrays = {"path_blocks": blocks, "path_start": start, "path_end": end}
    if training is not None:
        values, excess = _descent(optimal, training)
        row |= values
        series["descent.position"] = np.arange(len(excess)) / ALONG
        series["descent.excess"] = excess
    return Staircase(row, series, arrays)


def _published(found: Topology, rows: int) -> int:
    """Width from which Kim, Mishkin and Pilanci (2025) know the set to be connected."""
    if found.m_star is None or found.M_star is None:
        return rows + 1
    return max(1, min(found.m_star + found.M_star, rows + 1))


def _drift(optimal: OptimalSet, blocks: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    problem = optimal.problem
    return path_drift(
        problem.X, problem.y, problem.lam, optimal.directions, optimal.signs, blocks, start, end
    )


def path_drift(
    X: np.ndarray,
    y: np.ndarray,
    lam: float,
    directions: np.ndarray,
    signs: np.ndarray,
    blocks: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
) -> float:
    """Relative range of the objective of the networks along a path, evaluated with real ReLUs."""
    values = []
    for held, first, last in zip(blocks, start, end, strict=True):
        W, s = directions[held], signs[held]
        for share in np.linspace(0.0, 1.0, SAMPLES + 1):
            c = np.where(held >= 0, (1 - share) * first + share * last, 0.0)
            first_layer, second = np.sqrt(c)[:, None] * W, np.sqrt(c) * s
            error = np.maximum(X @ first_layer.T, 0.0) @ second - y
            size = float(np.sum(first_layer**2) + second @ second)
            values.append(0.5 * float(error @ error) + 0.5 * lam * size)
    return float(np.ptp(values)) / max(abs(values[0]), 1e-300) if values else 0.0


def _descent(optimal: OptimalSet, training: Record) -> tuple[dict[str, Scalar], np.ndarray]:
    """Lead the network of a training run to an optimum, where it is one of this program."""
    weights = training.arrays
    shallow = "W1" in weights and "W2" not in weights and weights["W1"].shape[0] == 1
    biased = any(np.any(weights[name]) for name in ("b0", "b1") if name in weights)
    if not shallow or biased or not optimal.problem.constrained:
        return {"descent_status": "other_network"}, np.zeros(0)
    W, w = (np.asarray(weights[name], dtype=float) for name in ("W0", "W1"))
    found = descend(optimal, W, w[0])
    problem = optimal.problem
    values = found.objectives(problem.X, problem.y, problem.lam, ALONG)
    row: dict[str, Scalar] = {
        "descent_status": "reached" if found.found else "too_narrow",
        "descent_width": len(w[0]),
        "descent_slots": found.slots,
        "descent_segments": len(found),
        "descent_start": float(values[0]) / optimal.objective - 1,
        "descent_end": float(values[-1]) / optimal.objective - 1,
        "descent_rise": float(max(np.diff(values).max(), 0.0)) / optimal.objective,
    }
    return row, values / optimal.objective - 1


def check_staircase(record: Record, data: Mapping[str, np.ndarray], lam: float) -> list[str]:
    """Re-check a stored staircase: counts from pairs of vertices, the path from real networks."""
    row, stored = record.row, record.arrays
    problems = []
    if row["topology_status"] == "exact" and len(stored["vertices"]) <= PAIRS:
        problems += _check_counts(record, stored["vertices"] > 0)
    if "path_blocks" in stored:
        held, start, end = (stored[f"path_{name}"] for name in ("blocks", "start", "end"))
        jump = np.abs(end[:-1] - start[1:]).max(initial=0.0)
        moved = (held[:-1] != held[1:]) & ((end[:-1] > 0) | (start[1:] > 0))
        if min(start.min(initial=0.0), end.min(initial=0.0)) < 0 or moved.any() or jump > 1e-9:
            return [*problems, "the path has a jump or a negative coefficient"]
        X, y = data["X_train"], np.asarray(data["y_train"]).reshape(-1)
        drift = path_drift(X, y, lam, stored["directions"], stored["signs"], held, start, end)
        if drift > max(1e-9, 2 * float(row["path_drift"] or 0.0)):
            problems.append(f"the objective changes by {drift:.1e} along the path")
    if float(row.get("descent_rise") or 0.0) > RISE:
        problems.append(f"the objective rises by {row['descent_rise']:.1e} along the descent")
    return problems


def _check_counts(record: Record, used: np.ndarray) -> list[str]:
    """Count by merging classes of vertices, pair after pair, without a spanning tree."""
    sizes = used.sum(axis=1)
    problems = []
    for m, isolated, components in zip(
        record.series["staircase.width"],
        record.series["staircase.isolated_points"],
        record.series["staircase.components"],
        strict=True,
    ):
        below = np.flatnonzero(sizes < m)
        label = {int(i): int(i) for i in below}
        for i, j in combinations(label, 2):
            if np.sum(used[i] | used[j]) <= m and label[i] != label[j]:
                old, new = label[i], label[j]
                label = {k: new if v == old else v for k, v in label.items()}
        points = int(np.sum(sizes == m)) * factorial(int(m))
        pieces = len(set(label.values()))
        if float(points) != isolated or float(points + pieces) != components:
            problems.append(f"width {m}: {points} isolated points and {pieces} other components")
    return problems
