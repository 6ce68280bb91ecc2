r"""Classification with the hinge loss: interior point, then an exact corner.

The program is linear: with alpha from the dual, a point outside the margin has alpha = 0 and no
part in the optimum, one inside has alpha = w and a linear one, and those with alpha between lie on
the margin, y f = 1. The interior-point method ends with all of that known up to rounding, and the
knots as the points where its curve touches the tube. Between two knots f is a line, so the
outermost points on the margin hold all others there; a linear program of the size of the knots, not
of n, then gives the corner itself. Whichever of the two splines is better is kept, and certified
elsewhere.
"""

from __future__ import annotations

import time

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from relu_optima.convex.one_dimensional.certificate import certify_spline
from relu_optima.convex.one_dimensional.interior_point import follow_centre, integrate

CHUNK = 8  # interior-point steps between two looks at the clock
STEPS = 200  # most of them; 20 to 50 have been enough
CLEAR = 1e-6  # alpha within this share of w of a bound is taken to be there


def classify(
    x: np.ndarray, label: np.ndarray, weights: np.ndarray, beta: float, tol: float, deadline: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, str, dict[str, int]]:
    """Return nodes, values, dual vector, tau, how it ended and counts; two distinct x at least."""
    kept = weights > 0
    at, place = np.unique(x[kept], return_inverse=True)
    mass = np.zeros((2, at.size))
    side = (label[kept] < 0).astype(int)
    np.add.at(mass, (side, place), weights[kept])
    classes = mass.sum(axis=1)
    if classes.min() == 0.0:  # one class: a constant costs nothing
        value = np.full(2, 1.0 if classes[0] > 0 else -1.0)
        return at[[0, -1]], value, np.zeros(x.size), 0.0, "optimal", {}
    h = np.diff(at)
    alpha_slack, alpha_z, tube_slack, tube_z = _start(h, mass, classes, beta)
    steps, end = 0, "optimal"
    while steps < STEPS:
        done = follow_centre(h, mass, alpha_slack, alpha_z, tube_slack, tube_z, 1e-3 * tol, CHUNK)
        steps += done
        if done < CHUNK:
            break
        if time.perf_counter() > deadline:
            end = "time_limit"
            break
    alpha = alpha_slack[:, 1]
    dual = np.zeros(x.size)
    share = alpha[side, place] / mass[side, place]
    dual[kept] = label[kept] * weights[kept] * share
    left, right = tube_z[0, 0] - tube_z[0, 1], tube_z[1, 0] - tube_z[1, 1]
    curves = np.zeros((2, at.size))
    integrate(h, alpha[0] - alpha[1], curves)
    tau = float(np.clip(curves[1, 0] / beta, -1.0, 1.0))
    raw = _values(h, left, right)
    raw = raw + _constant(at, mass, raw)
    candidates = [(at, raw)]
    if end == "optimal":
        candidates += _corner(at, mass, alpha, left + right, tube_slack, beta)
    proofs = [
        certify_spline(x, label, weights, beta, "hinge", nodes, values, dual=dual)
        for nodes, values in candidates
    ]
    best = int(np.argmin([p.objective for p in proofs][::-1]))
    nodes, values = candidates[::-1][best]
    return (
        nodes,
        values,
        dual,
        tau,
        end,
        {"steps": steps, "corner": int(best == 0 and len(proofs) > 1)},
    )


