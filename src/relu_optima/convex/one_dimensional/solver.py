"""Public entry points for one-dimensional data: `spline`, `interpolate` and `spline_beta_max`."""

from __future__ import annotations

import time

import numpy as np

from relu_optima.convex.loss import loss_slope
from relu_optima.convex.one_dimensional.certificate import certify_spline
from relu_optima.convex.one_dimensional.losses import LABELLED, SMOOTH, best_constant
from relu_optima.convex.one_dimensional.points import (
    Points,
    as_vector,
    as_weights,
    merge_points,
    sorting,
)
from relu_optima.convex.one_dimensional.solution import SplineSolution
from relu_optima.errors import SolveInputError

LOSSES = ("squared", "hinge", *SMOOTH)
FLOOR = 1e-15  # gaps below this many times the bound are rounding of the sums


def spline(
    x: np.ndarray,
    y: np.ndarray,
    beta: float,
    *,
    loss: str = "squared",
    weights: np.ndarray | None = None,
    delta: float = 1.0,
    tol: float = 1e-9,
    time_limit: float | None = None,
) -> SplineSolution:
    r"""Train a two-layer ReLU network of one input with free biases to its global optimum.

    .. math:: \min_{m, w, v, b, b_0} \; \sum_i \omega_i \, \ell\Bigl(\sum_{j=1}^m v_j
              (w_j x_i + b_j)_+ + b_0, \, y_i\Bigr)
              + \frac{\beta}{2} \sum_j (w_j^2 + v_j^2)

    over all widths m and activation patterns. The optimum is a linear spline with knots at data
    points; its penalty is beta times R(f) = (TV + max(TV, |e|)) / 2, with the total variation TV of
    its slope and the sum e of its first and last slope. Biases are *not* penalised; a network
    whose biases are is a different model, a program of rank two over the rows (x_i, 1).

    Parameters
    ----------
    x : array, shape (n,) or (n, 1)
        Inputs, in any order; repeated ones are allowed.
    y : array, shape (n,) or (n, 1)
        Targets; labels -1 and 1 for the hinge and the logistic loss.
    beta : float
        Strength of the penalty, at least 0. With 0 and the squared loss the answer is the
        interpolation of least penalty, see `interpolate`.
    loss : {"squared", "hinge", "logistic", "huber"}, default "squared"
        (f - y)^2 / 2, (1 - y f)_+, log(1 + exp(-y f)), or the squared loss up to a distance
        delta and its tangents beyond.
    weights : array, shape (n,), optional
        Non-negative weights omega of the losses; ones by default.
    delta : float, default 1.0
        Distance at which the Huber loss turns linear, positive; no other loss reads it.
    tol : float, default 1e-9
        Relative duality gap below which the answer counts as optimal, in (0, 1). The method for
        the squared loss is finite and ends near 1e-14 in any case.
    time_limit : float, optional
        Wall-clock limit in seconds; the best spline so far is returned.

    Returns
    -------
    SplineSolution
        The spline, its certificate and its networks.

    Raises
    ------
    SolveInputError
        If an argument has no meaning; the message names it.

    Notes
    -----
    The squared loss takes O(n) operations a round and some tens of rounds; 24 bytes a point are
    read. Values are those of float64: slopes between points at a distance h carry rounding of
    about 1e-16 max|y| / h, and so does the objective of splines that bend at such points.

    References
    ----------
    Ergen & Pilanci, "Convex geometry of two-layer ReLU networks", AISTATS 2020, and "Convex
    geometry and duality of over-parameterized neural networks", JMLR 2021: one-dimensional optima
    are linear splines. The function-space form of the penalty is proved in
    `relu_optima.convex.one_dimensional.tilt`.
    """
    started = time.process_time()
    x, y, omega = _checked(x, y, weights, loss, delta)
    check_beta(beta)
    beta = float(beta)  # a kernel for every type of number would be compiled
    _check_limits(tol, time_limit)
    if beta == 0.0:
        if loss != "squared":
            raise SolveInputError(
                f"without a penalty no network of least norm is defined for the {loss} loss",
                allowed="beta > 0",
                where="beta",
                fix="use a small beta",
            )
        return interpolate(x, y, weights=weights)
    order = None if np.all(x[1:] >= x[:-1]) else sorting(x)
    points = merge_points(x, y, omega, order)
    deadline = time.perf_counter() + time_limit if time_limit is not None else np.inf
    nodes, values, dual, tau, end, counts = _optimum(
        x, y, omega, beta, loss, delta, points, order, tol, deadline
    )
    proof = certify_spline(
        x, y, omega, beta, loss, nodes, values, dual=dual, order=order, delta=delta
    )
    status = (
        "optimal" if proof.gap <= tol else "time_limit" if end == "time_limit" else "inaccurate"
    )
    return SplineSolution(
        x=x, y=y, weights=omega, beta=beta, loss=loss, nodes=nodes, node_values=values,
        objective=proof.objective, dual_objective=proof.dual_objective, gap=proof.gap,
        violation=proof.violation, dual=proof.dual, tau=tau, status=status, counts=counts,
        seconds=time.process_time() - started, delta=delta,
    )  # fmt: skip


