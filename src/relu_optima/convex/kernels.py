r"""Inner loops of the solver: dual active-set projections on polyhedral cones.

The projection of g on K = {u : a_j'u >= 0} is p = g + A'rho with rho >= 0 minimising |p|. A face
S (active rows) is kept as an orthonormal basis Q of its rows and the combinations that give it,

    Q[i] = sum_j T[i, j] a_{S_j},        p = g - Q'Q g,        rho = -T'Q g,

T being lower triangular. Line i of a face holds Q[i] and then T[i], since whatever is done to the
one is done to the other: a row of X enters by one line more and leaves by Givens rotations, and p
and rho follow by a multiple of the line that came or went.

Any rho >= 0 bounds the norm of the projection from above by |p|; every stop is safe.

One file, because the cache of a compiled caller does not notice changes in another file.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled

DEPENDENT = 1e-9  # length of the new part of a unit row below which it adds nothing
VIOLATION = 2e-13  # of a unit cone row, relative to the vector projected


@compiled
def _dot(first: np.ndarray, second: np.ndarray) -> float:
    """Return a scalar product; for so few entries a call of BLAS costs more than the sum."""
    total = 0.0
    for j in range(second.size):
        total += first[j] * second[j]
    return total


# Inner loops take arrays and positions, not views: making a view counts references, which costs
# as much as the sums.


@compiled
def _times(lines: np.ndarray, k: int, vector: np.ndarray, out: np.ndarray) -> None:
    """Write the products of the first k lines with a vector, four lines at a time."""
    whole = k - k % 4
    for i in range(0, whole, 4):
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for j in range(vector.size):
            x = vector[j]
            a += lines[i, j] * x
            b += lines[i + 1, j] * x
            c += lines[i + 2, j] * x
            d += lines[i + 3, j] * x
        out[i], out[i + 1], out[i + 2], out[i + 3] = a, b, c, d
    for i in range(whole, k):
        a = 0.0
        for j in range(vector.size):
            a += lines[i, j] * vector[j]
        out[i] = a


@compiled
def _subtract(lines: np.ndarray, k: int, weights: np.ndarray, vector: np.ndarray) -> None:
    """Subtract a combination of the first k lines from a vector, in place, four at a time."""
    whole = k - k % 4
    for i in range(0, whole, 4):
        a, b, c, d = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
        for j in range(vector.size):
            part = a * lines[i, j] + b * lines[i + 1, j]
            vector[j] -= part + c * lines[i + 2, j] + d * lines[i + 3, j]
    for i in range(whole, k):
        a = weights[i]
        for j in range(vector.size):
            vector[j] -= a * lines[i, j]


@compiled
def _combine(face: np.ndarray, k: int, weights: np.ndarray, out: np.ndarray) -> None:
    """Write -T'weights over the first k lines, whose entries beyond the diagonal are zero."""
    first = face.shape[1] // 2
    for j in range(k):
        out[j] = 0.0
    whole = k - k % 4
    for i in range(0, whole, 4):
        a, b, c, d = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
        for j in range(i + 4):
            part = a * face[i, first + j] + b * face[i + 1, first + j]
            out[j] -= part + c * face[i + 2, first + j] + d * face[i + 3, first + j]
    for i in range(whole, k):
        a = weights[i]
        for j in range(i + 1):
            out[j] -= a * face[i, first + j]


@compiled
def _append_row(
    face: np.ndarray, k: int, rest: np.ndarray, part: np.ndarray, again: np.ndarray
) -> bool:
    """Add a unit cone row to a face of k rows; False if it depends on them and nothing changed.

    The row comes in `rest`; all three vectors are work space.
    """
    d = rest.size
    _times(face, k, rest, part)
    _subtract(face, k, part, rest)
    square = _dot(rest, rest)
    if square < 0.25:
        _times(face, k, rest, again)
        _subtract(face, k, again, rest)
        square = _dot(rest, rest)
        for i in range(k):
            part[i] += again[i]
    length = np.sqrt(square)
    if length < DEPENDENT:
        return False
    _combine(face, k, part, again)
    for j in range(d):
        face[k, j] = rest[j] / length
    for j in range(k):
        face[k, d + j] = again[j] / length
    face[k, d + k] = 1.0 / length
    return True