def _start(
    h: np.ndarray, mass: np.ndarray, classes: np.ndarray, beta: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Make slacks and multipliers that are strictly feasible for both programs."""
    n = h.size + 1
    alpha = 0.5 * mass * (classes.min() / classes)[:, None]
    curves = np.zeros((2, n))
    integrate(h, alpha[0] - alpha[1], curves)
    height = float(np.abs(curves).max())
    shrink = min(1.0, 0.5 * beta / height) if height > 0 else 1.0
    alpha, curves = shrink * alpha, shrink * curves
    alpha_slack = np.stack([mass - alpha, alpha], axis=1)
    on = (mass > 0)[:, None, :]
    alpha_z = np.where(on, np.array([2.0, 1.0])[None, :, None], 0.0)  # z_u - z_l = 1 - y 0
    tube_slack = np.stack([beta - curves, beta + curves], axis=1)
    tube_z = np.full((2, 2, n), float(alpha[mass > 0].mean()) / beta)
    tube_z[:, :, 0] = tube_z[1, :, -1] = 0.0  # H_1 = 0, G_n = 0, and G_1 = M = -H_n
    return alpha_slack, alpha_z, tube_slack, tube_z


def _values(h: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the spline of ramps to both sides, up to a constant, in extended precision."""
    bends = (left + right)[1:-1].astype(np.longdouble)
    first = -np.sum(left[1:], dtype=np.longdouble)
    slopes = first + np.concatenate([[0], np.cumsum(bends)])
    return np.concatenate([[0.0], np.cumsum(slopes * h)]).astype(np.float64)


def _constant(at: np.ndarray, mass: np.ndarray, f: np.ndarray) -> float:
    """Return the best constant to add: the hinge sum is convex with corners at y - f."""
    corners = np.concatenate([1.0 - f, -1.0 - f])
    rises = np.concatenate([mass[0], mass[1]])
    order = np.argsort(corners, kind="stable")
    slope = -mass[0].sum() + np.cumsum(rises[order])  # right of each corner
    return float(corners[order][min(int(np.searchsorted(slope, 0.0)), order.size - 1)])


def _corner(
    at: np.ndarray, mass: np.ndarray, alpha: np.ndarray, bends: np.ndarray,
    tube_slack: np.ndarray, beta: float,
) -> list[tuple[np.ndarray, np.ndarray]]:  # fmt: skip
    """Solve the linear program that is left once the inactive parts are known."""
    total = float(np.abs(bends[1:-1]).sum())
    near = tube_slack.min(axis=(0, 1))[1:-1] / beta
    knots = 1 + np.flatnonzero((total > 0) & (near < np.abs(bends[1:-1]) / (total or 1.0)))
    nodes = np.concatenate([[0], knots, [at.size - 1]])
    hats, bend, slopes = _hats(at, nodes), _bends(at[nodes]), _slopes(at[nodes])
    share = np.where(mass > 0, alpha / np.where(mass > 0, mass, 1.0), 0.0)
    inside = (mass > 0) & (share >= 1 - CLEAR)
    labels = np.array([1.0, -1.0])
    fixed = [_outermost(np.flatnonzero((s > CLEAR) & (s < 1 - CLEAR)), nodes) for s in share]
    # variables: values at the nodes, and max(TV, |e|)
    sign = np.sign(bends[knots])
    variation = np.asarray(sign @ bend).ravel() if knots.size else np.zeros(nodes.size)
    ends = np.asarray((slopes[0] + slopes[-1]).todense()).ravel()
    pull = np.asarray((labels @ (inside * mass)) @ hats).ravel()
    ramps = np.column_stack([np.stack([variation, ends, -ends]), -np.ones(3)])
    signs = sparse.hstack([-bend.multiply(sign[:, None]), sparse.csr_matrix((knots.size, 1))])
    result = linprog(
        np.append(0.5 * beta * variation - pull, 0.5 * beta),
        A_ub=sparse.vstack([sparse.csr_matrix(ramps), signs]).tocsr(),
        b_ub=np.zeros(3 + knots.size),
        A_eq=sparse.hstack(
            [hats[np.concatenate(fixed)], sparse.csr_matrix((sum(map(len, fixed)), 1))]
        ).tocsr(),
        b_eq=np.repeat(labels, [len(f) for f in fixed]),
        bounds=(None, None),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return [(at[nodes], result.x[:-1])] if result.status == 0 else []


def _outermost(points: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Keep the first and the last point between any two nodes: on a line they hold the others."""
    interval = np.searchsorted(nodes, points, side="right")
    change = np.diff(interval) != 0
    first = np.concatenate([[True], change])[: points.size]
    outer = first | np.concatenate([change, [True]])[: points.size]
    return np.asarray(points[outer])


def _hats(at: np.ndarray, nodes: np.ndarray) -> sparse.csr_matrix:
    """Return the matrix that reads a spline at all points from its values at the nodes."""
    k = np.clip(np.searchsorted(nodes, np.arange(at.size), side="right") - 1, 0, nodes.size - 2)
    t = (at - at[nodes[k]]) / (at[nodes[k + 1]] - at[nodes[k]])
    rows = np.repeat(np.arange(at.size), 2)
    columns = np.stack([k, k + 1], axis=1).ravel()
    data = np.stack([1 - t, t], axis=1).ravel()
    return sparse.csr_matrix((data, (rows, columns)), shape=(at.size, nodes.size))


def _slopes(nodes: np.ndarray) -> sparse.csr_matrix:
    """Return the matrix that makes slopes of values at nodes."""
    inverse = 1.0 / np.diff(nodes)
    return sparse.diags([-inverse, inverse], [0, 1], shape=(nodes.size - 1, nodes.size)).tocsr()


def _bends(nodes: np.ndarray) -> sparse.csr_matrix:
    """Return the matrix that makes slope changes of values at nodes."""
    slopes = _slopes(nodes)
    return (slopes[1:] - slopes[:-1]).tocsr()
