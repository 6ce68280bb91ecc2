"""What the polytope of all optima looks like along the two coefficients that move most freely."""

from __future__ import annotations

import numpy as np

from relu_optima.optimal_set.model_set import OptimalSet


def shadow_series(
    optimal: OptimalSet, samples: np.ndarray, vertices: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Project sampled models and the outline of the polytope on two coefficients.

    Parameters
    ----------
    optimal : OptimalSet
        All optimal models.
    samples : array, shape (m, k)
        Sampled models.
    vertices : array, shape (v, k), or None
        All vertices, if they were enumerated.

    Returns
    -------
    dict of str to array, shape (m,)
        ``coefficient_1``, ``coefficient_2`` of the samples, and ``edge_1``, ``edge_2``: as many
        points, evenly spaced along the closed outline. Empty for a set of fewer than two
        dimensions, without all vertices or with fewer than two samples.
    """
    if optimal.dimension < 2 or vertices is None or len(samples) < 2:
        return {}
    from scipy.linalg import qr
    from scipy.spatial import ConvexHull

    # the rows of an orthonormal basis of the affine hull that are largest and least alike
    first, second = qr(optimal.body.basis.T, mode="economic", pivoting=True)[2][:2]
    flat = vertices[:, [first, second]]
    corners = flat[ConvexHull(flat).vertices]
    closed = np.vstack([corners, corners[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0.0, along[-1], len(samples))
    return {
        "coefficient_1": samples[:, first].copy(),
        "coefficient_2": samples[:, second].copy(),
        "edge_1": np.interp(at, along, closed[:, 0]),
        "edge_2": np.interp(at, along, closed[:, 1]),
    }