def _optimum(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, beta: float, loss: str, delta: float,
    points: Points, order: np.ndarray | None, tol: float, deadline: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, float, str, dict[str, int]]:  # fmt: skip
    """Solve by the method of the loss: nodes, values, a dual vector, tau, how it ended, counts."""
    if points.x.size == 1:
        return points.x, _best_constant(points, y, weights, loss, delta), None, 0.0, "optimal", {}
    if loss == "squared":
        from relu_optima.convex.one_dimensional.tilt import regress

        found = regress(points, beta, tol, deadline)
        return points.x[found.node], found.values, None, found.tau, found.status, found.counts
    if loss == "hinge":
        from relu_optima.convex.one_dimensional.hinge import classify

        return classify(x, y, weights, beta, tol, deadline)
    from relu_optima.convex.one_dimensional.smooth import descend

    kept = np.arange(x.size) if order is None else order
    kept = kept[weights[kept] > 0]
    nodes, values, tau, end, counts = descend(
        x[kept], y[kept], weights[kept], beta, loss, delta, tol, deadline
    )
    return nodes, values, None, tau, end, counts


def certified(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, beta: float,
    nodes: np.ndarray, values: np.ndarray, tau: float, tol: float = 1e-9,
) -> SplineSolution:  # fmt: skip
    """Certify a spline of the squared loss that comes from elsewhere."""
    started = time.process_time()
    proof = certify_spline(x, y, weights, beta, "squared", nodes, values)
    return SplineSolution(
        x=x, y=y, weights=weights, beta=float(beta), loss="squared", nodes=nodes,
        node_values=values, objective=proof.objective, dual_objective=proof.dual_objective,
        gap=proof.gap, violation=proof.violation, dual=proof.dual, tau=tau,
        status="optimal" if proof.gap <= tol else "inaccurate", counts={},
        seconds=time.process_time() - started,
    )  # fmt: skip


def interpolate(
    x: np.ndarray, y: np.ndarray, *, weights: np.ndarray | None = None
) -> SplineSolution:
    r"""Return the network of least penalty that fits the data exactly.

    .. math:: \min \; \tfrac12 \sum_j (w_j^2 + v_j^2) \quad \text{s.t.} \quad f(x_i) = y_i

    The straight lines between the data points in order are optimal, with value
    (TV + max(TV, |e|)) / 2: the penalty depends on the values at the data alone.

    Parameters
    ----------
    x : array, shape (n,) or (n, 1)
        Inputs; rows with the same input must have the same target.
    y : array, shape (n,) or (n, 1)
        Targets.
    weights : array, shape (n,), optional
        Rows of weight 0 are not fitted; other weights have no effect.

    Returns
    -------
    SplineSolution
        The spline; its objective is the penalty.

    Raises
    ------
    SolveInputError
        If an argument has no meaning, or targets of one input differ.
    """
    started = time.process_time()
    x, y, omega = _checked(x, y, weights, "squared")
    order = np.argsort(x, kind="stable")
    points = merge_points(x, y, omega, order)
    if points.spread > 0.0:
        raise SolveInputError(
            "rows with the same input have different targets, so nothing fits them exactly",
            allowed="equal targets where inputs are equal",
            where="y",
            fix="use beta > 0",
        )
    nodes, values = points.x, points.mean
    if nodes.size > 2:
        slopes = np.diff(values) / np.diff(nodes)
        kept = np.concatenate([[True], np.diff(slopes) != 0.0, [True]])
        nodes, values = nodes[kept], values[kept]
    proof = certify_spline(x, y, omega, 0.0, "interpolation", nodes, values, order=order)
    slopes = np.diff(values) / np.diff(nodes)
    bent = float(np.abs(np.diff(slopes)).sum()) if slopes.size else 0.0
    ends = float(slopes[0] + slopes[-1]) if slopes.size else 0.0
    return SplineSolution(
        x=x, y=y, weights=omega, beta=0.0, loss="interpolation", nodes=nodes, node_values=values,
        objective=proof.objective, dual_objective=proof.dual_objective, gap=proof.gap,
        violation=proof.violation, dual=proof.dual,
        tau=float(np.sign(ends)) if abs(ends) > bent else 0.0,
        status="optimal", counts={}, seconds=time.process_time() - started,
    )  # fmt: skip


