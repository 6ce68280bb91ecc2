"""Compiled loops over atoms and hyperplanes for `relu_optima.convex.vector.sliding`.

An atom is a vector w of the row space (r <= 3 coordinates), the rows it switches on, the rows of
its face (hyperplanes through it that it is held on) and an orthonormal basis of that face.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled

ON_PLANE = 1e-12  # |x'w| relative to |x| |w| up to which w lies on the hyperplane of x
ALONG = 1e-9  # length of a unit row's part in a face up to which the face lies on its hyperplane
SHRINK = 0.05  # share of its length that an atom keeps at least in one step


@compiled
def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Inner product of two short vectors, without the overhead of a library call."""
    total = 0.0
    for k in range(len(a)):
        total += a[k] * b[k]
    return total


@compiled
def set_face(X: np.ndarray, held: np.ndarray, w: np.ndarray, basis: np.ndarray) -> int:
    """Write an orthonormal basis of the face of some held unit rows; return its dimension.

    A face that would be the origin alone is the line of w: rounding made rows independent.
    """
    r = X.shape[1]
    normals = np.zeros((r, r))
    rank = 0
    for i in range(len(X)):
        if not held[i] or rank == r:
            continue
        rest = X[i].copy()
        for _ in range(2):
            for k in range(rank):
                rest -= dot(normals[k], rest) * normals[k]
        size = np.sqrt(dot(rest, rest))
        if size > ALONG:
            normals[rank] = rest / size
            rank += 1
    if rank >= r:
        basis[:, 0] = w / np.sqrt(dot(w, w))
        return 1
    found = 0
    for c in range(r):
        if found == r - rank:
            break
        rest = np.zeros(r)
        rest[c] = 1.0
        if rank == 0:
            basis[:, found] = rest
            found += 1
            continue
        for _ in range(2):
            for k in range(rank):
                rest -= dot(normals[k], rest) * normals[k]
            for k in range(found):
                part = 0.0
                for t in range(r):
                    part += basis[t, k] * rest[t]
                rest -= part * basis[:, k]
        size = np.sqrt(dot(rest, rest))
        if size > 0.1:  # some axis is at least 1 / sqrt(3) long in what is left
            basis[:, found] = rest / size
            found += 1
    return found


@compiled
def onto(basis: np.ndarray, q: int, w: np.ndarray) -> np.ndarray:
    """Project a vector on a face."""
    out = np.zeros(len(w))
    for c in range(q):
        part = 0.0
        for t in range(len(w)):
            part += basis[t, c] * w[t]
        for t in range(len(w)):
            out[t] += part * basis[t, c]
    return out


@compiled
def set_pattern(
    X: np.ndarray, held: np.ndarray, w: np.ndarray, basis: np.ndarray, q: int, on: np.ndarray
) -> None:
    """Switch on the rows above zero, none that the face lies on; those join the held ones."""
    for i in range(len(X)):
        along = 0.0
        for c in range(q):
            part = 0.0
            for t in range(X.shape[1]):
                part += X[i, t] * basis[t, c]
            along += part * part
        if q < X.shape[1] and along <= ALONG * ALONG:
            held[i], on[i] = True, False
        else:
            held[i], on[i] = False, dot(X[i], w) > 0.0


@compiled
def tangents(
    X: np.ndarray, on: np.ndarray, bases: np.ndarray, sizes: np.ndarray, out: np.ndarray
) -> None:
    """Write D_j X B_j of all atoms, one row of ``out`` for each column of each basis."""
    n, r = X.shape
    place = 0
    for j in range(len(sizes)):
        for c in range(sizes[j]):
            for i in range(n):
                total = 0.0
                if on[j, i]:
                    for k in range(r):
                        total += X[i, k] * bases[j, k, c]
                out[place, i] = total
            place += 1


