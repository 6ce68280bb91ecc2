r"""An interior-point method for the dual of hinge-loss classification with a spline.

.. math:: \max \sum \alpha \quad \text{s.t.} \quad 0 \le \alpha \le w, \quad S_n = 0, \quad
          |H_k| \le \beta, \quad |G_k| \le \beta,

with nu = y alpha, S and H as in `relu_optima.convex.one_dimensional.hinge_kernels` and
G_k = H_k + M = sum_j nu_j (x_j - x_k)_+. The multipliers of the bounds on H and G are the ramps to
the left and to the right; those of alpha make the hinges. Mehrotra's predictor and corrector from a
point that is strictly feasible on both sides (no ramps, alpha small and balanced). Slacks are kept
as variables, so they stay positive below the rounding of H.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled
from relu_optima.convex.one_dimensional.hinge_kernels import smooth

TO_BOUNDARY = 0.995  # share of the way to the first bound that a step goes


@compiled
def spline_of_ramps(h: np.ndarray, left: np.ndarray, right: np.ndarray, f: np.ndarray) -> None:
    """Write the values, up to a constant, of ramps to both sides of every point."""
    slope = -np.sum(left[1:])
    f[0] = 0.0
    for k in range(h.size):
        f[k + 1] = f[k] + h[k] * slope
        slope += left[k + 1] + right[k + 1]


@compiled
def integrate(h: np.ndarray, nu: np.ndarray, curve: np.ndarray) -> None:
    """Write H of `nu` to row 0 and G to row 1."""
    flow = 0.0
    curve[0, 0] = 0.0
    for k in range(h.size):
        flow += nu[k]
        curve[0, k + 1] = curve[0, k] + h[k] * flow
    last = curve[0, h.size]
    for k in range(h.size + 1):
        curve[1, k] = curve[0, k] - last


@compiled
def newton(
    h: np.ndarray, mass: np.ndarray, f: np.ndarray, alpha_slack: np.ndarray, alpha_z: np.ndarray,
    tube_slack: np.ndarray, tube_z: np.ndarray, alpha_target: np.ndarray, tube_target: np.ndarray,
    pivots: np.ndarray, flow: np.ndarray, step: np.ndarray, curve: np.ndarray,
    alpha_dz: np.ndarray, tube_dz: np.ndarray,
) -> None:  # fmt: skip
    """Solve for the step towards products slack * z = target; all arrays are (2, 2, n) or less.

    Axes of alpha arrays: label (+, -), bound (upper, lower), point; of tube arrays: curve (H, G),
    bound, point.
    """
    n = h.size + 1
    e, nu_hat = np.empty(n), np.empty(n)
    own, wish = np.zeros((2, n)), np.zeros((2, n))
    weight, aim = np.zeros((2, n)), np.zeros((2, n))
    for j in range(n):
        softness, nu = 0.0, 0.0
        for a in range(2):
            if mass[a, j] > 0.0:
                label = 1.0 - 2.0 * a
                up, low = alpha_slack[a, 0, j], alpha_slack[a, 1, j]
                own[a, j] = alpha_z[a, 0, j] / up + alpha_z[a, 1, j] / low
                pull = 1.0 - label * f[j]
                pull += alpha_target[a, 1, j] / low - alpha_target[a, 0, j] / up
                wish[a, j] = pull / own[a, j]
                softness += 1.0 / own[a, j]
                nu += label * wish[a, j]
        e[j], nu_hat[j] = 1.0 / softness, nu
        for a in range(2):
            if j > 0 and (a == 0 or j < n - 1):
                up, low = tube_slack[a, 0, j], tube_slack[a, 1, j]
                weight[a, j] = tube_z[a, 0, j] / up + tube_z[a, 1, j] / low
                pull = tube_z[a, 0, j] - tube_z[a, 1, j]
                pull += tube_target[a, 1, j] / low - tube_target[a, 0, j] / up
                aim[a, j] = pull / weight[a, j]
    smooth(h, e, nu_hat, weight[0], aim[0], weight[1], aim[1], pivots, flow)
    before = 0.0
    for j in range(n):
        nu = (flow[j] if j < n - 1 else 0.0) - before
        before += nu
        for a in range(2):
            if mass[a, j] > 0.0:
                if mass[1 - a, j] == 0.0:
                    d = nu * (1.0 - 2.0 * a)
                elif a == 0:  # both labels at one place share nu
                    d = (own[0, j] * wish[0, j] + own[1, j] * (wish[1, j] + nu)) / (
                        own[0, j] + own[1, j]
                    )
                else:
                    d = step[0, j] - nu
                step[a, j] = d
                up, low = alpha_slack[a, 0, j], alpha_slack[a, 1, j]
                zu, zl = alpha_z[a, 0, j], alpha_z[a, 1, j]
                alpha_dz[a, 0, j] = (alpha_target[a, 0, j] + zu * d) / up - zu
                alpha_dz[a, 1, j] = (alpha_target[a, 1, j] - zl * d) / low - zl
    total = np.empty(n)
    for j in range(n):
        total[j] = (flow[j] if j < n - 1 else 0.0) - (flow[j - 1] if j > 0 else 0.0)
    integrate(h, total, curve)
    for j in range(1, n):
        for a in range(2):
            if a == 0 or j < n - 1:
                d = curve[a, j]
                up, low = tube_slack[a, 0, j], tube_slack[a, 1, j]
                zu, zl = tube_z[a, 0, j], tube_z[a, 1, j]
                tube_dz[a, 0, j] = (tube_target[a, 0, j] + zu * d) / up - zu
                tube_dz[a, 1, j] = (tube_target[a, 1, j] - zl * d) / low - zl


@compiled
def longest(slack: np.ndarray, z: np.ndarray, d: np.ndarray, dz: np.ndarray) -> tuple[float, float]:
    """Return how far slacks and multipliers may go; entries without a bound have z = 0."""
    for_slack, for_z = 1.0, 1.0
    for a in range(2):
        for j in range(z.shape[2]):
            for b in range(2):
                if z[a, b, j] > 0.0:
                    ds = d[a, j] if b == 1 else -d[a, j]
                    if ds < 0.0 and -slack[a, b, j] / ds < for_slack:
                        for_slack = -slack[a, b, j] / ds
                    if dz[a, b, j] < 0.0 and -z[a, b, j] / dz[a, b, j] < for_z:
                        for_z = -z[a, b, j] / dz[a, b, j]
    return for_slack, for_z


@compiled
def product_after(
    slack: np.ndarray, z: np.ndarray, d: np.ndarray, dz: np.ndarray, p: float, q: float
) -> float:
    """Sum slack * z after a step."""
    total = 0.0
    for a in range(2):
        for j in range(z.shape[2]):
            for b in range(2):
                if z[a, b, j] > 0.0:
                    ds = d[a, j] if b == 1 else -d[a, j]
                    total += (slack[a, b, j] + p * ds) * (z[a, b, j] + q * dz[a, b, j])
    return total


@compiled
def aim_at(target: np.ndarray, centre: float, z: np.ndarray, d: np.ndarray, dz: np.ndarray) -> None:
    """Write centre minus the second-order term of the affine step."""
    for a in range(2):
        for j in range(z.shape[2]):
            for b in range(2):
                ds = d[a, j] if b == 1 else -d[a, j]
                target[a, b, j] = centre - ds * dz[a, b, j]


@compiled
def move(
    slack: np.ndarray, z: np.ndarray, d: np.ndarray, dz: np.ndarray, p: float, q: float
) -> None:
    """Take a step."""
    for a in range(2):
        for j in range(z.shape[2]):
            for b in range(2):
                if z[a, b, j] > 0.0:
                    slack[a, b, j] += p * (d[a, j] if b == 1 else -d[a, j])
                    z[a, b, j] += q * dz[a, b, j]


@compiled
def follow_centre(
    h: np.ndarray, mass: np.ndarray, alpha_slack: np.ndarray, alpha_z: np.ndarray,
    tube_slack: np.ndarray, tube_z: np.ndarray, gap: float, max_steps: int,
) -> int:  # fmt: skip
    """Improve slacks and multipliers in place until sum(slack * z) <= gap * sum(alpha)."""
    n = h.size + 1
    f, flow, pivots = np.empty(n), np.empty(n), np.empty((n, 5))
    step, curve = np.zeros((2, n)), np.zeros((2, n))
    alpha_dz, tube_dz = np.zeros((2, 2, n)), np.zeros((2, 2, n))
    count = 0
    for a in range(2):
        for j in range(n):
            count += 2 * (mass[a, j] > 0.0) + 2 * (tube_z[a, 0, j] > 0.0)
    for k in range(max_steps):
        left, right = tube_z[0, 0] - tube_z[0, 1], tube_z[1, 0] - tube_z[1, 1]
        spline_of_ramps(h, left, right, f)
        product = product_after(alpha_slack, alpha_z, step, alpha_dz, 0.0, 0.0)
        product += product_after(tube_slack, tube_z, curve, tube_dz, 0.0, 0.0)
        if product <= gap * np.sum(alpha_slack[:, 1]):
            return k
        alpha_target, tube_target = np.zeros((2, 2, n)), np.zeros((2, 2, n))
        p = q = 0.0
        for corrector in range(2):
            newton(
                h, mass, f, alpha_slack, alpha_z, tube_slack, tube_z, alpha_target, tube_target,
                pivots, flow, step, curve, alpha_dz, tube_dz,
            )  # fmt: skip
            p, q = longest(alpha_slack, alpha_z, step, alpha_dz)
            p2, q2 = longest(tube_slack, tube_z, curve, tube_dz)
            p, q = min(p, p2), min(q, q2)
            if corrector == 0:
                after = product_after(alpha_slack, alpha_z, step, alpha_dz, p, q)
                after += product_after(tube_slack, tube_z, curve, tube_dz, p, q)
                centre = max(after / product, 0.0) ** 3 * product / count
                aim_at(alpha_target, centre, alpha_z, step, alpha_dz)
                aim_at(tube_target, centre, tube_z, curve, tube_dz)
        p, q = min(1.0, TO_BOUNDARY * p), min(1.0, TO_BOUNDARY * q)
        if not max(p, q) > 1e-8:  # rounding has the last word; also ends on NaN
            return k
        move(alpha_slack, alpha_z, step, alpha_dz, p, q)
        move(tube_slack, tube_z, curve, tube_dz, p, q)
    return max_steps
