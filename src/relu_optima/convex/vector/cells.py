r"""Cells of the arrangement with the rows that bound them.

The cone of a pattern is {u : (2 d_i - 1) x_i'u >= 0 for all i}. Most rows are implied by others:
with an interior point g and rows a_i (a_i'g > 0), row i is needed iff a_i / a_i'g is a vertex of
the convex hull of all of them, which lies in the hyperplane a'g = 1 of dimension r - 1.
"""

from __future__ import annotations

import numpy as np

PARALLEL = 1e-10  # extent of the hull, relative to its largest, below which it is flat


def needed_rows(A: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Return which rows of {u : A u >= 0} are not implied by the others, g being inside."""
    lengths = np.linalg.norm(A, axis=1)
    rows = np.flatnonzero(lengths > 0)
    if not rows.size:
        return rows
    scaled = A[rows] / (A[rows] @ g)[:, None]
    centred = scaled - scaled.mean(axis=0)
    _, values, Vt = np.linalg.svd(centred, full_matrices=False)
    dimension = int(np.sum(values > PARALLEL * max(1.0, float(np.abs(scaled).max()))))
    if dimension == 0:
        return rows[:1]
    flat = centred @ Vt[:dimension].T
    if dimension == 1:
        return np.asarray(rows[np.unique([int(flat[:, 0].argmin()), int(flat[:, 0].argmax())])])
    from scipy.spatial import ConvexHull

    return np.asarray(rows[np.sort(ConvexHull(flat).vertices)])
