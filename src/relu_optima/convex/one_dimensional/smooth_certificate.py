r"""Certificates of splines of smooth losses, from nu = -L'(f) and the conjugates.

.. math:: D(\nu) = -\sum_i \omega_i \, \ell_i^*(-\nu_i / \omega_i)

over the same tube as in `certificate`. *Logistic*: with nu = y a omega the conjugate is
a log a + (1 - a) log(1 - a) for a in [0, 1], else infinite. *Huber*: D = sum nu y - nu^2 / 2 omega
for |nu| <= delta omega. The heavier of the two signs is scaled down until sum(nu) = 0, then all of
it until the tube holds; both keep nu in the domain of the conjugate.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.loss import dual_value, loss_slope, loss_value
from relu_optima.convex.one_dimensional.certificate import (
    Long,
    SplineCertificate,
    in_order,
    not_above,
    path_norm,
    read_spline,
    relative_gap,
    tube_height,
)
from relu_optima.convex.one_dimensional.losses import best_constant


def certify_smooth(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, beta: float, loss: str, delta: float,
    nodes: np.ndarray, values: np.ndarray, *, order: np.ndarray | None = None,
) -> SplineCertificate:  # fmt: skip
    """Certify the spline through (nodes, values) for the logistic or the Huber loss, beta > 0."""
    sorting = in_order(x, order)
    a, w = x[sorting], weights[sorting].astype(Long)
    target = y[sorting].astype(Long)
    output = read_spline(nodes, values, a)
    change, ends = path_norm(nodes, values)
    norm = (change + max(change, abs(ends))) / 2
    objective = np.sum(w * loss_value(loss, output, target, delta)) + Long(beta) * norm
    nu = -w * loss_slope(loss, output, target, delta)
    up, down = np.sum(nu[nu > 0]), -np.sum(nu[nu < 0])
    least = min(up, down)
    nu = nu * np.where(nu > 0, least / (up or 1), least / (down or 1))
    height = tube_height(a, nu)
    nu = nu * (Long(1) if height <= beta else Long(beta) / height)
    share = nu / np.where(w > 0, w, 1)
    bound = not_above(Long(np.sum(w * dual_value(loss, share, target, delta))), objective)
    flat = np.full_like(target, best_constant(loss, y, weights, delta))
    vector = np.empty(x.size)
    vector[sorting] = nu
    return SplineCertificate(
        objective=float(objective),
        dual_objective=float(bound),
        gap=relative_gap(objective, bound, np.sum(w * loss_value(loss, flat, target, delta))),
        violation=max(0.0, float(height / Long(beta)) - 1.0),
        dual=vector,
        norm=float(norm),
    )
