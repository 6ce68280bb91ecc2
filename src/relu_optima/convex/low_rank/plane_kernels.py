r"""Compiled loops over blocks of the plane, one for each arc and sign that has joined.

.. math:: \min_{w_b \in K_b} \; \tfrac12 w^\top G w - q^\top w + \lambda \sum_b \lVert w_b \rVert ,

K_b the cone between the two rays of an arc. A block inside its arc has two coordinates for Newton's
method, one on a ray its length. A step is cut block by block where it
leaves a cone; where the objective does not fall so, all blocks take the share of the first that is
cut. What the objective gains is summed from differences, so it is right however small it is.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled

ZERO, LOW, HIGH, INSIDE = 0, 1, 2, 3  # where a block is: the apex, its first or last ray, between
MAX_TRIALS = 50  # halvings of one step: 2^-50 is rounding
ARMIJO = 1e-4  # share of the slope's promise that a step has to keep
ALIKE = 1e-13  # added curvature, relatively: two blocks on one ray have none between them
ON_RAY = 1e-15  # product of a block and a ray's normal, relative, up to which it is on that ray


@compiled
def gram_of_arcs(
    arcs: np.ndarray, signs: np.ndarray, sums: np.ndarray, gram: np.ndarray, along: np.ndarray
) -> None:
    """Write G and q of blocks from running sums over the rows' directions, two turns of them.

    On arc c the half of the directions from c + 1 - m to c is active, m the number of hyperplanes,
    so two arcs share a range of them. ``sums`` holds those of x x', y x (five numbers).
    """
    period = (len(sums) - 1) // 2
    half = period // 2
    for a in range(len(arcs)):
        for c in range(a + 1):
            apart = (arcs[a] - arcs[c]) % period
            first = arcs[a]
            if apart > half:
                apart, first = period - apart, arcs[c]
            start = (first + 1 - half) % period
            stop = start + half - apart
            for i in range(2):
                for j in range(2):
                    value = signs[a] * signs[c] * (sums[stop, i + j] - sums[start, i + j])
                    gram[2 * a + i, 2 * c + j] = value
                    gram[2 * c + j, 2 * a + i] = value
        start = (arcs[a] + 1 - half) % period
        for i in range(2):
            along[2 * a + i] = signs[a] * (sums[start + half, 3 + i] - sums[start, 3 + i])


@compiled
def _best_in_arc(gx: float, gy: float, rays: np.ndarray) -> tuple[float, float, float, int]:
    """Largest product of -g with a unit vector of an arc, the vector, and where it is."""
    size = np.sqrt(gx * gx + gy * gy)
    low = rays[1] * gx - rays[0] * gy  # of the inward normals and -g
    high = rays[2] * gy - rays[3] * gx
    if low > 0.0 and high > 0.0:
        return size, -gx / size, -gy / size, INSIDE
    at_low = -gx * rays[0] - gy * rays[1]
    at_high = -gx * rays[2] - gy * rays[3]
    if at_low >= at_high:
        return at_low, rays[0], rays[1], LOW
    return at_high, rays[2], rays[3], HIGH


@compiled
def _cut(x: float, y: float, rays: np.ndarray, state: int, least: float, out: np.ndarray) -> int:
    """Project a point on the arc's cone, or keep it on its ray; return where it is then.

    What is not cut keeps its bits: where a step is short, rounding would outweigh what it gains.
    """
    out[0], out[1] = x, y
    side = state
    if state == INSIDE:
        inside = rays[0] * y - rays[1] * x > 0.0 and x * rays[3] - y * rays[2] > 0.0
        if inside and x * x + y * y > least * least:
            return INSIDE
        at_low = x * rays[0] + y * rays[1]
        side = LOW if at_low >= x * rays[2] + y * rays[3] else HIGH
    k = 0 if side == LOW else 2
    length = x * rays[k] + y * rays[k + 1]
    if length <= least:
        out[0], out[1] = 0.0, 0.0
        return ZERO
    if state == INSIDE:
        out[0], out[1] = length * rays[k], length * rays[k + 1]
    return side


@compiled
def columns(
    w: np.ndarray, state: np.ndarray, rays: np.ndarray, owner: np.ndarray, column: np.ndarray
) -> int:
    """List the free coordinates: their blocks and their directions; return how many."""
    count = 0
    for b in range(len(state)):
        if state[b] == INSIDE:
            for i in range(2):
                owner[count] = b
                column[count, 0], column[count, 1] = 1.0 - i, 1.0 * i
                count += 1
        elif state[b] != ZERO:
            k = 0 if state[b] == LOW else 2
            owner[count] = b
            column[count, 0], column[count, 1] = rays[b, k], rays[b, k + 1]
            count += 1
    return count


@compiled
def curvature(
    gram: np.ndarray,
    w: np.ndarray,
    lam: float,
    owner: np.ndarray,
    column: np.ndarray,
    hessian: np.ndarray,
) -> None:
    """Write the Hessian over the free coordinates."""
    for i in range(len(hessian)):
        a, ax, ay = owner[i], column[i, 0], column[i, 1]
        for j in range(i + 1):
            c = owner[j]
            top = gram[2 * a, 2 * c] * column[j, 0] + gram[2 * a, 2 * c + 1] * column[j, 1]
            low = gram[2 * a + 1, 2 * c] * column[j, 0] + gram[2 * a + 1, 2 * c + 1] * column[j, 1]
            value = ax * top + ay * low
            if a == c:  # the curvature of |w| is across w
                size = np.sqrt(w[a, 0] * w[a, 0] + w[a, 1] * w[a, 1])
                one = (ax * w[a, 1] - ay * w[a, 0]) / size
                other = (column[j, 0] * w[a, 1] - column[j, 1] * w[a, 0]) / size
                value += lam / size * one * other
            hessian[i, j] = value
            hessian[j, i] = value
        hessian[i, i] *= 1.0 + ALIKE


@compiled
def _gain(
    gram: np.ndarray, g: np.ndarray, lam: float, w: np.ndarray, new: np.ndarray
) -> tuple[float, float]:
    """Change of the objective from w to new, and what its slope at w promises."""
    change, promise = 0.0, 0.0
    for b in range(len(w)):
        x, y = new[b, 0] - w[b, 0], new[b, 1] - w[b, 1]
        if x == 0.0 and y == 0.0:
            continue
        for c in range(len(w)):
            p, q = new[c, 0] - w[c, 0], new[c, 1] - w[c, 1]
            along_x = gram[2 * b, 2 * c] * p + gram[2 * b, 2 * c + 1] * q
            along_y = gram[2 * b + 1, 2 * c] * p + gram[2 * b + 1, 2 * c + 1] * q
            change += 0.5 * (x * along_x + y * along_y)
        linear = x * g[2 * b] + y * g[2 * b + 1]
        before = np.sqrt(w[b, 0] * w[b, 0] + w[b, 1] * w[b, 1])
        after = np.sqrt(new[b, 0] * new[b, 0] + new[b, 1] * new[b, 1])
        change += linear
        promise += linear
        both = x * (w[b, 0] + new[b, 0]) + y * (w[b, 1] + new[b, 1])
        change += lam * both / (before + after)
        promise += lam * (x * w[b, 0] + y * w[b, 1]) / before
    return change, promise


@compiled
def cuts(
    w: np.ndarray, step: np.ndarray, state: np.ndarray, rays: np.ndarray, shares: np.ndarray
) -> None:
    """Write the share of a step at which each block leaves its cone or ends, at most one."""
    for b in range(len(w)):
        x, y, p, q = w[b, 0], w[b, 1], step[b, 0], step[b, 1]
        share = 1.0
        if state[b] == INSIDE:
            inner, fall = rays[b, 0] * y - rays[b, 1] * x, rays[b, 0] * q - rays[b, 1] * p
            if inner + fall < 0.0:
                share = max(inner, 0.0) / -fall
            inner, fall = x * rays[b, 3] - y * rays[b, 2], p * rays[b, 3] - q * rays[b, 2]
            if inner + fall < 0.0:
                share = min(share, max(inner, 0.0) / -fall)
        elif state[b] != ZERO:
            size = x * x + y * y
            fall = x * p + y * q
            if size + fall < 0.0:
                share = size / -fall
        shares[b] = share


@compiled
def hold(
    w: np.ndarray, step: np.ndarray, state: np.ndarray, rays: np.ndarray, held: np.ndarray
) -> bool:
    """Hold blocks on a ray again that were let off it and would step out; whether there are any."""
    any_held = False
    for b in range(len(w)):
        x, y, p, q = w[b, 0], w[b, 1], step[b, 0], step[b, 1]
        floor = ON_RAY * np.sqrt(x * x + y * y)
        for side in (LOW, HIGH):
            k, turn = (0, 1.0) if side == LOW else (2, -1.0)
            inner = turn * (rays[b, k] * y - rays[b, k + 1] * x)
            fall = turn * (rays[b, k] * q - rays[b, k + 1] * p)
            if state[b] == INSIDE and inner <= floor and fall < 0.0:
                state[b], held[b], any_held = side, True, True
    return any_held


@compiled
def advance(
    gram: np.ndarray,
    g: np.ndarray,
    lam: float,
    w: np.ndarray,
    state: np.ndarray,
    rays: np.ndarray,
    step: np.ndarray,
    shares: np.ndarray,
    least: float,
) -> bool:
    """Take as much of a step as lets the objective fall; return whether any does.

    ``shares`` are those of `cuts` below one, ascending; ``least`` a length that counts as zero.
    """
    B = len(w)
    new, where = np.zeros((B, 2)), np.empty(B, dtype=np.int64)
    share, place = 1.0, len(shares)
    for _ in range(MAX_TRIALS):
        for b in range(B):
            where[b] = ZERO
            if state[b] != ZERO:
                x, y = w[b, 0] + share * step[b, 0], w[b, 1] + share * step[b, 1]
                where[b] = _cut(x, y, rays[b], state[b], least, new[b])
        change, promise = _gain(gram, g, lam, w, new)
        if promise < 0.0 and change <= ARMIJO * promise:
            for b in range(B):
                w[b, 0], w[b, 1], state[b] = new[b, 0], new[b, 1], where[b]
            return True
        # past the first cut a step need not go down: what is cut off may have paid for the rest
        if place > 0:
            place //= 2
            share = shares[place]
        else:
            share *= 0.5
    return False


@compiled
def join(
    gram: np.ndarray,
    g: np.ndarray,
    lam: float,
    level: float,
    state: np.ndarray,
    rays: np.ndarray,
    move: np.ndarray,
) -> float:
    """Let zero blocks whose price is above a level grow; return what their lengths alone gain.

    ``move`` receives the block that each would be if it grew alone.
    """
    gain = 0.0
    for b in range(len(state)):
        if state[b] != ZERO:
            continue
        price, x, y, where = _best_in_arc(g[2 * b], g[2 * b + 1], rays[b])
        if price <= level:
            continue
        curved = x * (gram[2 * b, 2 * b] * x + 2.0 * gram[2 * b, 2 * b + 1] * y)
        curved += y * gram[2 * b + 1, 2 * b + 1] * y
        length = (price - lam) / curved
        move[b, 0], move[b, 1] = length * x, length * y
        gain += length * (price - lam)
        state[b] = where
    return gain


@compiled
def slopes(
    g: np.ndarray,
    lam: float,
    least: float,
    w: np.ndarray,
    state: np.ndarray,
    rays: np.ndarray,
    held: np.ndarray,
    slope: np.ndarray,
) -> tuple[float, float]:
    """Write the gradient, let blocks off rays that it pulls off; return the worst slopes.

    Those are of the blocks in use and, above lambda, of the zero ones. ``least`` is the pull that
    lets a block off its ray, unless it is held there.
    """
    worst, violation = 0.0, 0.0
    for b in range(len(w)):
        if state[b] == ZERO:
            price, _, _, _ = _best_in_arc(g[2 * b], g[2 * b + 1], rays[b])
            violation = max(violation, price - lam)
            continue
        size = np.sqrt(w[b, 0] * w[b, 0] + w[b, 1] * w[b, 1])
        slope[b, 0] = g[2 * b] + lam * w[b, 0] / size
        slope[b, 1] = g[2 * b + 1] + lam * w[b, 1] / size
        if state[b] == INSIDE:
            worst = max(worst, np.sqrt(slope[b, 0] ** 2 + slope[b, 1] ** 2))
            continue
        k, turn = (0, 1.0) if state[b] == LOW else (2, -1.0)
        inward = turn * (rays[b, k] * slope[b, 1] - rays[b, k + 1] * slope[b, 0])
        worst = max(worst, abs(rays[b, k] * slope[b, 0] + rays[b, k + 1] * slope[b, 1]))
        if not held[b] and inward < -least:
            state[b] = INSIDE
            worst = max(worst, -inward)
    return worst, violation
