"""Networks that have the closed-form values, on given data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relu_optima.convex.deep.conditions import centred_rank, check_one_hot, check_orthonormal
from relu_optima.convex.deep.network import BatchNorm, DeepNetwork
from relu_optima.errors import SolveInputError

if TYPE_CHECKING:
    from relu_optima.convex.deep.value import DeepValue


def closed_form_network(
    value: DeepValue, X: np.ndarray | None, Y: np.ndarray | None, width: int | None
) -> DeepNetwork:
    """Make the network of a closed-form value, after checking that the data are as it says."""
    Y = value.targets() if Y is None else np.asarray(Y, dtype=np.float64)
    X = np.eye(len(Y)) if X is None else np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or Y.ndim != 2 or len(X) != len(Y):
        raise SolveInputError(
            f"shapes {X.shape} and {Y.shape}", where="X, Y", allowed="(n, d) and (n, K)"
        )
    needed = len(value.scales)
    width = needed if width is None else width
    if width < needed:
        raise SolveInputError(
            f"width {width} for {needed} singular values or classes",
            where="width",
            allowed=f"at least {needed}",
        )
    if value.class_sizes:
        sizes = check_one_hot(Y)
        if sorted(sizes) != sorted(value.class_sizes):
            raise SolveInputError(
                f"the targets have classes of {sizes} rows",
                where="Y",
                allowed=f"those of this value: {list(value.class_sizes)}",
            )
        scale = dict(zip(value.class_sizes, value.scales, strict=True))
        s = np.array([scale[n] for n in sizes])
        left, right = Y / np.sqrt(np.array(sizes, dtype=float)), np.eye(Y.shape[1])
    else:
        left, s, right = _matched(value, Y)
    if value.batch_norm:
        return _normalised(value.depth, X, left, s, width)
    check_orthonormal(X)
    return aligned_network(value.depth, X, left, s, right, width, value.neurons)


def aligned_network(
    depth: int,
    X: np.ndarray,
    left: np.ndarray,
    s: np.ndarray,
    right: np.ndarray,
    width: int,
    neurons: str,
) -> DeepNetwork:
    """Map rows by Σ_k s_k left_k right_kᵀ through layers that share these singular vectors.

    With X Xᵀ = I the first layer reads Xᵀ left_k, of length 1, and X Xᵀ left = left.
    """
    root = s ** (1.0 / depth)
    k = len(s)
    first = np.zeros((width, X.shape[1]))
    first[:k] = root[:, None] * (X.T @ left).T
    middle = np.zeros((width, width))
    middle[range(k), range(k)] = root
    last = np.zeros((right.shape[0], width))
    last[:, :k] = right * root
    weights = (first, *[middle.copy() for _ in range(depth - 2)], last)
    return DeepNetwork(weights, "linear" if neurons == "linear" else "relu")


def _matched(value: DeepValue, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return left vectors, scales and right vectors of Y, whose singular values must be ours."""
    U, sigma, Vt = np.linalg.svd(Y, full_matrices=False)
    ours = np.sort(value.singular_values)[::-1]
    scales = value.scales[np.argsort(-value.singular_values, kind="stable")]
    count = min(len(ours), len(sigma))
    tolerance = 1e-8 * max(1.0, float(ours[0]))  # that of the condition X Xᵀ = I
    rest = np.concatenate([ours[count:], sigma[count:]])
    if np.abs(ours[:count] - sigma[:count]).max() > tolerance or np.any(rest > tolerance):
        raise SolveInputError(
            f"the targets have singular values {np.round(sigma, 6).tolist()}",
            where="Y",
            allowed=f"those of this value: {np.round(ours, 6).tolist()}",
        )
    return U[:, :count], scales[:count], Vt[:count].T


def _normalised(
    depth: int, X: np.ndarray, left: np.ndarray, s: np.ndarray, width: int
) -> DeepNetwork:
    """Reach the columns y_k/√n_k behind the normalisation; below it any reachable layers do."""
    n, k = left.shape
    if n > X.shape[1] or centred_rank(X) < n - 1:
        raise SolveInputError(
            f"{n} rows in {X.shape[1]} dimensions, centred rank {centred_rank(X)}",
            where="X",
            allowed=f"n <= d and centred rank {n - 1}: every direction must be within reach",
        )
    centred = left - left.mean(axis=0)
    P = X - X.mean(axis=0)
    reached = np.linalg.pinv(P, rcond=1e-12) @ centred  # X reached = centred + a constant each
    if depth > 2:  # the ReLUs must leave something of it: else its opposite, which is positive
        reached = np.where((X @ reached).max(axis=0) > 1e-9, reached, -reached)
    first = np.zeros((width, X.shape[1]))
    first[:k] = reached.T
    middle = np.zeros((width, width))
    middle[range(k), range(k)] = 1.0
    last = np.zeros((k, width))
    last[:, :k] = np.diag(np.sqrt(s))
    weights = (first, *[middle.copy() for _ in range(depth - 2)], last)
    H = X @ first.T
    for _ in range(depth - 2):
        H = np.maximum(H, 0.0)
    sign = np.where(np.sum((H[:, :k] - H[:, :k].mean(axis=0)) * centred, axis=0) < 0, -1.0, 1.0)
    scale, shift = np.zeros(width), np.zeros(width)
    scale[:k] = sign * np.sqrt(s) * np.linalg.norm(centred, axis=0)
    shift[:k] = np.sqrt(s) * np.sqrt(n) * left.mean(axis=0)
    return DeepNetwork(weights, "relu", norm=BatchNorm.of(H, scale, shift))
