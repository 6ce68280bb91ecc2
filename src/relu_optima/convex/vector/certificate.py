r"""Certificates of answers with several outputs over listed gates.

Nothing is shared with the solver: patterns come from the gates, the fit from the network, and the
height of a dual candidate from a singular value decomposition of every X'D_i N. For every N

.. math:: D(t N) = t \langle N, Y \rangle - \tfrac12 t^2 \lVert N \rVert_F^2,
          \qquad 0 \le t \le \lambda / \max_i \lVert X^\top D_i N \rVert_{op} ,

is a lower bound by weak duality: for all blocks,
1/2 |F - Y|^2 >= <N, Y - F> - 1/2 |N|^2 and <N, F> = sum_i <X'D_i N, V_i> <= lam sum_i |V_i|_*.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.certificate import Certificate
from relu_optima.convex.shallow import ShallowNetwork


def certify_gated(
    X: np.ndarray,
    Y: np.ndarray,
    gates: np.ndarray,
    lam: float,
    network: ShallowNetwork,
    dual: np.ndarray,
) -> Certificate:
    """Bound a gated network against every network over the same gates."""
    residual = Y - network.predict(X)
    objective = network.objective(X, Y, lam)
    best, vector, kkt = 0.0, np.zeros_like(Y), 0.0
    for place, N in enumerate((residual, dual)):
        height = _height(X, gates, N)
        if place == 0:
            kkt = max(0.0, height / lam - 1.0)
        square, along = float(np.sum(N * N)), float(np.sum(N * Y))
        if square <= 0.0 or along <= 0.0:
            continue
        t = along / square if height == 0.0 else min(along / square, lam / height)
        bound = t * along - 0.5 * t * t * square
        if bound > best:
            best, vector = bound, t * N
    energy = 0.5 * float(np.sum(Y * Y))
    gap = 0.0 if energy == 0.0 else (objective - best) / max(best, 1e-12 * energy)
    return Certificate(objective, best, gap, kkt, 0.0, vector)


def _height(X: np.ndarray, gates: np.ndarray, N: np.ndarray) -> float:
    """Largest singular value of X'D_i N over the gates, one gate after the other."""
    highest = 0.0
    for gate in gates.T:
        on = X @ gate > 0
        values = np.linalg.svd(X[on].T @ N[on], compute_uv=False)
        highest = max(highest, float(values[0]))
    return highest