@compiled
def _delete_row(face: np.ndarray, rows: np.ndarray, Qg: np.ndarray, k: int, drop: int) -> None:
    """Turn a row of the face out of all but the last of its k lines, which is to go.

    That line still holds the direction that leaves, and Qg its product with g; coefficients of
    the row that leaves stand last in T.
    """
    d = face.shape[1] // 2
    out = d + drop
    for i in range(drop, k - 1):
        a, b = face[i + 1, out], face[i, out]
        length = np.sqrt(a * a + b * b)
        c, s = a / length, b / length
        for j in range(d + i + 2):
            upper, lower = face[i, j], face[i + 1, j]
            face[i, j] = c * upper - s * lower
            face[i + 1, j] = c * lower + s * upper
        for j in range(out, d + i + 1):
            face[i, j] = face[i, j + 1]
        face[i, d + i + 1] = 0.0
        first = Qg[i]
        Qg[i] = c * first - s * Qg[i + 1]
        Qg[i + 1] = c * Qg[i + 1] + s * first
        rows[i] = rows[i + 1]
    last = face[k - 1, out]
    for j in range(out, d + k - 1):
        face[k - 1, j] = face[k - 1, j + 1]
    face[k - 1, d + k - 1] = last


@compiled
def _close_up(values: np.ndarray, k: int, drop: int) -> None:
    """Remove one of the first k values."""
    for j in range(drop, k - 1):
        values[j] = values[j + 1]


@compiled
def _without(
    face: np.ndarray,
    rows: np.ndarray,
    Qg: np.ndarray,
    k: int,
    drop: int,
    target: np.ndarray,
    p: np.ndarray,
) -> None:
    """Drop a row of a face of k rows; multipliers and projection follow."""
    d = p.size
    _delete_row(face, rows, Qg, k, drop)
    _close_up(target, k, drop)
    weight = Qg[k - 1]
    for j in range(k - 1):
        target[j] += weight * face[k - 1, d + j]
    for j in range(d):
        p[j] += weight * face[k - 1, j]


@compiled
def _rest_of(
    face: np.ndarray, Qg: np.ndarray, k: int, g: np.ndarray, p: np.ndarray, again: np.ndarray
) -> None:
    """Write g - Q'(Q g), with a second pass against drift; exactly zero if the face is full."""
    if k == g.size:
        p[:] = 0.0
        return
    p[:] = g
    _subtract(face, k, Qg, p)
    _times(face, k, p, again)
    _subtract(face, k, again, p)


@compiled
def _smallest(values: np.ndarray, k: int) -> float:
    """Return the smallest of the first k values; several chains, for a minimum has to wait."""
    a, b, c, d = np.inf, np.inf, np.inf, np.inf
    whole = k - k % 4
    for j in range(0, whole, 4):
        a, b = min(a, values[j]), min(b, values[j + 1])
        c, d = min(c, values[j + 2]), min(d, values[j + 3])
    for j in range(whole, k):
        a = min(a, values[j])
    return min(min(a, b), min(c, d))


@compiled
def build_faces(
    blocks: np.ndarray,
    slots: np.ndarray,
    unit_rows: np.ndarray,
    patterns: np.ndarray,
    lines: np.ndarray,
    rows: np.ndarray,
    size: np.ndarray,
    built: np.ndarray,
) -> None:
    """Factorise the faces of some blocks; rows that depend on others leave them.

    Parameters
    ----------
    blocks, slots, unit_rows, patterns, lines, rows, size : array
        As in `project`.
    built : array of bool, shape (S,)
        Receives which slots hold the factor of a face.
    """
    d = unit_rows.shape[1]
    rest, part, again = np.empty(d), np.empty(d), np.empty(d)
    for c in range(blocks.size):
        b, s = blocks[c], slots[c]
        pattern = b % patterns.shape[0]
        face = lines[s]
        face[:, d:] = 0.0
        k = 0
        for j in range(size[b]):
            row = rows[b, j]
            for i in range(d):
                rest[i] = unit_rows[row, i] if patterns[pattern, row] else -unit_rows[row, i]
            if _append_row(face, k, rest, part, again):
                rows[b, k] = row
                k += 1
        size[b] = k
        built[s] = True


