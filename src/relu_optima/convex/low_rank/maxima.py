"""Compiled bookkeeping of a sweep over the sphere: the largest point, and which points are maxima.

A vertex is a local maximum of h^2 if h^2 falls along every edge at it, on all circles that meet
there; `relu_optima.convex.low_rank.sweep` has the reason.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled


@compiled
def offer(
    found: np.ndarray, count: int, frame: np.ndarray, point: np.ndarray, value: float, listed: bool
) -> int:
    """Take a point of a frame as the largest if it is, and as a local maximum if it is one."""
    new = value > found[0, 3]
    if new or (listed and count < len(found)):
        for i in range(3):
            x = point[0] * frame[0, i] + point[1] * frame[1, i] + point[2] * frame[2, i]
            if new:
                found[0, i] = x
            if listed and count < len(found):
                found[count, i] = x
        if new:
            found[0, 3] = value
        if listed and count < len(found):
            found[count, 3] = value
    return count + 1 if listed else count


@compiled
def at_vertex(
    j: int,
    group: np.ndarray,
    vertex: np.ndarray,
    value: float,
    listed: bool,
    before: np.ndarray,
    frame: np.ndarray,
    b: np.ndarray,
    A: np.ndarray,
    B: np.ndarray,
    found: np.ndarray,
    count: int,
    work: np.ndarray,
) -> int:
    """Take a vertex; it is listed from the first of the circles that meet there."""
    for i in range(group.size):
        listed = listed and group[i] > j
    if listed:
        K = A.shape[1]
        w = work[0]
        for c in range(K):
            w[c] = before[0, c] * vertex[0] + before[1, c] * vertex[1]
        listed = _falls_around(j, group, vertex, w[:K], before, frame, b, A, B)
    if not listed and value <= found[0, 3]:
        return count
    point = work[1]
    point[0], point[1], point[2] = vertex[0], vertex[1], 0.0
    return offer(found, count, frame, point, value, listed)


@compiled
def _falls_around(
    j: int,
    group: np.ndarray,
    vertex: np.ndarray,
    w: np.ndarray,
    before: np.ndarray,
    frame: np.ndarray,
    b: np.ndarray,
    A: np.ndarray,
    B: np.ndarray,
) -> bool:
    """Tell whether h^2 falls from a vertex along the other circles of a group that meet there."""
    u, onward, rest = np.empty(3), np.empty(3), np.zeros(3)
    for i in range(3):
        u[i] = vertex[0] * frame[0, i] + vertex[1] * frame[1, i]
        onward[i] = vertex[0] * frame[1, i] - vertex[1] * frame[0, i]
        for c in range(w.size):
            rest[i] += w[c] * (
                before[0, c] * frame[0, i] + before[1, c] * frame[1, i] + before[2, c] * frame[2, i]
            )
    # the gradient of what does not pass through the vertex: the group's own part is taken off
    for k in group:
        into = b[k, 0] * onward[0] + b[k, 1] * onward[1] + b[k, 2] * onward[2]
        pull = 0.0
        for c in range(w.size):
            pull += w[c] * (-B[k, c] if into > 0.0 else A[k, c])
        for i in range(3):
            rest[i] -= b[k, i] * pull
    t = np.empty(3)
    for k in group:
        t[0] = u[1] * b[k, 2] - u[2] * b[k, 1]
        t[1] = u[2] * b[k, 0] - u[0] * b[k, 2]
        t[2] = u[0] * b[k, 1] - u[1] * b[k, 0]
        for sign in (1.0, -1.0):
            slope = sign * (rest[0] * t[0] + rest[1] * t[1] + rest[2] * t[2])
            for q in range(-1, group.size):
                other = j if q < 0 else group[q]
                if other == k:
                    continue
                along = b[other, 0] * t[0] + b[other, 1] * t[1] + b[other, 2] * t[2]
                pull = 0.0
                for c in range(w.size):
                    pull += w[c] * (A[other, c] if sign * along > 0.0 else B[other, c])
                slope += abs(along) * pull
            if slope > 0.0:
                return False
    return True