@compiled
def step_to_faces(
    lengths: np.ndarray,
    W: np.ndarray,
    P: np.ndarray,
    before: np.ndarray,
    along: np.ndarray,
    on: np.ndarray,
    NV: np.ndarray,
    beta: float,
    hit: np.ndarray,
    share: np.ndarray,
) -> np.ndarray:
    """Step, but stop an atom at the first hyperplane behind which E rises along its step.

    ``before`` and ``along`` hold the products of unit rows with W and P, one row for each atom,
    ``NV`` those of N and V, ``lengths`` those of the rows. Along the step of an atom the slope is
    about (1 - a) s, s < 0, as Newton's model has it, and jumps by -|x_i'p| (N_i'v) at each
    hyperplane. ``hit`` is the row of that hyperplane, or -1, and ``share`` that of the step.
    """
    n, out = len(lengths), W.copy()
    rows, shares = np.empty(n, dtype=np.int64), np.empty(n)
    for j in range(len(W)):
        hit[j], share[j] = -1, 1.0
        square, inward = dot(W[j], W[j]), dot(W[j] + P[j], W[j])
        if inward < SHRINK * square:  # towards zero, not through it
            out[j] = W[j] + P[j] + (SHRINK - inward / square) * W[j]
            out[j] *= SHRINK * np.sqrt(square) / np.sqrt(dot(out[j], out[j]))
            continue
        out[j] = W[j] + P[j]
        floor = ON_PLANE * np.sqrt(square)
        count = 0
        for i in range(n):
            b = before[j, i]
            if abs(b) > floor and b * (b + along[j, i]) < 0.0:
                rows[count], shares[count] = i, -b / along[j, i]
                count += 1
        if not count:
            continue
        slope = beta * dot(W[j], P[j])
        for i in range(n):
            if on[j, i]:
                slope -= lengths[i] * along[j, i] * NV[j, i]
        slope = min(slope, 0.0)
        jumps = 0.0
        for k in np.argsort(shares[:count], kind="mergesort"):
            i = rows[k]
            jumps -= lengths[i] * abs(along[j, i]) * NV[j, i]
            if (1.0 - shares[k]) * slope + jumps >= 0.0:
                out[j] = W[j] + shares[k] * P[j]
                hit[j], share[j] = i, shares[k]
                break
    return out


@compiled
def step_together(W: np.ndarray, P: np.ndarray, hit: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Step until the first atom is stopped: all take the same share, and that one alone is hit.

    Where atoms exchange what they fit, a step of one without that of the others raises E.
    """
    first = int(np.argmin(share))
    for j in range(len(W)):
        if j != first:
            hit[j] = -1
    out: np.ndarray = W + share[first] * P
    for j in range(len(W)):
        if dot(out[j], W[j]) < SHRINK * dot(W[j], W[j]):
            out[j] = W[j]
    return out


@compiled
def settle(
    X: np.ndarray,
    W: np.ndarray,
    hit: np.ndarray,
    on: np.ndarray,
    held: np.ndarray,
    bases: np.ndarray,
    sizes: np.ndarray,
) -> None:
    """After a step: new faces where a hyperplane was hit, and the patterns of all atoms."""
    for j in range(len(W)):
        if hit[j] >= 0:
            held[j, hit[j]] = True
            sizes[j] = set_face(X, held[j], W[j], bases[j])
            W[j] = onto(bases[j], sizes[j], W[j])
            set_pattern(X, held[j], W[j], bases[j], sizes[j], on[j])
        else:
            for i in range(len(X)):
                on[j, i] = not held[j, i] and dot(X[i], W[j]) > 0.0


@compiled
def release(
    X: np.ndarray,
    lengths: np.ndarray,
    W: np.ndarray,
    on: np.ndarray,
    held: np.ndarray,
    bases: np.ndarray,
    sizes: np.ndarray,
    NV: np.ndarray,
    beta: float,
) -> int:
    """Let atoms go that E pulls off their face; return how many."""
    n, r = X.shape
    gone = 0
    for j in range(len(W)):
        q = sizes[j]
        if q == r:
            continue
        base = beta * W[j]
        for i in range(n):
            if on[j, i]:
                for k in range(r):
                    base[k] -= lengths[i] * NV[j, i] * X[i, k]
        best = -1e-9 * beta * np.sqrt(dot(W[j], W[j]))
        way = np.zeros(r)
        found = False
        for k in range(n):
            if not held[j, k]:
                continue
            nu = X[k].copy()
            if r - q == 2:  # a vertex in rank three: along the hyperplane of the row
                d = bases[j, :, 0]
                nu = np.array(
                    [
                        X[k, 1] * d[2] - X[k, 2] * d[1],
                        X[k, 2] * d[0] - X[k, 0] * d[2],
                        X[k, 0] * d[1] - X[k, 1] * d[0],
                    ]
                )
            else:
                nu -= onto(bases[j], q, nu)
            nu /= np.sqrt(dot(nu, nu))
            for sign in (1.0, -1.0):
                slope = sign * dot(base, nu)
                for i in range(n):
                    if held[j, i] and sign * dot(X[i], nu) > ALONG:
                        slope -= lengths[i] * sign * dot(X[i], nu) * NV[j, i]
                if slope < best:
                    best, way, found = slope, sign * nu, True
            if r - q == 1:
                break  # all rows of the face have one hyperplane
        if not found:
            continue
        for i in range(n):
            if held[j, i] and abs(dot(X[i], way)) > ALONG:
                held[j, i], on[j, i] = False, dot(X[i], way) > 0.0
        sizes[j] = set_face(X, held[j], W[j], bases[j])
        gone += 1
    return gone