@compiled
def _start(
    blocks: np.ndarray,
    slots: np.ndarray,
    G: np.ndarray,
    stop: float,
    lines: np.ndarray,
    rows: np.ndarray,
    rho: np.ndarray,
    size: np.ndarray,
    P: np.ndarray,
    pending: np.ndarray,
) -> None:
    """Warm-start every projection from its face, without the rows that it no longer needs."""
    d = G.shape[1]
    Qg, again = np.empty(d), np.empty(d)
    for c in range(blocks.size):
        b = blocks[c]
        face, active, target, p = lines[slots[c]], rows[b], rho[b], P[c]
        k = size[b]
        _times(face, k, G[c], Qg)
        _combine(face, k, Qg, target)
        while _smallest(target, k) < 0.0:
            negative = target[:k] < 0.0
            for drop in range(k - 1, -1, -1):
                if negative[drop]:
                    _without(face, active, Qg, k, drop, target, p)
                    k -= 1
        size[b] = k
        _rest_of(face, Qg, k, G[c], p, again)
        pending[c] = _dot(p, p) > stop * stop


@compiled
def _settle(
    face: np.ndarray,
    rows: np.ndarray,
    rho: np.ndarray,
    Qg: np.ndarray,
    k: int,
    target: np.ndarray,
    p: np.ndarray,
) -> int:
    """Move rho >= 0 to the minimiser on the face; rows that turn negative on the way are dropped.

    Returns the number of active rows left.
    """
    while _smallest(target, k) < 0.0:
        step, drop = 1.0, k - 1
        for j in range(k):
            if target[j] < 0.0:
                ratio = rho[j] / (rho[j] - target[j])
                if ratio < step:
                    step, drop = ratio, j
        for j in range(k):
            rho[j] = max(0.0, rho[j] + step * (target[j] - rho[j]))
        _close_up(rho, k, drop)
        _without(face, rows, Qg, k, drop, target, p)
        k -= 1
    rho[:k] = target[:k]
    return k


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
def _position(values: np.ndarray, m: int) -> int:
    """Return where the smallest of the first m values is."""
    least = _smallest(values, m)
    for j in range(m):
        if values[j] == least:
            return j
    return 0


