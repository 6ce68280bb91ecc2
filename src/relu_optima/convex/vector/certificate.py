r"""Certificates of answers with several outputs.

Nothing is shared with the solvers: the fit comes from the network, and the height of a dual
candidate over listed gates from a singular value decomposition of every X'D_i N, over all patterns
by listing the cells (`enumeration_certificate`). For listed gates and every N

.. math:: D(t N) = t \langle N, Y \rangle - \tfrac12 t^2 \lVert N \rVert_F^2,
          \qquad 0 \le t \le \lambda / \max_i \lVert X^\top D_i N \rVert_{op} ,

is a lower bound by weak duality: for all blocks,
1/2 |F - Y|^2 >= <N, Y - F> - 1/2 |N|^2 and <N, F> = sum_i <X'D_i N, V_i> <= lam sum_i |V_i|_*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from relu_optima.convex.certificate import Certificate, dual_norm, relative_gap
from relu_optima.convex.enumeration_certificate import largest_correlation
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
    features = network.features(X)
    return _bracket(features, Y, lam, network, dual, lambda N: _height(X, gates, N))


def certify_all_patterns(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    network: ShallowNetwork,
    dual: np.ndarray,
    *,
    samples: np.ndarray | None = None,
) -> Certificate:
    """Bound a ReLU network, or one of pooled patches, against networks of every width.

    For a stationary point of the weight-decay objective the bound at its own residual is the
    relative one of Burer-Monteiro factorisations, (height / lam - 1)_+ = ``kkt_residual``
    (Sahiner et al. 2023).
    """
    features = network.features(X)
    if samples is None:
        return _bracket(features, Y, lam, network, dual, lambda N: largest_correlation(X, N))
    sizes = np.bincount(samples, minlength=len(Y))
    pooled = np.zeros((len(Y), features.shape[1]))
    np.add.at(pooled, samples, features / sizes[samples][:, None])

    def height(N: np.ndarray) -> float:
        return largest_correlation(X, N[samples] / sizes[samples][:, None])

    return _bracket(pooled, Y, lam, network, dual, height)


def certify_separate(
    X: np.ndarray,
    Y: np.ndarray,
    gates: np.ndarray,
    lam: float,
    network: ShallowNetwork,
    dual: np.ndarray,
    formulation: str,
) -> Certificate:
    """Bound networks whose neurons feed one output each, output by output."""
    features = network.features(X)
    parts = []
    for k, y in enumerate(Y.T):
        own = network.V[:, k] != 0
        single = ShallowNetwork(network.U[own], network.V[own][:, k : k + 1])

        def height(N: np.ndarray) -> float:
            return dual_norm(X, N[:, 0], gates, formulation)

        parts.append(
            _bracket(features[:, own], y[:, None], lam, single, dual[:, k : k + 1], height)
        )
    proof = add_up(parts, Y)
    # a neuron of two outputs is none of this program
    shared = float(np.count_nonzero(network.V, axis=1).max(initial=0))
    return replace(proof, violation=max(proof.violation, shared - 1.0))


def add_up(proofs: list[Certificate], Y: np.ndarray) -> Certificate:
    """Certificate of programs that share nothing but the strength, one for each output."""
    objective = float(sum(p.objective for p in proofs))
    bound = float(sum(p.dual_objective for p in proofs))
    return Certificate(
        objective,
        bound,
        relative_gap(objective, bound, Y.ravel()),
        max(p.kkt_residual for p in proofs),
        max(p.violation for p in proofs),
        np.column_stack([p.dual for p in proofs]),
    )


def _bracket(
    features: np.ndarray,
    Y: np.ndarray,
    lam: float,
    network: ShallowNetwork,
    dual: np.ndarray,
    height_of: Callable[[np.ndarray], float],
) -> Certificate:
    """Value a network, and take the better bound of its residual and of a dual candidate."""
    residual = Y - features @ network.V
    weights = np.linalg.norm(network.U, axis=1) * np.linalg.norm(network.V, axis=1)
    objective = 0.5 * float(np.sum(residual**2)) + lam * float(weights.sum())
    best, vector, kkt = 0.0, np.zeros_like(Y), 0.0
    for place, N in enumerate((residual, dual)):
        height = height_of(N)
        if place == 0:
            kkt = max(0.0, height / lam - 1.0)
        square, along = float(np.sum(N * N)), float(np.sum(N * Y))
        if square <= 0.0 or along <= 0.0:
            continue
        t = along / square if height == 0.0 else min(along / square, lam / height)
        bound = t * along - 0.5 * t * t * square
        if bound > best:
            best, vector = bound, t * N
    gap = relative_gap(objective, best, Y.ravel())
    return Certificate(objective, best, gap, kkt, 0.0, vector)


def _height(X: np.ndarray, gates: np.ndarray, N: np.ndarray) -> float:
    """Largest singular value of X'D_i N over the gates, one gate after the other."""
    highest = 0.0
    for gate in gates.T:
        on = X @ gate > 0
        values = np.linalg.svd(X[on].T @ N[on], compute_uv=False)
        highest = max(highest, float(values[0]))
    return highest
