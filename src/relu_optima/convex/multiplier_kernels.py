r"""Compiled loops over the multipliers of projections: A'rho, and the bounds that it gives.

For any rho >= 0 and t >= 0, |Proj_K w| <= |w + t A'rho|, because w + t A'rho - Proj_K w is a sum
of a dual and a polar vector of the cone; the multipliers of an earlier projection are good ones.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.compilation import compiled

DRIFT = 1e-11  # of p - g from A'rho, relative to g, beyond which a face is factorised anew


@compiled
def sum_multipliers(
    blocks: np.ndarray,
    slots: np.ndarray,
    G: np.ndarray,
    P: np.ndarray,
    unit_rows: np.ndarray,
    patterns: np.ndarray,
    rows: np.ndarray,
    rho: np.ndarray,
    size: np.ndarray,
    built: np.ndarray,
    shift: np.ndarray,
) -> None:
    """Write A'rho of some projections; P - G would be rounding where it is small.

    Where the two differ by more than rounding, the factor has drifted and is given up.

    Parameters
    ----------
    blocks, slots, G, P, unit_rows, patterns, rows, rho, size, built : array
        As in `relu_optima.convex.kernels.project`, after it.
    shift : array, shape (m, d)
        Receives A'rho.
    """
    count, d = G.shape
    for c in range(count):
        b = blocks[c]
        pattern = b % patterns.shape[0]
        for i in range(d):
            shift[c, i] = 0.0
        for j in range(size[b]):
            row = rows[b, j]
            push = max(0.0, rho[b, j])
            weight = push if patterns[pattern, row] else -push
            for i in range(d):
                shift[c, i] += weight * unit_rows[row, i]
        away, length = 0.0, 0.0
        for i in range(d):
            away += (P[c, i] - G[c, i] - shift[c, i]) ** 2
            length += G[c, i] ** 2
        if away > DRIFT * DRIFT * length:
            built[slots[c]] = False


@compiled
def bound_norms(blocks: np.ndarray, M: np.ndarray, W: np.ndarray, out: np.ndarray) -> None:
    """Write min over t >= 0 of |W_b + t M_b|, which bounds |Proj_K W_b| if M_b = A'rho, rho >= 0.

    Parameters
    ----------
    blocks : array of int, shape (m,)
        Blocks.
    M : array, shape (B, d)
        Multipliers of the last projection of every block.
    W : array, shape (m, d)
        Vectors.
    out : array, shape (m,)
        Receives the bounds.
    """
    for c in range(blocks.size):
        b = blocks[c]
        along, square = 0.0, 0.0
        for i in range(W.shape[1]):
            along += W[c, i] * M[b, i]
            square += M[b, i] * M[b, i]
        t = -along / square if along < 0.0 else 0.0
        total = 0.0
        for i in range(W.shape[1]):
            total += (W[c, i] + t * M[b, i]) ** 2
        out[c] = np.sqrt(total)
