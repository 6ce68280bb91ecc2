r"""Compiled sweep over all activation patterns of data of rank three: one great circle at a time.

The mathematics is that of `relu_optima.convex.low_rank.sweep`. Every cell is seen from each of its
edges. All vectors of a circle are kept in its own frame (q1, q2, b_j); ``G`` leaves hyperplane j
out, so the cells on its two sides have G + b_j A_j' and G - b_j B_j'.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled
from relu_optima.convex.low_rank.sweep import top_of_three, top_of_two


@compiled
def sweep_sphere(
    b: np.ndarray,
    A: np.ndarray,
    B: np.ndarray,
    order: np.ndarray,
    tied: np.ndarray,
    frames: np.ndarray,
    first: int,
    level: float,
    found: np.ndarray,
) -> int:
    """List local maxima of h^2 above a level on the sphere, those on and beside some circles.

    Parameters
    ----------
    b : array, shape (m, 3)
        Unit normals that span the space, no two parallel.
    A, B : array, shape (m, K)
        Their weights.
    order : array of int, shape (c, m - 1)
        Hyperplanes in the order in which each circle crosses them, k where it is upwards in the
        first half and ~k where downwards; half a turn later it crosses all of them back.
    tied : array of bool, shape (c, m - 1)
        Where a crossing is at the place of the one before.
    frames : array, shape (c, 2, 3)
        Orthonormal basis of the plane of each circle.
    first : int
        Hyperplane of the first of these circles; the others follow.
    level : float
        h^2 above which maxima are listed.
    found : array, shape (capacity, 4)
        Receives u and h^2 of each, maxima inside a cell more than once; its first place holds the
        largest of all so far, and receives that of these circles if it is larger.

    Returns
    -------
    int
        How many places are filled, the first included; more than there are if some were left out.
    """
    m, K = A.shape
    count = 1
    G, before = np.zeros((3, K)), np.zeros((3, K))
    turn, jump, frame = np.zeros((m - 1, 5)), np.zeros((m - 1, K)), np.zeros((3, 3))
    start, end, work = np.zeros(2), np.zeros(2), np.zeros((6, max(3, K)))
    group = np.zeros(m, dtype=np.int64)
    for circle in range(len(order)):
        j = first + circle
        frame[:2] = frames[circle]
        frame[2] = b[j]
        line, ties = order[circle], tied[circle]
        _begin(line, b, A, B, frame, turn, jump, G)
        p, half = 0, 1.0
        end[0], end[1] = turn[0, 3], turn[0, 4]
        while half != 0.0:
            start[0], start[1] = end[0], end[1]
            before[:] = G
            members = 0
            while True:
                group[members] = line[p] if line[p] >= 0 else ~line[p]
                members += 1
                for c in range(K):
                    weight = half * jump[p, c]
                    G[0, c] += turn[p, 0] * weight
                    G[1, c] += turn[p, 1] * weight
                    G[2, c] += turn[p, 2] * weight
                p += 1
                if p == m - 1 or not ties[p]:
                    break
            past, side = p - 1, half
            if p == m - 1:
                p, half = 0, -1.0 if half > 0.0 else 0.0
            ahead = half if half != 0.0 else 1.0
            end[0], end[1] = ahead * turn[p, 3], ahead * turn[p, 4]
            planar, value, rise, fall, upper, lower = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for c in range(K):
                x, y, z = G[0, c], G[1, c], G[2, c]
                w = x * start[0] + y * start[1]
                value += w * w
                rise += w * (before[1, c] * start[0] - before[0, c] * start[1])
                fall += w * (y * start[0] - x * start[1])
                planar += x * x + y * y
                upper += (z + A[j, c]) * (z + A[j, c])
                lower += (z - B[j, c]) * (z - B[j, c])
            least = min(level, found[0, 3])
            if value > least:
                listed = value > level and rise >= 0.0 and fall <= 0.0
                count = _at_vertex(
                    j, group[:members], start, value, listed, before, frame, b, A, B, found, count,
                    work,
                )  # fmt: skip
            if planar + max(upper, lower) <= least:
                continue
            if planar > least and _peaks(G, start, end, fall):
                count = _along_arc(j, start, end, planar, G, frame, A, B, level, found, count, work)
            if planar + upper > least and _may_hold(G, A, j, 1.0, turn, past, side, p, ahead):
                count = _beside_arc(
                    j, 1.0, start, end, turn, past, side, p, ahead, G, frame, b, A, level, found,
                    count, work,
                )  # fmt: skip
            if planar + lower > least and _may_hold(G, B, j, -1.0, turn, past, side, p, ahead):
                count = _beside_arc(
                    j, -1.0, start, end, turn, past, side, p, ahead, G, frame, b, B, level, found,
                    count, work,
                )  # fmt: skip
    return count


@compiled
def _peaks(G: np.ndarray, start: np.ndarray, end: np.ndarray, rise: float) -> bool:
    """Tell whether h^2 may have a maximum inside an arc: a sinusoid that rises, then falls.

    Over a quarter turn or more its slopes at the ends tell nothing.
    """
    if start[0] * end[0] + start[1] * end[1] <= 0.0:
        return True
    fall = 0.0
    for c in range(G.shape[1]):
        w = G[0, c] * end[0] + G[1, c] * end[1]
        fall += w * (G[1, c] * end[0] - G[0, c] * end[1])
    return rise >= 0.0 and fall <= 0.0


@compiled
def _between(
    x: float,
    y: float,
    z: float,
    turn: np.ndarray,
    past: int,
    side: float,
    p: int,
    ahead: float,
) -> bool:
    """Tell whether a vector has passed the crossing behind an arc and not the one ahead."""
    if ahead * (turn[p, 0] * x + turn[p, 1] * y + turn[p, 2] * z) >= 0.0:
        return False
    return bool(side * (turn[past, 0] * x + turn[past, 1] * y + turn[past, 2] * z) > 0.0)


@compiled
def _may_hold(
    G: np.ndarray,
    weight: np.ndarray,
    j: int,
    above: float,
    turn: np.ndarray,
    past: int,
    side: float,
    p: int,
    ahead: float,
) -> bool:
    """Tell whether the maximiser may lie in the cell beside an arc; one output tells at once."""
    if G.shape[1] > 1:
        return True
    z = above * G[2, 0] + weight[j, 0]
    sign = 1.0 if z > 0.0 else -1.0
    return _between(sign * G[0, 0], sign * G[1, 0], sign * above * z, turn, past, side, p, ahead)


@compiled
def _begin(
    line: np.ndarray,
    b: np.ndarray,
    A: np.ndarray,
    B: np.ndarray,
    frame: np.ndarray,
    turn: np.ndarray,
    jump: np.ndarray,
    G: np.ndarray,
) -> None:
    """Write normals as a circle crosses them upwards, and where; their jumps; and G before them."""
    G[:] = 0.0
    for p in range(line.size):
        k, s = line[p], 1.0
        if k < 0:
            k, s = ~k, -1.0
        for i in range(3):
            turn[p, i] = s * (frame[i, 0] * b[k, 0] + frame[i, 1] * b[k, 1] + frame[i, 2] * b[k, 2])
        scale = 1.0 / np.sqrt(turn[p, 0] * turn[p, 0] + turn[p, 1] * turn[p, 1])
        turn[p, 3], turn[p, 4] = turn[p, 1] * scale, -turn[p, 0] * scale
        for c in range(A.shape[1]):
            jump[p, c] = A[k, c] + B[k, c]
            weight = B[k, c] if s > 0.0 else A[k, c]
            for i in range(3):
                G[i, c] -= turn[p, i] * weight


@compiled
def _offer(
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
def _at_vertex(
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
    return _offer(found, count, frame, point, value, listed)


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


@compiled
def _along_arc(
    j: int,
    start: np.ndarray,
    end: np.ndarray,
    planar: float,
    G: np.ndarray,
    frame: np.ndarray,
    A: np.ndarray,
    B: np.ndarray,
    level: float,
    found: np.ndarray,
    count: int,
    work: np.ndarray,
) -> int:
    """Look at the maximum inside an arc; local where h^2 falls to both sides of the circle."""
    K = A.shape[1]
    if K == 1:
        length = np.sqrt(planar)
        value, x, y = planar, G[0, 0] / length, G[1, 0] / length
    else:
        a, d, f = 0.0, 0.0, 0.0
        for c in range(K):
            a += G[0, c] * G[0, c]
            d += G[0, c] * G[1, c]
            f += G[1, c] * G[1, c]
        value, x, y = top_of_two(a, d, f)
        if value <= min(level, found[0, 3]):
            return count
    left, right = start[0] * y - start[1] * x, x * end[1] - y * end[0]
    if left < 0.0 and right < 0.0:
        x, y = -x, -y
    elif not (left > 0.0 and right > 0.0):
        return count
    up, down = 0.0, 0.0
    for c in range(K):
        w = G[0, c] * x + G[1, c] * y
        up += w * (G[2, c] + A[j, c])
        down -= w * (G[2, c] - B[j, c])
    listed = value > level and up <= 0.0 and down <= 0.0
    if not listed and value <= found[0, 3]:
        return count
    point = work[1]
    point[0], point[1], point[2] = x, y, 0.0
    return _offer(found, count, frame, point, value, listed)


@compiled
def _beside_arc(
    j: int,
    above: float,
    start: np.ndarray,
    end: np.ndarray,
    turn: np.ndarray,
    past: int,
    side: float,
    p: int,
    ahead: float,
    G: np.ndarray,
    frame: np.ndarray,
    b: np.ndarray,
    weight: np.ndarray,
    level: float,
    found: np.ndarray,
    count: int,
    work: np.ndarray,
) -> int:
    """Look for a maximum inside the cell on one side of an arc."""
    K = weight.shape[1]
    e, u, middle, M = work[0], work[1], work[2], work[3:6]
    M[:] = 0.0
    for c in range(K):
        x, y, z = G[0, c], G[1, c], G[2, c] + above * weight[j, c]
        if K == 1:
            value = x * x + y * y + z * z
            length = np.sqrt(value)
            e[0], e[1], e[2] = x / length, y / length, z / length
        M[0, 0] += x * x
        M[0, 1] += x * y
        M[0, 2] += x * z
        M[1, 1] += y * y
        M[1, 2] += y * z
        M[2, 2] += z * z
    if K > 1:
        value = top_of_three(M, e)
        if value <= min(level, found[0, 3]):
            return count
    if e[2] * above < 0.0:
        e[0], e[1], e[2] = -e[0], -e[1], -e[2]
    if not _between(e[0], e[1], e[2], turn, past, side, p, ahead):
        return count
    for i in range(3):
        u[i] = e[0] * frame[0, i] + e[1] * frame[1, i] + e[2] * frame[2, i]
        middle[i] = (start[0] + end[0]) * frame[0, i] + (start[1] + end[1]) * frame[1, i]
    for k in range(len(b)):
        if k == j:
            continue
        one = b[k, 0] * u[0] + b[k, 1] * u[1] + b[k, 2] * u[2]
        two = b[k, 0] * middle[0] + b[k, 1] * middle[1] + b[k, 2] * middle[2]
        if one * two <= 0.0:
            return count
    return _offer(found, count, frame, e, value, value > level)
