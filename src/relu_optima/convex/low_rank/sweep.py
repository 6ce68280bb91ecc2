r"""Compiled sweeps over all activation patterns of data of rank two and three.

With the hyperplanes b_j and their weights A_j, B_j (`relu_optima.convex.low_rank.hyperplanes`) the
function to be maximised over unit vectors u is

.. math:: h(u)^2 = \lVert G^\top u \rVert^2, \qquad
          G = \sum_{b_j^\top u > 0} b_j A_j^\top - \sum_{b_j^\top u < 0} b_j B_j^\top ,

and G is constant on each cell of the arrangement. Crossing hyperplane j towards its normal adds
b_j (A_j + B_j)': a sweep costs a few sums for each cell.

On a circle a cell is an arc, where h^2 = u'GG'u is a sinusoid: its maximum is the top eigenvector
if that lies in the arc, and an end of the arc otherwise. On the sphere a maximum lies inside a
cell (an eigenvector again), inside an edge, or at a vertex. Edges and vertices lie on the m great
circles b_j^perp, each of which is swept like the plane. A multiple top eigenvalue needs no case
of its own: its eigenspace leaves the cell, which is pointed, so an end or edge has that value too.
A point is a local maximum if h^2 falls along all edges at it, since its one-sided derivative is
linear on each cell and so largest on an edge.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled

BLOCK = 256  # events between two sums that are taken anew, so that rounding does not add up


@compiled
def top_of_two(a: float, b: float, c: float) -> tuple[float, float, float]:
    """Return the top eigenvalue of [[a, b], [b, c]] and its unit vector."""
    half = 0.5 * (a - c)
    radius = np.sqrt(half * half + b * b)
    if half >= 0.0:
        x, y = half + radius, b
    else:
        x, y = b, radius - half
    length = np.sqrt(x * x + y * y)
    if length == 0.0:
        return 0.5 * (a + c), 1.0, 0.0
    return float(0.5 * (a + c) + radius), float(x / length), float(y / length)


@compiled
def top_of_three(M: np.ndarray, e: np.ndarray) -> float:
    """Return the top eigenvalue of a symmetric 3 x 3 matrix and write its unit vector.

    Only the upper triangle of M is read.
    The root of the characteristic cubic by cosines (Smith 1961); the vector is the longest cross
    product of two rows of M - value I. Where the value is nearly multiple the vector is inexact,
    which its Rayleigh quotient, the value that is returned, takes into account.
    """
    mean = (M[0, 0] + M[1, 1] + M[2, 2]) / 3.0
    off = M[0, 1] * M[0, 1] + M[0, 2] * M[0, 2] + M[1, 2] * M[1, 2]
    a, b, c = M[0, 0] - mean, M[1, 1] - mean, M[2, 2] - mean
    spread = np.sqrt((a * a + b * b + c * c + 2.0 * off) / 6.0)
    if spread == 0.0:
        e[0], e[1], e[2] = 1.0, 0.0, 0.0
        return float(mean)
    x, y, z = M[0, 1] / spread, M[0, 2] / spread, M[1, 2] / spread
    a, b, c = a / spread, b / spread, c / spread
    half = 0.5 * (a * (b * c - z * z) - x * (x * c - z * y) + y * (x * z - b * y))
    value = 2.0 * np.cos(np.arccos(min(1.0, max(-1.0, half))) / 3.0)
    a, b, c = a - value, b - value, c - value
    best = 0.0
    for pair in range(3):
        if pair == 0:
            p, q, r = x * z - y * b, y * x - a * z, a * b - x * x
        elif pair == 1:
            p, q, r = x * c - y * z, y * y - a * c, a * z - x * y
        else:
            p, q, r = b * c - z * z, z * y - x * c, x * z - b * y
        length = np.sqrt(p * p + q * q + r * r)
        if length > best:
            best = length
            e[0], e[1], e[2] = p / length, q / length, r / length
    if best == 0.0:
        e[0], e[1], e[2] = 1.0, 0.0, 0.0
    total = 2.0 * (e[0] * (M[0, 1] * e[1] + M[0, 2] * e[2]) + e[1] * M[1, 2] * e[2])
    for i in range(3):
        total += e[i] * M[i, i] * e[i]
    return float(total)


@compiled
def sweep_plane(
    b: np.ndarray, A: np.ndarray, B: np.ndarray, level: float, found: np.ndarray
) -> int:
    """List the local maxima of h^2 above a level on the circle.

    The normals' angles are in [0, pi) and grow, so from the angle -pi/2 on, where all b_j'u are
    negative, each hyperplane is crossed upwards in turn, and downwards half a turn later.

    Parameters
    ----------
    b : array, shape (m, 2)
        Unit normals, m at least 2.
    A, B : array, shape (m, K)
        Their weights.
    level : float
        h^2 above which maxima are listed.
    found : array, shape (4 m + 1, 3)
        Receives u and h^2 of each, in its first place the largest of all.

    Returns
    -------
    int
        How many places are filled, the first included.
    """
    m, K = A.shape
    count = 1
    found[0, 0], found[0, 1], found[0, 2] = 1.0, 0.0, 0.0
    gx, gy = np.zeros(K), np.zeros(K)
    px, py = np.zeros(K), np.zeros(K)
    # sums of whole blocks first, so that no sum has more than 2 m / BLOCK + BLOCK terms
    anchors = np.zeros((2 * m // BLOCK + 2, 2, K))
    for k in range(K):
        for i in range(m):
            anchors[0, 0, k] -= b[i, 0] * B[i, k]
            anchors[0, 1, k] -= b[i, 1] * B[i, k]
    for start in range(0, 2 * m, BLOCK):
        gx[:] = 0.0
        gy[:] = 0.0
        for i in range(start, min(start + BLOCK, 2 * m)):
            j, sign = (i, 1.0) if i < m else (i - m, -1.0)
            for k in range(K):
                jump = sign * (A[j, k] + B[j, k])
                gx[k] += b[j, 0] * jump
                gy[k] += b[j, 1] * jump
        anchors[start // BLOCK + 1, 0] = anchors[start // BLOCK, 0] + gx
        anchors[start // BLOCK + 1, 1] = anchors[start // BLOCK, 1] + gy
    gx[:] = anchors[0, 0]
    gy[:] = anchors[0, 1]
    size = 0.0
    for k in range(K):
        size += gx[k] * gx[k] + gy[k] * gy[k]
    for i in range(2 * m):
        j, sign = (i, 1.0) if i < m else (i - m, -1.0)
        if i % BLOCK == 0:
            gx[:] = anchors[i // BLOCK, 0]
            gy[:] = anchors[i // BLOCK, 1]
        before, size = size, 0.0
        for k in range(K):
            px[k], py[k] = gx[k], gy[k]
            jump = sign * (A[j, k] + B[j, k])
            gx[k] += b[j, 0] * jump
            gy[k] += b[j, 1] * jump
            size += gx[k] * gx[k] + gy[k] * gy[k]
        least = min(level, found[0, 2])
        if size <= least:
            continue  # an arc's vertex is also an end of its neighbour
        ux, uy = sign * b[j, 1], -sign * b[j, 0]
        if before > least:
            value, rise, fall = 0.0, 0.0, 0.0
            for k in range(K):
                w = gx[k] * ux + gy[k] * uy
                value += w * w
                rise += w * (py[k] * ux - px[k] * uy)
                fall += w * (gy[k] * ux - gx[k] * uy)
            if value > found[0, 2]:
                found[0, 0], found[0, 1], found[0, 2] = ux, uy, value
            if value > level and rise >= 0.0 and fall <= 0.0:
                found[count, 0], found[count, 1], found[count, 2] = ux, uy, value
                count += 1
        a, c, d = 0.0, 0.0, 0.0
        for k in range(K):
            a += gx[k] * gx[k]
            c += gx[k] * gy[k]
            d += gy[k] * gy[k]
        value, x, y = top_of_two(a, c, d)
        if value <= least:
            continue
        after = i + 1 if i + 1 < 2 * m else 0
        j, sign = (after, 1.0) if after < m else (after - m, -1.0)
        left = ux * y - uy * x
        right = x * (-sign * b[j, 0]) - y * (sign * b[j, 1])
        if left < 0.0 and right < 0.0:
            x, y = -x, -y
        elif not (left > 0.0 and right > 0.0):
            continue
        if value > found[0, 2]:
            found[0, 0], found[0, 1], found[0, 2] = x, y, value
        if value > level:
            found[count, 0], found[count, 1], found[count, 2] = x, y, value
            count += 1
    return count
