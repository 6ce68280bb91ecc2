r"""Compiled kernels of the interior-point method for the hinge loss: O(n) for each step.

A Newton step is a least-squares problem over the changes of nu at the sorted points,

.. math:: \min \sum_j e_j (\nu_j - \hat\nu_j)^2 + \sum_k d_k (H_k - \hat h_k)^2
          + \sum_k g_k (H_k + M - \hat g_k)^2

where S_j = nu_1 + ... + nu_j, H_1 = 0, H_{k+1} = H_k + h_k S_k, S_n = 0 and H_n = -M. It is solved
like a Kalman smoother in square-root form: one sweep over the states (S, H) with Givens rotations,
which is backward stable whatever the weights, and one back. Weights of an interior-point method
range over twenty orders of magnitude, and normal equations of second differences square a condition
number of about n^4 on top; general sparse solvers fail on them at n of about 1e5.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled


@compiled
def rotation(a: float, b: float) -> tuple[float, float, float]:
    """Return cosine, sine and length of the rotation that takes (a, b) to (length, 0)."""
    if b == 0.0:
        return 1.0, 0.0, a
    length = np.sqrt(a * a + b * b)
    return a / length, b / length, length


@compiled
def add_to_last(last: np.ndarray, m: float, r: float) -> None:
    """Add the row m M = r to the rows that hold M alone."""
    c, s, length = rotation(last[0], m)
    last[0], last[1] = length, c * last[1] + s * r


@compiled
def add_state_row(
    row: np.ndarray, last: np.ndarray, weight: float, target: float, with_tilt: bool
) -> None:
    """Add the row weight (H - target)^2, or of H + M, to the row (H, M | right side)."""
    root = np.sqrt(weight)
    c, s, length = rotation(row[0], root)
    m, r = root if with_tilt else 0.0, root * target
    rest_m, rest_r = c * m - s * row[1], c * r - s * row[2]
    row[0], row[1], row[2] = length, c * row[1] + s * m, c * row[2] + s * r
    add_to_last(last, rest_m, rest_r)


@compiled
def smooth(
    h: np.ndarray, e: np.ndarray, nu_hat: np.ndarray, d: np.ndarray, h_hat: np.ndarray,
    g: np.ndarray, g_hat: np.ndarray, pivots: np.ndarray, flow: np.ndarray,
) -> None:  # fmt: skip
    """Write the optimal S_1, ..., S_{n-1} of the module docstring to `flow`."""
    n = h.size + 1
    last = np.zeros(2)
    row = np.zeros(3)  # H, M, right side: holds H_j alone
    root = np.sqrt(e[0])
    row[0], row[2] = root / h[0], root * nu_hat[0]  # S_1 = H_2 / h_1
    add_state_row(row, last, d[1], h_hat[1], False)
    if n > 2:
        add_state_row(row, last, g[1], g_hat[1], True)
        root = np.sqrt(e[1])
        top_h, top_s, top_m, top_r = -root / h[0], root, 0.0, root * nu_hat[1]
        for j in range(1, n - 1):
            # rows over (H_j, S_j): (top_h, top_s) and (row[0], 0); go to H_{j+1} = H_j + h_j S_j
            step = h[j]
            a1, b1, a2, b2 = top_s - step * top_h, top_h, -step * row[0], row[0]
            c, s, a = rotation(a1, a2)
            b, m, r = c * b1 + s * b2, c * top_m + s * row[1], c * top_r + s * row[2]
            row[0], row[1], row[2] = (
                c * b2 - s * b1, c * row[1] - s * top_m, c * row[2] - s * top_r
            )  # fmt: skip
            if row[0] < 0.0:
                row[0], row[1], row[2] = -row[0], -row[1], -row[2]
            add_state_row(row, last, d[j + 1], h_hat[j + 1], False)
            root = np.sqrt(e[j + 1])
            if j + 1 < n - 1:
                add_state_row(row, last, g[j + 1], g_hat[j + 1], True)
            # the control nu_{j+1} = S_{j+1} - S_j removes S_j
            c, s, a = rotation(a, -root)
            pivots[j, 0], pivots[j, 1], pivots[j, 2] = a, c * b, s * root
            pivots[j, 3], pivots[j, 4] = c * m, c * r + s * root * nu_hat[j + 1]
            top_h, top_s, top_m = -s * b, c * root, -s * m
            top_r = c * root * nu_hat[j + 1] - s * r
    else:
        root = np.sqrt(e[1])
        top_h, top_s, top_m, top_r = -root / h[0], root, 0.0, root * nu_hat[1]
    # the end: S_n = 0 and H_n = -M
    add_to_last(last, row[1] - row[0], row[2])
    add_to_last(last, top_m - top_h, top_r)
    tilt = last[1] / last[0]
    state, after = -tilt, 0.0
    for j in range(n - 2, 0, -1):
        flow[j] = (
            pivots[j, 4] - pivots[j, 1] * state - pivots[j, 2] * after - pivots[j, 3] * tilt
        ) / pivots[j, 0]
        state -= h[j] * flow[j]
        after = flow[j]
    flow[0] = state / h[0]