def spline_beta_max(
    x: np.ndarray,
    y: np.ndarray,
    *,
    loss: str = "squared",
    weights: np.ndarray | None = None,
    delta: float = 1.0,
) -> float:
    r"""Return the least strength at which a constant is optimal.

    .. math:: \beta_{\max} = \max_k \max(|G_k|, |G_k - M|), \quad
              G_k = \sum_i \nu_i (x_i - x_k)_+, \quad M = G_1

    with nu = -omega l' at the best constant, for the squared loss omega_i (y_i - mean).

    Parameters
    ----------
    x, y : array, shape (n,) or (n, 1)
        Data.
    loss : {"squared", "logistic", "huber"}, default "squared"
        Loss; the best constant of the hinge loss has no single slope.
    weights : array, shape (n,), optional
        Weights of the losses.
    delta : float, default 1.0
        Distance at which the Huber loss turns linear.

    Returns
    -------
    float
        The strength; 0 if a constant fits best anyway.

    Raises
    ------
    SolveInputError
        If an argument has no meaning.
    """
    from relu_optima.convex.one_dimensional.certificate import tube_height

    if loss == "hinge":
        raise SolveInputError(
            "the hinge loss has no closed form of it",
            allowed=", ".join(name for name in LOSSES if name != "hinge"),
            where="loss",
        )
    x, y, omega = _checked(x, y, weights, loss, delta)
    order = np.argsort(x, kind="stable")
    w, target = omega[order].astype(np.longdouble), y[order].astype(np.longdouble)
    if loss == "squared":
        residual = w * (target - np.sum(w * target) / np.sum(w))
    else:
        flat = np.full(x.size, best_constant(loss, y, omega, delta), dtype=np.longdouble)
        residual = -w * loss_slope(loss, flat, target, delta)
    return float(tube_height(x[order], residual - w * (np.sum(residual) / np.sum(w))))


def check_beta(beta: float) -> None:
    """Check a strength."""
    if not isinstance(beta, (int, float, np.integer, np.floating)) or not 0 <= beta < np.inf:
        raise SolveInputError(f"it is {beta!r}", allowed="a finite number >= 0", where="beta")


def _check_limits(tol: float, time_limit: float | None) -> None:
    """Check when to stop."""
    if not 0 < tol < 1:
        raise SolveInputError(f"it is {tol!r}", allowed="0 < tol < 1", where="tol")
    if time_limit is not None and not time_limit > 0:
        raise SolveInputError(
            f"it is {time_limit!r}", allowed="seconds > 0, or none", where="time_limit"
        )


def _checked(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray | None, loss: str, delta: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check data and loss."""
    if loss == "huber" and not 0 < delta < np.inf:
        raise SolveInputError(f"it is {delta!r}", allowed="a finite number > 0", where="delta")
    if loss not in LOSSES:
        raise SolveInputError(f"unknown loss {loss!r}", allowed=", ".join(LOSSES), where="loss")
    x = as_vector(x, "x")
    y = as_vector(y, "y", x.size)
    if loss in LABELLED and not np.all(np.abs(y) == 1.0):
        raise SolveInputError(
            f"labels go from {y.min():g} to {y.max():g}",
            allowed="-1 and 1",
            where="y",
            fix="map the two classes to -1 and 1",
        )
    omega = as_weights(weights, x.size)
    seen = y[omega > 0]
    if loss == "logistic" and np.all(seen == seen[0]):
        raise SolveInputError(
            f"every label is {seen[0]:g}, so the loss falls to 0 as a constant grows: no optimum",
            allowed="both labels",
            where="y",
            fix="use the hinge loss, whose optimum exists",
        )
    return x, y, omega


def _best_constant(
    points: Points, y: np.ndarray, weights: np.ndarray, loss: str, delta: float
) -> np.ndarray:
    """Return the best value if all inputs are equal."""
    if loss == "squared":
        return points.mean
    if loss in SMOOTH:
        return np.array([best_constant(loss, y, weights, delta)])
    return np.array([1.0 if float(np.sum(weights * y)) >= 0 else -1.0])
