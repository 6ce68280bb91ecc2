r"""Two-layer networks and their correspondence with the blocks of the convex program.

For a ReLU network the non-convex objective is

.. math:: \tfrac12 \lVert (X W_1^\top)_+ w_2 - y \rVert^2
          + \tfrac{\lambda}{2} (\lVert W_1 \rVert_F^2 + \lVert w_2 \rVert^2),

and balancing every neuron turns the penalty into lam * sum |w_2j| ||W_1j|| (AM-GM), the group
norm of the convex program (Pilanci & Ergen 2020, Theorem 1; Mishkin & Pilanci 2023, section 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.convex.gates import activation_patterns


@dataclass(frozen=True)
class TwoLayerNetwork:
    r"""A network with one hidden layer and one output, without hidden biases.

    Without gates, f(x) = sum_j w2_j (x'W1_j)_+ + b2; with gates, f(x) = sum_j w2_j 1[x'g_j > 0]
    x'W1_j + b2.

    Attributes
    ----------
    W1 : array, shape (p, d)
        First-layer weights, one neuron in each row.
    w2 : array, shape (p,)
        Second-layer weights.
    gates : array, shape (d, p), or None
        Fixed gates of a gated ReLU network; None for a ReLU network.
    b2 : float
        Bias of the output.
    """

    W1: np.ndarray
    w2: np.ndarray
    gates: np.ndarray | None = None
    b2: float = 0.0

    def features(self, X: np.ndarray) -> np.ndarray:
        """Return the hidden activations.

        Parameters
        ----------
        X : array, shape (m, d)
            Inputs.

        Returns
        -------
        array, shape (m, p)
            Activations.
        """
        linear = np.asarray(X, dtype=np.float64) @ self.W1.T
        if self.gates is None:
            return np.asarray(np.maximum(linear, 0.0))
        return np.where(activation_patterns(X, self.gates), linear, 0.0)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs.

        Parameters
        ----------
        X : array, shape (m, d)
            Inputs.

        Returns
        -------
        array, shape (m,)
            Outputs.
        """
        return np.asarray(self.features(X) @ self.w2 + self.b2)

    def objective(self, X: np.ndarray, y: np.ndarray, lam: float) -> float:
        """Return the non-convex objective of the module docstring.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs.
        y : array, shape (n,)
            Targets.
        lam : float
            Canonical regularisation strength.

        Returns
        -------
        float
            Half the squared error plus lam / 2 times the squared norm of all weights but the bias.
        """
        error = self.predict(X) - y
        weights = float(np.sum(self.W1**2) + np.sum(self.w2**2))
        return 0.5 * float(error @ error) + 0.5 * lam * weights


def network_from_blocks(
    v: np.ndarray,
    w: np.ndarray,
    *,
    gates: np.ndarray | None = None,
    merge_tol: float = 1e-5,
    zero_tol: float = 0.0,
) -> TwoLayerNetwork:
    """Map blocks of the convex program to a balanced network."""
    vectors: list[np.ndarray] = []
    signs: list[float] = []
    columns: list[int] = []
    for sign, blocks in ((1.0, v), (-1.0, w)):
        norms = np.linalg.norm(blocks, axis=1)
        kept = np.flatnonzero(norms > zero_tol)
        merged = (
            [(blocks[i], int(i)) for i in kept]
            if gates is not None
            else _merge(blocks[kept], norms[kept], merge_tol)
        )
        for vector, column in merged:
            vectors.append(vector)
            signs.append(sign)
            columns.append(column)
    W = np.array(vectors, dtype=np.float64).reshape(-1, v.shape[1])
    root = np.sqrt(np.linalg.norm(W, axis=1))
    safe = np.where(root > 0, root, 1.0)
    return TwoLayerNetwork(
        W1=W / safe[:, None],
        w2=np.array(signs, dtype=np.float64) * root,
        gates=None if gates is None else np.ascontiguousarray(gates[:, columns]),
    )


def _merge(blocks: np.ndarray, norms: np.ndarray, tol: float) -> list[tuple[np.ndarray, int]]:
    """Sum blocks with equal directions; each group is led by its largest block."""
    order = np.argsort(-norms, kind="stable")
    left = np.ones(len(order), dtype=bool)
    unit = blocks / norms[:, None]
    groups = []
    for lead in order:
        if not left[lead]:
            continue
        near = left & (np.linalg.norm(unit - unit[lead], axis=1) <= tol)
        near[lead] = True
        left &= ~near
        groups.append((blocks[near].sum(axis=0), int(lead)))
    return groups


def blocks_from_network(
    network: TwoLayerNetwork, X: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Map a ReLU network to blocks of the convex program over its own patterns.

    Neurons of equal pattern and sign are summed: the fit stays the same and the penalty does not
    grow, so the program's value is at most the network's objective.
    """
    weight = np.abs(network.w2)
    used = np.flatnonzero((weight > 0) & (X @ network.W1.T > 0).any(axis=0))
    patterns = activation_patterns(X, network.W1[used].T)
    distinct, first, inverse = np.unique(patterns, axis=1, return_index=True, return_inverse=True)
    count = distinct.shape[1]
    v = np.zeros((count, network.W1.shape[1]))
    w = np.zeros_like(v)
    for position, neuron in enumerate(used):
        target = v if network.w2[neuron] > 0 else w
        target[inverse.ravel()[position]] += weight[neuron] * network.W1[neuron]
    return np.ascontiguousarray(network.W1[used[first]].T), v, w
