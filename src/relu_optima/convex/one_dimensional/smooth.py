r"""Splines of smooth losses: Newton steps, each of them a weighted spline of the squared loss.

With slopes l' and curvatures h > 0 of the loss at f, the model

.. math:: \sum_i \omega_i \Bigl(\ell_i(f_i) + \ell_i'(f_i) (g_i - f_i)
          + \tfrac{h_i}{2} (g_i - f_i)^2\Bigr) + \beta R(g)

is a squared loss with weights omega h and targets f - l' / h, which `tilt` solves exactly, O(n) a
round. Its minimiser is a direction of descent: as R is convex, R(f + t (g - f)) is at most
(1 - t) R(f) + t R(g), and the slope at t = 0 of what this makes of the objective is
sum omega l' (g - f) + beta (R(g) - R(f)) <= -sum omega h (g - f)^2, since g minimises the model.
So halving t until the objective falls by a share of that slope converges (Lee, Sun & Saunders
2014, "Proximal Newton-type methods for minimizing composite functions"). Where the loss is linear
or nearly so, h is a small positive number in place of its curvature.
"""

from __future__ import annotations

import time

import numpy as np

from relu_optima.convex.loss import loss_curvature, loss_slope, loss_value
from relu_optima.convex.one_dimensional.certificate import path_norm
from relu_optima.convex.one_dimensional.losses import best_constant
from relu_optima.convex.one_dimensional.points import merge_points
from relu_optima.convex.one_dimensional.tilt import regress

STEPS = 100  # Newton steps; 5 to 30 have been enough
ROUNDING = 1e-14  # relative to the objective; less than that a sum of losses does not show
HALVINGS = 40  # of one step
DESCENT = 0.1  # share of the predicted decrease that a step has to bring
TINY = {"logistic": 1e-9, "huber": 1e-3}  # least curvature, relative to the largest


def descend(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, beta: float, loss: str, delta: float,
    tol: float, deadline: float,
) -> tuple[np.ndarray, np.ndarray, float, str, dict[str, int]]:  # fmt: skip
    """Return nodes, values, tau, how it ended and counts; rows of positive weight, sorted."""
    start = best_constant(loss, y, weights, delta)
    nodes, values = x[[0, -1]], np.full(2, start)
    f, norm, tau = np.full(x.size, start), 0.0, 0.0
    value = float(np.sum(weights * loss_value(loss, f, y, delta)))
    last = np.inf
    counts = {"steps": 0, "rounds": 0, "systems": 0, "strict_rounds": 0, "tilts": 0}
    for _ in range(STEPS):
        slope = loss_slope(loss, f, y, delta)
        bend = loss_curvature(loss, f, y, delta)
        bend = np.maximum(bend, TINY[loss] * (bend.max() or 1.0))
        model = merge_points(x, f - slope / bend, weights * bend, None)
        found = regress(model, beta, tol, deadline)
        counts = {k: counts[k] + v for k, v in ({"steps": 1} | found.counts).items()}
        places, heights, tau = model.x[found.node], found.values, found.tau
        g = np.interp(x, places, heights)
        change, ends = path_norm(places, heights)
        other = float(0.5 * (change + max(change, abs(ends))))
        fall = float(np.sum(weights * slope * (g - f))) + beta * (other - norm)
        # second order, as the objective's distance is; the gap of nu = -L'(f) is first order
        decrement = float(np.sum(weights * bend * (g - f) ** 2)) / (value or 1.0)
        slack, t = ROUNDING * value, 1.0
        for _ in range(HALVINGS):
            trial = f + t * (g - f)
            reached = float(np.sum(weights * loss_value(loss, trial, y, delta)))
            reached += beta * ((1 - t) * norm + t * other)
            if reached <= value + DESCENT * t * min(fall, 0.0) + slack:
                break
            t *= 0.5
        else:
            break  # rounding hides further progress
        if t == 1.0:
            nodes, values = places, heights
        else:
            both = np.union1d(nodes, places)
            mixed = (1 - t) * np.interp(both, nodes, values) + t * np.interp(both, places, heights)
            nodes, values = both, mixed
        f, norm = trial, (1 - t) * norm + t * other
        value = reached
        if time.perf_counter() > deadline:
            return nodes, values, tau, "time_limit", counts
        if decrement <= (0.1 * tol) ** 2 or 0.25 * last < decrement < ROUNDING:
            break
        last = decrement
    return nodes, values, tau, "optimal", counts
