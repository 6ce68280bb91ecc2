r"""Inner loops of the solver: dual active-set projections on polyhedral cones.

The projection of g on K = {u : a_j'u >= 0} is p = g + A'rho with rho >= 0 minimising |p|. A face
S (active rows) is kept as an orthonormal basis and a triangular factor,

    a_{S_j} = sum_i R[i, j] Q[i],        p = g - Q'Q g,        R rho = -Q g.

Any rho >= 0 bounds the norm of the projection from above by |p|; every stop is safe.

One file, because the cache of a compiled caller does not notice changes in another file.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled

PENDING, CONVERGED, BELOW, FLOOR = 0, 1, 2, 3
DEPENDENT = 1e-9  # length of the new part of a unit row below which it adds nothing
VIOLATION = 2e-13  # of a unit cone row, relative to the vector projected


@compiled
def _times(basis: np.ndarray, k: int, vector: np.ndarray, out: np.ndarray) -> None:
    """Write the products of the first k rows with a vector; BLAS is slower on so few."""
    for i in range(k):
        total = 0.0
        for j in range(vector.size):
            total += basis[i, j] * vector[j]
        out[i] = total


@compiled
def _dot(first: np.ndarray, second: np.ndarray) -> float:
    """Return a scalar product; for so few entries a call of BLAS costs more than the sum."""
    total = 0.0
    for j in range(first.size):
        total += first[j] * second[j]
    return total


@compiled
def _subtract(basis: np.ndarray, k: int, weights: np.ndarray, vector: np.ndarray) -> None:
    """Subtract a combination of the first k rows from a vector, in place."""
    for i in range(k):
        weight = weights[i]
        for j in range(vector.size):
            vector[j] -= weight * basis[i, j]


@compiled
def _append_row(Q: np.ndarray, R: np.ndarray, k: int, row: np.ndarray) -> bool:
    """Add a unit cone row to a face of k rows; False if it depends on them and nothing changed."""
    rest = row.copy()
    if k > 0:
        part = np.empty(k)
        _times(Q, k, row, part)
        _subtract(Q, k, part, rest)
        if _dot(rest, rest) < 0.25:
            again = np.empty(k)
            _times(Q, k, rest, again)
            _subtract(Q, k, again, rest)
            part += again
        for i in range(k):
            R[i, k] = part[i]
    length = np.sqrt(_dot(rest, rest))
    if length < DEPENDENT:
        return False
    for j in range(rest.size):
        Q[k, j] = rest[j] / length
    R[k, k] = length
    return True


@compiled
def _delete_row(
    Q: np.ndarray, R: np.ndarray, rows: np.ndarray, Qg: np.ndarray, k: int, drop: int
) -> None:
    """Remove a row of a face of k rows by Givens rotations; Q g turns with the basis."""
    for j in range(drop, k - 1):
        rows[j] = rows[j + 1]
        for i in range(j + 2):
            R[i, j] = R[i, j + 1]
    for i in range(drop, k - 1):
        a, b = R[i, i], R[i + 1, i]
        length = np.sqrt(a * a + b * b)
        c, s = a / length, b / length
        for j in range(i, k - 1):
            upper, lower = R[i, j], R[i + 1, j]
            R[i, j] = c * upper + s * lower
            R[i + 1, j] = c * lower - s * upper
        R[i + 1, i] = 0.0
        for j in range(Q.shape[1]):
            upper, lower = Q[i, j], Q[i + 1, j]
            Q[i, j] = c * upper + s * lower
            Q[i + 1, j] = c * lower - s * upper
        first = Qg[i]
        Qg[i] = c * first + s * Qg[i + 1]
        Qg[i + 1] = c * Qg[i + 1] - s * first


@compiled
def _multipliers(R: np.ndarray, Qg: np.ndarray, k: int, out: np.ndarray) -> float:
    """Solve R rho = -Q g into `out`; returns the smallest multiplier."""
    smallest = np.inf
    for i in range(k - 1, -1, -1):
        value = -Qg[i]
        for j in range(i + 1, k):
            value -= R[i, j] * out[j]
        value /= R[i, i]
        out[i] = value
        if value < smallest:
            smallest = value
    return smallest


@compiled
def _rest_of(Q: np.ndarray, Qg: np.ndarray, k: int, g: np.ndarray) -> np.ndarray:
    """Return g - Q'(Q g), with a second pass against drift; exactly zero if the face is full."""
    if k == 0:
        return g.copy()
    if k == g.size:
        return np.zeros(k)
    p = g.copy()
    _subtract(Q, k, Qg, p)
    again = np.empty(k)
    _times(Q, k, p, again)
    _subtract(Q, k, again, p)
    return p


