r"""The height of a dual candidate over all patterns, face by face, for certificates.

.. math:: h(N) = \max_{\lVert u \rVert \le 1} \lVert N^\top (X u)_+ \rVert

On a cell of the arrangement of the hyperplanes x_i'u = 0 the function is |G'u| with a constant G.
Its maximum over the sphere lies inside a cell, where u is the top eigenvector of GG', or on a
hyperplane, where the same question has one dimension less. Nothing is shared with the sweeps of
`relu_optima.convex.low_rank`: sums over cells come from
cumulative sums in extended precision, and membership in a cell is looked up row by row.
"""

from __future__ import annotations

import numpy as np

from relu_optima.errors import SolveInputError

RANK = 1e-12  # singular value, relative to the largest, that is rounding
INSIDE = 1e-12  # share by which a top eigenvalue must exceed the best value to be looked at


def height_over_faces(X: np.ndarray, N: np.ndarray) -> float:
    """Return h(N) for data whose rows span at most three dimensions."""
    used = np.any(X != 0.0, axis=1)
    if not used.any():
        return 0.0
    N = N[used]
    _, values, Vt = np.linalg.svd(X[used], full_matrices=False)
    rank = int(np.sum(values > RANK * values[0]))
    if rank > 3:
        raise SolveInputError(
            f"the rank of X is {rank}", allowed="at most 3", where="X",
            fix="only there are all faces listed",
        )  # fmt: skip
    Z = X[used] @ Vt[:rank].T
    if rank == 1:
        up = Z[:, 0] > 0
        return max(float(np.linalg.norm(Z[side, 0] @ N[side])) for side in (up, ~up))
    if rank == 2:
        return float(np.sqrt(_on_circle(Z, N)[0]))
    return _on_sphere(Z, N)


def _on_circle(Z: np.ndarray, N: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Largest |N'(Z u)_+|^2 on the unit circle, and for all arcs their middle and Z_+'N."""
    n = len(N)
    turn = np.arctan2(Z[:, 1], Z[:, 0])
    enter, leave = np.mod(turn - 0.5 * np.pi, 2 * np.pi), np.mod(turn + 0.5 * np.pi, 2 * np.pi)
    angles = np.concatenate([enter, leave])
    pushes = (Z[:, :, None] * N[:, None, :]).astype(np.longdouble)
    pushes = np.concatenate([pushes, -pushes])
    order = np.argsort(angles, kind="stable")
    angles = angles[order]
    # on at angle zero: those that leave before they enter
    start = np.sum(pushes[:n][enter > leave], axis=0)
    sums = (start + np.cumsum(pushes[order], axis=0)).astype(np.float64)
    ends = np.append(angles[1:], angles[0] + 2 * np.pi)
    M = sums @ sums.transpose(0, 2, 1)
    half, cross = 0.5 * (M[:, 0, 0] - M[:, 1, 1]), M[:, 0, 1]
    mean, radius = 0.5 * (M[:, 0, 0] + M[:, 1, 1]), np.hypot(half, cross)
    best = 0.5 * np.arctan2(cross, half)
    inside = np.zeros(len(angles), dtype=bool)
    for shift in range(-1, 6):
        inside |= (best + shift * np.pi >= angles) & (best + shift * np.pi <= ends)
    peak = np.where(inside, mean + radius, 0.0)
    at = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    peak = np.maximum(peak, np.einsum("aij,ai,aj->a", M, at, at))
    middle = 0.5 * (angles + ends)
    return float(peak.max(initial=0.0)), middle, sums


def _on_sphere(Z: np.ndarray, N: np.ndarray) -> float:
    """Largest |N'(Z u)_+| on the unit sphere: on all great circles, then inside cells."""
    best, cells = 0.0, []
    unit = Z / np.linalg.norm(Z, axis=1, keepdims=True)
    for row in unit:
        _, _, Vt = np.linalg.svd(row[None])
        Q = Vt[1:].T  # of the plane row'u = 0
        on = np.abs(unit @ row) >= 1.0 - 1e-14  # this hyperplane, maybe several times
        flat = Z[~on] @ Q
        if not len(flat):
            continue
        value, middle, _ = _on_circle(flat, N[~on])
        best = max(best, value)
        u = np.stack([np.cos(middle), np.sin(middle)], axis=1) @ Q.T
        cells += [(u, side * row, on) for side in (1.0, -1.0)]
    for u, normal, on in cells:
        active = (u @ Z.T > 0) & ~on
        active |= on[None, :] & (Z @ normal > 0)[None, :]
        G = np.einsum("an,ni,nk->aik", active.astype(float), Z, N, optimize=True)
        values, vectors = np.linalg.eigh(G @ G.transpose(0, 2, 1))
        for a in np.flatnonzero(values[:, -1] > best * (1.0 + INSIDE)):
            e = vectors[a, :, -1]
            for way in (e, -e):
                if np.array_equal(Z @ way > 0, active[a]):
                    best = max(best, float(values[a, -1]))
    return float(np.sqrt(best))
