"""Nuclear norms of a stack of blocks: shrinkage, ranks, and neurons from factors."""

from __future__ import annotations

import numpy as np

from relu_optima.convex.shallow import ShallowNetwork


def shrink(Z: np.ndarray, threshold: float) -> tuple[np.ndarray, float, np.ndarray]:
    """Soft-threshold the singular values of every (d, K) block.

    Returns the blocks, the sum of their nuclear norms, and their ranks. Singular vectors come from
    K x K (or d x d) Gram matrices: the values that survive are above the threshold, so squaring
    them loses only what the threshold removes.
    """
    wide = Z.shape[1] < Z.shape[2]
    gram = Z @ Z.transpose(0, 2, 1) if wide else Z.transpose(0, 2, 1) @ Z
    values, vectors = np.linalg.eigh(gram)
    singular = np.sqrt(np.maximum(values, 0.0))
    kept = singular > threshold
    share = np.where(kept, 1.0 - threshold / np.where(kept, singular, 1.0), 0.0)
    factor = (vectors * share[:, None, :]) @ vectors.transpose(0, 2, 1)
    blocks = factor @ Z if wide else Z @ factor
    return blocks, float(np.where(kept, singular - threshold, 0.0).sum()), kept.sum(axis=1)


def operator_norms(blocks: np.ndarray) -> np.ndarray:
    """Largest singular value of every block, from the smaller Gram matrix."""
    wide = blocks.shape[1] < blocks.shape[2]
    turned = blocks.transpose(0, 2, 1)
    gram = blocks @ turned if wide else turned @ blocks
    return np.asarray(np.sqrt(np.maximum(np.linalg.eigvalsh(gram)[:, -1], 0.0)))


def network_of(blocks: np.ndarray, gates: np.ndarray, ranks: np.ndarray) -> ShallowNetwork:
    """Return the gated network of blocks: a neuron for each singular value, balanced.

    Several neurons may share a gate: V_i = sum_r s_r a_r b_r' is the cheapest sum of neurons
    u v' behind gate i, since the nuclear norm is the gauge of unit rank-one matrices.
    """
    U, V, at = [], [], []
    for i in np.flatnonzero(ranks):
        left, values, right = np.linalg.svd(blocks[i], full_matrices=False)
        root = np.sqrt(values[: ranks[i]])
        U.append((left[:, : ranks[i]] * root).T)
        V.append(right[: ranks[i]] * root[:, None])
        at += [int(i)] * int(ranks[i])
    d, K = blocks.shape[1:]
    return ShallowNetwork(
        np.vstack([np.zeros((0, d)), *U]), np.vstack([np.zeros((0, K)), *V]), gates[:, at]
    )