@compiled
def _restart(
    Q: np.ndarray, R: np.ndarray, rows: np.ndarray, rho: np.ndarray, k: int, g: np.ndarray
) -> int:
    """Drop rows of a face until no multiplier for g is negative; return how many are left."""
    if k == 0:
        return 0
    Qg = np.empty(k)
    _times(Q, k, g, Qg)
    while k > 0 and _multipliers(R, Qg, k, rho) < 0.0:
        negative = rho[:k] < 0.0
        for drop in range(k - 1, -1, -1):
            if negative[drop]:
                _delete_row(Q, R, rows, Qg, k, drop)
                k -= 1
    return k


@compiled
def start_projections(
    slots: np.ndarray,
    stored: np.ndarray,
    patterns: np.ndarray,
    G: np.ndarray,
    stop: float,
    unit_rows: np.ndarray,
    side: np.ndarray,
    Q: np.ndarray,
    R: np.ndarray,
    rows: np.ndarray,
    rho: np.ndarray,
    count: np.ndarray,
    P: np.ndarray,
    status: np.ndarray,
) -> None:
    """Warm-start every projection from its face; faces without a factor are rebuilt first.

    Parameters
    ----------
    slots : array of int, shape (m,)
        Slot of each projection.
    stored : array of bool, shape (m,)
        Whether the slot holds a factor of its rows.
    patterns : array of int, shape (m,)
        Pattern of each projection.
    G : array, shape (m, d)
        Vectors to project.
    stop : float
        Norm at which a projection is as good as zero.
    unit_rows : array, shape (n, d)
        Rows of X scaled to unit length.
    side : array of int8, shape (P, n)
        +1 and -1: signs that turn rows of X into cone rows.
    Q, R : array, shape (S, d, d)
        Basis and triangular factor of the face in each slot.
    rows : array of int32, shape (S, d)
        Active rows of each face.
    rho : array, shape (S, d)
        Multipliers of the active rows.
    count : array of int, shape (S,)
        Number of active rows.
    P : array, shape (m, d)
        Current points, changed in place.
    status : array of int, shape (m,)
        PENDING, CONVERGED, BELOW or FLOOR, changed in place.
    """
    Qg = np.empty(G.shape[1])
    for b in range(slots.size):
        s = slots[b]
        if not stored[b]:
            k = 0
            for j in range(count[s]):
                row = rows[s, j]
                if _append_row(Q[s], R[s], k, side[patterns[b], row] * unit_rows[row]):
                    rows[s, k] = row
                    k += 1
            count[s] = k
        count[s] = _restart(Q[s], R[s], rows[s], rho[s], count[s], G[b])
        k = count[s]
        _times(Q[s], k, G[b], Qg)
        p = _rest_of(Q[s], Qg, k, G[b])
        P[b] = p
        status[b] = BELOW if _dot(p, p) <= stop * stop else PENDING


@compiled
def _settle(
    Q: np.ndarray,
    R: np.ndarray,
    rows: np.ndarray,
    rho: np.ndarray,
    Qg: np.ndarray,
    k: int,
    target: np.ndarray,
) -> int:
    """Move rho >= 0 to the minimiser on the face; rows that turn negative on the way are dropped.

    Returns the number of active rows left.
    """
    while k > 0:
        if _multipliers(R, Qg, k, target) >= 0.0:
            rho[:k] = target[:k]
            break
        step, drop = 1.0, k - 1
        for j in range(k):
            if target[j] < 0.0:
                ratio = rho[j] / (rho[j] - target[j])
                if ratio < step:
                    step, drop = ratio, j
        for j in range(k):
            rho[j] = max(0.0, rho[j] + step * (target[j] - rho[j]))
        for j in range(drop, k - 1):
            rho[j] = rho[j + 1]
        _delete_row(Q, R, rows, Qg, k, drop)
        k -= 1
    return k


@compiled
def _turn(score: np.ndarray, side: np.ndarray) -> float:
    """Give every entry the sign of its cone row, in place; return the smallest."""
    worst = np.inf
    for j in range(score.size):
        value = score[j] * side[j]
        score[j] = value
        worst = min(worst, value)
    return worst


@compiled
def _at_most(score: np.ndarray, limit: float, out: np.ndarray) -> int:
    """Write the positions of the entries up to a limit; return how many."""
    count = 0
    for j in range(score.size):
        if score[j] <= limit:
            out[count] = j
            count += 1
    return count


