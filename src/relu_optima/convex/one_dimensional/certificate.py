r"""Independent certificates of splines: no merged points, no moments, extended precision.

For weights w and loss l the dual of the program over all networks with free biases is

.. math:: \max_\nu \; -\sum_i w_i \ell_i^*(-\nu_i / w_i)
          \quad \text{s.t.} \quad \sum_i \nu_i = 0, \quad |G_k| \le \beta, \quad |G_k - M| \le \beta

with G_k = sum_i nu_i (x_i - x_k)_+ and M = G_1 = sum_i nu_i (x_i - x_1): the output bias asks for
the first, the ramps to the right and to the left of every point for the others (Ergen and Pilanci,
"Convex geometry and duality of over-parameterized neural networks", JMLR 2021). The negative
gradient of the loss, centred and scaled into the tube, is feasible, so its value is a lower bound.

The primal value is that of the spline as it is stored: of the differences of its values at the
nodes, never of those of n fitted values, whose rounding the small distances would blow up. All
sums are taken in `numpy.longdouble`; where that is float64 (some platforms), the bound is as good
as float64 sums over n points, about n * 1e-16 relative.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from relu_optima.convex.one_dimensional.losses import SMOOTH

Long = np.longdouble
TIE = 1e-9  # |e| and TV within this, relative, are taken for equal: the default gap
EQUAL = 1e-13  # relative; sums of float64 products in blocks, of which there may be 1e6
ROUNDING = 1e-12  # relative gap above which a better dual vector is looked for
BLOCK = 16_384  # points of one pass: a few arrays of 16 bytes a point fit the second-level cache


@dataclass(frozen=True)
class SplineCertificate:
    """How far a spline can be from the optimum, at most.

    Attributes
    ----------
    objective : float
        Loss of the stored spline plus beta times R of it.
    dual_objective : float
        Value of `dual`: a lower bound over all networks with free biases.
    gap : float
        (objective - dual_objective) / max(dual_objective, 1e-12 * loss of the best constant).
    violation : float
        By how much the unscaled negative gradient leaves the tube, relative to beta.
    dual : array, shape (n,)
        Dual feasible vector, in the order of the data.
    norm : float
        R of the stored spline.
    """

    objective: float
    dual_objective: float
    gap: float
    violation: float
    dual: np.ndarray
    norm: float


def path_norm(nodes: np.ndarray, values: np.ndarray) -> tuple[np.floating, np.floating]:
    """Return total variation of the slope and sum of the end slopes, in extended precision."""
    if nodes.size < 2:
        return Long(0), Long(0)
    slopes = np.diff(values.astype(Long)) / np.diff(nodes.astype(Long))
    return np.sum(np.abs(np.diff(slopes))), slopes[0] + slopes[-1]


def read_spline(
    nodes: np.ndarray, values: np.ndarray, x: np.ndarray, kind: type[np.floating] = Long
) -> np.ndarray:
    """Evaluate a spline in a precision, linear beyond its ends."""
    v = values.astype(kind)
    if nodes.size == 1:
        return np.full(x.size, v[0])
    a = nodes.astype(kind)
    slopes = np.diff(v) / np.diff(a)
    k = np.clip(np.searchsorted(nodes, x, side="right") - 1, 0, nodes.size - 2)
    return np.asarray(v[k] + slopes[k] * (x - a[k]))


def in_order(x: np.ndarray, order: np.ndarray | None) -> np.ndarray | slice:
    """Return the order that sorts x; one that is handed in is checked, not trusted."""
    if np.all(x[1:] >= x[:-1]):
        return slice(None)
    if order is not None and order.shape == x.shape:
        sorted_x = x[order]
        once = np.bincount(order, minlength=x.size)
        if once.size == x.size and once.max() == 1 and np.all(sorted_x[1:] >= sorted_x[:-1]):
            return order
    return np.argsort(x, kind="stable")


def tube_height(x: np.ndarray, nu: np.ndarray) -> np.floating:
    """Return the largest |G_k| and |G_k - M| of centred `nu` at sorted points."""
    flow, left, low, high = Long(0), Long(0), Long(0), Long(0)  # left is G - M, 0 at the first
    for start in range(0, x.size - 1, BLOCK):
        stop = min(start + BLOCK, x.size - 1)
        flows = flow + np.cumsum(nu[start:stop], dtype=Long)
        a = x[start : stop + 1].astype(Long)
        steps = left + np.cumsum(flows * (a[1:] - a[:-1]))
        flow, left = flows[-1], steps[-1]
        low, high = min(low, np.min(steps)), max(high, np.max(steps))
    return max(-low, high, abs(low - left), abs(high - left))  # as G is 0 at the last, M = -left


def certify_spline(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, beta: float, loss: str,
    nodes: np.ndarray, values: np.ndarray, *,
    dual: np.ndarray | None = None, order: np.ndarray | None = None, delta: float = 1.0,
) -> SplineCertificate:  # fmt: skip
    """Certify the spline through (nodes, values); `dual` is a candidate for the hinge loss."""
    if loss == "interpolation":
        return certify_interpolation(x, y, weights, nodes, values)
    if loss in SMOOTH:
        from relu_optima.convex.one_dimensional.smooth_certificate import certify_smooth

        return certify_smooth(x, y, weights, beta, loss, delta, nodes, values, order=order)
    sorting = in_order(x, order)
    if loss == "hinge":
        return certify_classification(x, y, weights, beta, nodes, values, dual, sorting)
    return certify_regression(x, y, weights, beta, nodes, values, sorting)


def certify_regression(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, beta: float,
    nodes: np.ndarray, values: np.ndarray, order: np.ndarray | slice,
) -> SplineCertificate:  # fmt: skip
    """Certify a spline of squared loss, beta > 0.

    Any vector proves a bound, so residuals may be float64 as long as their sums are not; only where
    that leaves a gap is everything done in extended precision, and the dual vector mended.
    """
    data = x[order], y[order], weights[order]
    change, ends = path_norm(nodes, values)
    norm = (change + max(change, abs(ends))) / 2
    mean = np.sum(data[2] * data[1], dtype=Long) / np.sum(data[2], dtype=Long)
    found = _weigh(data, mean, norm, beta, nodes, values, np.float64)
    if found.gap > ROUNDING:
        found = _weigh(data, mean, norm, beta, nodes, values, Long)
    dual = np.empty(x.size)
    dual[order] = found.dual
    return replace(found, dual=dual)


def _weigh(
    data: tuple[np.ndarray, np.ndarray, np.ndarray], mean: np.floating, norm: np.floating,
    beta: float, nodes: np.ndarray, values: np.ndarray, kind: type[np.floating],
) -> SplineCertificate:  # fmt: skip
    """Certify a spline on sorted data in a precision, in blocks that stay in the cache."""
    a, target, w = data
    blocks = [slice(s, s + BLOCK) for s in range(0, a.size, BLOCK)]
    total = np.sum(w, dtype=Long)
    loss, constant, excess = Long(0), Long(0), Long(0)
    nu = np.empty(a.size, dtype=kind)
    for b in blocks:
        residual = target[b] - read_spline(nodes, values, a[b], kind)
        nu[b] = w[b] * residual
        deviation = target[b] - kind(mean)
        loss += np.dot(nu[b], residual) / 2
        constant += np.dot(w[b] * deviation, deviation) / 2
        excess += np.sum(nu[b], dtype=Long)
    for b in blocks:
        nu[b] -= w[b] * kind(excess / total)
    objective = loss + Long(beta) * norm
    bound, scale, height = _dual_value(data, mean, beta, nu, blocks)
    if kind is Long and nodes.size > 2 and objective - bound > ROUNDING * abs(bound):
        snapped = _snap(a, nu, nodes, values, Long(beta))
        other, other_scale, _ = _dual_value(data, mean, beta, snapped, blocks)
        if other > bound:
            bound, scale, nu = other, other_scale, snapped
    bound = not_above(bound, objective)
    return SplineCertificate(
        objective=float(objective),
        dual_objective=float(bound),
        gap=relative_gap(objective, bound, constant),
        violation=max(0.0, float(height / Long(beta)) - 1.0),
        dual=np.asarray(scale * nu, dtype=np.float64),
        norm=float(norm),
    )


def not_above(bound: np.floating, objective: np.floating) -> np.floating:
    """Return the bound; where the two are equal to rounding, the lesser of them."""
    return min(bound, objective) if bound - objective <= EQUAL * abs(objective) else bound


def relative_gap(objective: np.floating, dual: np.floating, constant: np.floating) -> float:
    """Return the gap relative to the bound; `constant` is the loss of the best constant."""
    if constant == 0:
        return float(abs(objective - dual))
    return float((objective - dual) / np.maximum(dual, Long(1e-12) * constant))


def _dual_value(
    data: tuple[np.ndarray, np.ndarray, np.ndarray], mean: np.floating, beta: float,
    nu: np.ndarray, blocks: list[slice],
) -> tuple[np.floating, np.floating, np.floating]:  # fmt: skip
    """Scale a centred vector as is best, and into the tube; return bound, scale and height."""
    a, target, w = data
    product, energy = Long(0), Long(0)
    for b in blocks:
        part = nu[b]
        product += np.dot(part, target[b] - part.dtype.type(mean))  # it does not see a constant
        energy += np.dot(part, part / np.where(w[b] > 0, w[b], 1.0))
    height = tube_height(a, nu)
    scale = Long(0) if energy == 0 else max(product / energy, Long(0))
    if height > 0:
        scale = min(scale, Long(beta) / height)
    return scale * product - scale**2 * energy / 2, scale, height


def _snap(
    a: np.ndarray, nu: np.ndarray, nodes: np.ndarray, values: np.ndarray, beta: np.floating
) -> np.ndarray:
    """Move a dual vector at the nodes so that its curve touches the tube at every knot.

    Residuals of a nearly interpolating spline are little more than the rounding of its values, and
    so is their curve; at the knots it is known.
    """
    curve = np.zeros(a.size, dtype=Long)
    curve[1:] = np.cumsum(np.cumsum(nu[:-1]) * np.diff(a.astype(Long)))
    curve -= curve[-1]
    change, ends = path_norm(nodes, values)
    border = abs(abs(ends) - change) <= TIE * change
    side = np.sign(ends) if abs(ends) > change else 0
    tilt = min(max(curve[0], -beta), beta) if border else side * beta
    x = nodes.astype(Long)
    bends = np.diff(np.diff(values.astype(Long)) / np.diff(x))
    aim = np.zeros(nodes.size, dtype=Long)
    aim[0] = tilt
    aim[1:-1] = np.where(bends > 0, min(beta, beta + tilt), -min(beta, beta - tilt))
    place = np.searchsorted(a, nodes)
    flow = np.diff(aim - curve[place]) / np.diff(x)
    snapped = nu.copy()
    snapped[place] += np.diff(np.concatenate([[0], flow, [0]]))
    return snapped


def certify_classification(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, beta: float,
    nodes: np.ndarray, values: np.ndarray, dual: np.ndarray | None, order: np.ndarray | slice,
) -> SplineCertificate:  # fmt: skip
    r"""Certify a spline of the hinge loss, beta > 0.

    The dual is max sum(alpha) over 0 <= alpha <= w with nu = y alpha in the tube. A candidate is
    clipped, the heavier class scaled down until sum(nu) = 0, and all of it until the tube holds.
    Without one every point on or inside the margin counts in full.
    """
    a, label, w = x[order], y[order], weights[order]
    margin = label * read_spline(nodes, values, a)
    change, ends = path_norm(nodes, values)
    norm = (change + max(change, abs(ends))) / 2
    objective = np.sum(w * np.maximum(1 - margin, 0)) + Long(beta) * norm
    alpha = w * (margin <= 1) if dual is None else np.clip(label * dual[order], 0.0, w)
    alpha = alpha.astype(Long)
    positive, negative = np.sum(alpha[label > 0]), np.sum(alpha[label < 0])
    least = min(positive, negative)
    alpha *= np.where(label > 0, least / (positive or 1), least / (negative or 1))
    height = tube_height(a, label * alpha)
    scale = Long(1) if height <= beta else Long(beta) / height
    bound = not_above(scale * np.sum(alpha), objective)
    classes = np.sum(w[label > 0], dtype=Long), np.sum(w[label < 0], dtype=Long)
    vector = np.empty(x.size)
    vector[order] = scale * label * alpha
    return SplineCertificate(
        objective=float(objective),
        dual_objective=float(bound),
        gap=relative_gap(objective, bound, 2 * min(classes)),
        violation=max(0.0, float(height / Long(beta)) - 1.0),
        dual=vector,
        norm=float(norm),
    )


def certify_interpolation(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, nodes: np.ndarray, values: np.ndarray
) -> SplineCertificate:
    r"""Certify a spline of least norm through the data.

    The dual is max sum(nu y) over the same constraints with beta = 1. As sum(nu f) = M s_1 +
    sum(G_k Delta_k), the multipliers G_k = sgn(Delta_k), M = 0 prove TV, and where e > TV,
    M = 1, G_k = 1 or 0 prove (e + TV) / 2; these are R. Here nu is made of them by second
    differences, checked, and its product with y taken.
    """
    order = np.argsort(x, kind="stable")
    order = order[weights[order] > 0]
    a, first = np.unique(x[order], return_index=True)
    target = y[order][first].astype(Long)
    change, ends = path_norm(nodes, values)
    norm = (change + np.maximum(change, abs(ends))) / 2
    misfit = np.max(np.abs(y[order] - read_spline(nodes, values, x[order])))
    nu = np.zeros(x.size, dtype=Long)
    if a.size > 1:
        slopes = np.diff(target) / np.diff(a.astype(Long))
        bends = np.sign(np.diff(slopes))
        bent = np.sum(np.abs(np.diff(slopes)))
        side = 0 if abs(slopes[0] + slopes[-1]) <= bent else np.sign(slopes[0] + slopes[-1])
        g = np.zeros(a.size, dtype=Long)
        g[0] = side
        g[1:-1] = bends if side == 0 else np.where(bends == side, side, 0)
        flow = np.diff(g) / np.diff(a.astype(Long))
        nu[order[first]] = np.diff(np.concatenate([[0], flow, [0]]))
    height = tube_height(x[order], nu[order])
    scale = Long(1) if height <= 1 else 1 / height
    dual = not_above(scale * np.sum(nu * (y.astype(Long) - target[0])), norm)
    return SplineCertificate(
        objective=float(norm),
        dual_objective=float(dual),
        gap=relative_gap(norm, dual, norm),
        violation=float(misfit),
        dual=np.asarray(scale * nu, dtype=np.float64),
        norm=float(norm),
    )
