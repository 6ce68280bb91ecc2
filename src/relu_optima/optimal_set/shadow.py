"""What the polytope of all optima looks like along two of its coefficients."""

from __future__ import annotations

import itertools

import numpy as np

from relu_optima.optimal_set.model_set import OptimalSet


def shadow_series(
    optimal: OptimalSet, samples: np.ndarray, vertices: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Project sampled models and the outline of the polytope on two coefficients."""
    if optimal.dimension < 2 or vertices is None or len(samples) < 2:
        return {}
    first, second, corners = _widest(vertices)
    closed = np.vstack([corners, corners[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0.0, along[-1], len(samples))
    return {
        "coefficient_1": samples[:, first].copy(),
        "coefficient_2": samples[:, second].copy(),
        "edge_1": np.interp(at, along, closed[:, 0]),
        "edge_2": np.interp(at, along, closed[:, 1]),
    }


def _widest(vertices: np.ndarray) -> tuple[int, int, np.ndarray]:
    """Two coefficients whose shadow fills most of the box from zero to their largest values."""
    from scipy.spatial import ConvexHull, QhullError

    largest = vertices.max(axis=0)
    best, found = 0.0, (0, 1, vertices[:, :2])
    for first, second in itertools.combinations(np.flatnonzero(np.ptp(vertices, axis=0) > 0), 2):
        flat = vertices[:, [first, second]] / largest[[first, second]]
        try:
            hull = ConvexHull(flat)
        except QhullError:  # these two move together: their shadow is a segment
            continue
        if hull.volume > best:  # the area, in the plane
            best = float(hull.volume)
            found = (int(first), int(second), vertices[hull.vertices][:, [first, second]])
    return found