@compiled
def advance_projections(
    pending: np.ndarray,
    scores: np.ndarray,
    slots: np.ndarray,
    patterns: np.ndarray,
    G: np.ndarray,
    stop: float,
    unit_rows: np.ndarray,
    side: np.ndarray,
    Q: np.ndarray,
    R: np.ndarray,
    rows: np.ndarray,
    rho: np.ndarray,
    count: np.ndarray,
    P: np.ndarray,
    status: np.ndarray,
) -> int:
    """Advance projections after one scan of all cone rows.

    The worst rows become candidates and are worked off until none of them is violated by more
    than 0.3 of the worst of the scan.

    Parameters
    ----------
    pending : array of int, shape (c,)
        Projections still under way.
    scores : array, shape (c, n)
        x_j'p for each of them and every unit row of X; becomes a_j'p.
    slots : array of int, shape (m,)
        Slot of each projection.
    patterns : array of int, shape (m,)
        Pattern of each projection.
    G : array, shape (m, d)
        Vectors to project.
    stop : float
        Norm at which a projection is as good as zero.
    unit_rows : array, shape (n, d)
        Rows of X scaled to unit length.
    side : array of int8, shape (P, n)
        +1 and -1: signs that turn rows of X into cone rows.
    Q, R : array, shape (S, d, d)
        Basis and triangular factor of the face in each slot.
    rows : array of int32, shape (S, d)
        Active rows of each face.
    rho : array, shape (S, d)
        Multipliers of the active rows.
    count : array of int, shape (S,)
        Number of active rows.
    P : array, shape (m, d)
        Current points, changed in place.
    status : array of int, shape (m,)
        PENDING, CONVERGED, BELOW or FLOOR, changed in place.

    Returns
    -------
    int
        Active-set steps taken.
    """
    d = G.shape[1]
    cap = 3 * d + 8
    target = np.empty(d + 1)
    Qg = np.empty(d + 1)
    chosen = np.empty(scores.shape[1], dtype=np.int64)
    steps = 0
    for c in range(pending.size):
        b = pending[c]
        s, g, score = slots[b], G[b], scores[c]
        worst = _turn(score, side[patterns[b]])
        if worst >= -VIOLATION * np.sqrt(_dot(g, g)):
            status[b] = CONVERGED
            continue
        limit = 0.2 * worst
        m = _at_most(score, limit, chosen)
        while m > cap and limit > 0.999 * worst:
            limit = 0.5 * (limit + worst)
            m = _at_most(score, limit, chosen)
        m = min(m, cap)
        local = np.empty((m, d))
        values = np.empty(m)
        for j in range(m):
            row = chosen[j]
            sign = float(side[patterns[b], row])
            for i in range(d):
                local[j, i] = sign * unit_rows[row, i]
            values[j] = score[row]
        taken = np.zeros(m, dtype=np.bool_)
        k = count[s]
        _times(Q[s], k, g, Qg)
        p = P[b].copy()
        moved = False
        for _ in range(2 * m + d):
            best = np.argmin(values)
            if values[best] > 0.3 * worst or k == d:
                break
            if taken[best] or not _append_row(Q[s], R[s], k, local[best]):
                # already active or dependent on the active rows: nothing to gain from it
                values[best] = 0.0
                taken[best] = True
                if not moved and values.min() > 0.3 * worst:
                    break
                continue
            moved = True
            steps += 1
            rows[s, k] = chosen[best]
            rho[s, k] = 0.0
            Qg[k] = _dot(Q[s, k], g)
            before = k + 1
            k = _settle(Q[s], R[s], rows[s], rho[s], Qg, before, target)
            one_more = k == before and k < d
            if one_more:
                for i in range(d):
                    p[i] -= Qg[k - 1] * Q[s, k - 1, i]
            else:
                p = _rest_of(Q[s], Qg, k, g)
            if _dot(p, p) <= stop * stop:
                status[b] = BELOW
                break
            _times(local, m, p, values)
            for j in range(m):
                if taken[j]:
                    values[j] = 0.0
        count[s] = k
        _times(Q[s], k, g, Qg)
        P[b] = _rest_of(Q[s], Qg, k, g)
        if status[b] == PENDING and (not moved or k == d):
            status[b] = FLOOR
    return steps


@compiled
def combine_rows(
    slots: np.ndarray,
    patterns: np.ndarray,
    unit_rows: np.ndarray,
    side: np.ndarray,
    rows: np.ndarray,
    rho: np.ndarray,
    count: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write A'rho of every projection, from the multipliers: p - g would be rounding if small.

    Parameters
    ----------
    slots : array of int, shape (m,)
        Slot of each projection.
    patterns : array of int, shape (m,)
        Pattern of each projection.
    unit_rows : array, shape (n, d)
        Rows of X scaled to unit length.
    side : array of int8, shape (P, n)
        +1 and -1: signs that turn rows of X into cone rows.
    rows : array of int32, shape (S, d)
        Active rows of each face.
    rho : array, shape (S, d)
        Multipliers of the active rows.
    count : array of int, shape (S,)
        Number of active rows.
    out : array, shape (m, d)
        Receives A'rho.
    """
    for b in range(slots.size):
        s = slots[b]
        out[b] = 0.0
        for j in range(count[s]):
            row = rows[s, j]
            weight = max(0.0, rho[s, j]) * side[patterns[b], row]
            for i in range(out.shape[1]):
                out[b, i] += weight * unit_rows[row, i]