@compiled
def _advance(
    under_way: np.ndarray,
    scores: np.ndarray,
    blocks: np.ndarray,
    slots: np.ndarray,
    G: np.ndarray,
    stop: float,
    unit_rows: np.ndarray,
    patterns: np.ndarray,
    lines: np.ndarray,
    rows: np.ndarray,
    rho: np.ndarray,
    size: np.ndarray,
    P: np.ndarray,
    pending: np.ndarray,
) -> int:
    """Advance projections after one scan of all cone rows; returns the active-set steps taken.

    The worst rows become candidates and are worked off until none of them is violated by more
    than 0.3 of the worst of the scan.
    """
    d = G.shape[1]
    cap = 3 * d + 8
    target, Qg, p = np.empty(d), np.empty(d), np.empty(d)
    rest, part, again = np.empty(d), np.empty(d), np.empty(d)
    chosen = np.empty(scores.shape[1], dtype=np.int64)
    local, values, taken = np.empty((cap, d)), np.empty(cap), np.empty(cap, dtype=np.bool_)
    steps = 0
    for turn in range(under_way.size):
        c = under_way[turn]
        b, g, score = blocks[c], G[c], scores[turn]
        pattern = b % patterns.shape[0]
        face, active, multipliers = lines[slots[c]], rows[b], rho[b]
        for j in range(score.size):
            score[j] = score[j] if patterns[pattern, j] else -score[j]
        worst = _smallest(score, score.size)
        if worst >= -VIOLATION * np.sqrt(_dot(g, g)):
            pending[c] = False
            continue
        limit = 0.2 * worst
        m = _at_most(score, limit, chosen)
        while m > cap and limit > 0.999 * worst:
            limit = 0.5 * (limit + worst)
            m = _at_most(score, limit, chosen)
        m = min(m, cap)
        for j in range(m):
            row = chosen[j]
            sign = 1.0 if patterns[pattern, row] else -1.0
            local[j] = sign * unit_rows[row]
            values[j] = score[row]
            taken[j] = False
        k = size[b]
        _times(face, k, g, Qg)
        p[:] = P[c]
        moved = False
        for _ in range(2 * m + d):
            best = _position(values, m)
            if values[best] > 0.3 * worst or k == d:
                break
            rest[:] = local[best]
            if taken[best] or not _append_row(face, k, rest, part, again):
                # already active or dependent on the active rows: nothing to gain from it
                values[best] = 0.0
                taken[best] = True
                if not moved and _smallest(values, m) > 0.3 * worst:
                    break
                continue
            moved = True
            steps += 1
            active[k] = chosen[best]
            multipliers[k] = 0.0
            weight = 0.0
            for j in range(d):
                weight += face[k, j] * g[j]
            Qg[k] = weight
            for j in range(k + 1):
                target[j] = multipliers[j] - weight * face[k, d + j]
            for j in range(d):
                p[j] -= weight * face[k, j]
            k = _settle(face, active, multipliers, Qg, k + 1, target, p)
            if _dot(p, p) <= stop * stop:
                pending[c] = False
                break
            _times(local, m, p, values)
            for j in range(m):
                if taken[j]:
                    values[j] = 0.0
        size[b] = k
        _times(face, k, g, Qg)
        _rest_of(face, Qg, k, g, P[c], again)
        if not moved or k == d:
            pending[c] = False  # nothing is left to gain but rounding
    return steps


@compiled
def project(
    blocks: np.ndarray,
    slots: np.ndarray,
    G: np.ndarray,
    stop: float,
    rounds: int,
    unit_rows: np.ndarray,
    patterns: np.ndarray,
    lines: np.ndarray,
    rows: np.ndarray,
    rho: np.ndarray,
    size: np.ndarray,
    P: np.ndarray,
) -> int:
    """Project a vector on the cone of each of some blocks, warm-started from its face.

    Parameters
    ----------
    blocks : array of int, shape (m,)
        Distinct blocks; block b has the cone of pattern b mod P.
    slots : array of int, shape (m,)
        Where their faces are factorised, by `build_faces`.
    G : array, shape (m, d)
        Vectors to project.
    stop : float
        Norm at which a projection is as good as zero.
    rounds : int
        Most scans of all cone rows.
    unit_rows : array, shape (n, d)
        Rows of X scaled to unit length.
    patterns : array of bool, shape (P, n)
        Whether a row of X is a cone row as it stands, or its opposite is.
    lines : array, shape (S, d, 2 d)
        Basis and combinations of the face in each slot.
    rows : array of int32, shape (B, d)
        Active rows of every block's face.
    rho : array, shape (B, d)
        Multipliers of the active rows.
    size : array of int, shape (B,)
        Number of active rows.
    P : array, shape (m, d)
        Receives G + A'rho.

    Returns
    -------
    int
        Active-set steps taken.
    """
    pending = np.empty(blocks.size, dtype=np.bool_)
    _start(blocks, slots, G, stop, lines, rows, rho, size, P, pending)
    steps = 0
    for _ in range(rounds):
        under_way = np.flatnonzero(pending)
        if not under_way.size:
            break
        scores = np.dot(P[under_way], unit_rows.T)
        steps += _advance(
            under_way,
            scores,
            blocks,
            slots,
            G,
            stop,
            unit_rows,
            patterns,
            lines,
            rows,
            rho,
            size,
            P,
            pending,
        )
    return steps
