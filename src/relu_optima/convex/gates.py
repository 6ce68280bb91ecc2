"""Gate vectors and the activation patterns they cut out of the data.

A gate g gives the pattern D = diag(1[X g > 0]). Two gates with equal patterns give the same block
of the convex program, and the all-zero pattern contributes nothing, so both are merged away.
"""

from __future__ import annotations

import numpy as np

from relu_optima.errors import SolveInputError

WHOLE = 10_000_000  # projections made at once, 80 MB; of more, only the signs are held
TILE = 1_000_000  # projections made at a time where there are more: 8 MB


def activation_patterns(X: np.ndarray, gates: np.ndarray) -> np.ndarray:
    """Return which rows each gate switches on; a large array is laid out gate by gate."""
    n, count = len(X), gates.shape[1]
    if n * count <= WHOLE:
        return np.asarray(X @ gates > 0)
    by_gate = np.empty((count, n), dtype=bool)
    step = max(1, TILE // count)
    for begin in range(0, n, step):
        rows = slice(begin, begin + step)
        by_gate[:, rows] = (X[rows] @ gates > 0).T
    return by_gate.T


def merge_patterns(X: np.ndarray, gates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop gates whose pattern is zero or repeats an earlier one."""
    patterns = activation_patterns(X, gates)
    if patterns.shape[1] == 0:
        return gates, patterns
    # packed rows sort like the bits themselves, and eight times faster
    packed = np.ascontiguousarray(np.packbits(patterns.T, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1])))[:, 0]
    _, first = np.unique(keys, return_index=True)
    keep = first[packed[first].any(axis=1)]
    if np.array_equal(keep, np.arange(patterns.shape[1])):
        return np.ascontiguousarray(gates), patterns  # as sampled gates come; columns cost to copy
    if patterns.size > WHOLE:
        return np.ascontiguousarray(gates[:, keep]), patterns.T[keep].T
    return np.ascontiguousarray(gates[:, keep]), np.ascontiguousarray(patterns[:, keep])


def sample_gates(X: np.ndarray, count: int, seed: int, *, nested: bool = False) -> np.ndarray:
    """Sample gate vectors from the standard normal distribution.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs that decide which gates agree.
    count : int
        Gates drawn, at least 1; fewer are returned where patterns repeat or are zero.
    seed : int
        Seed of `numpy.random.default_rng`, at least 0.
    nested : bool, default False
        Draw gate after gate: the patterns of fewer gates are then among those of more of the same
        seed. The default draws feature after feature, as the published code of Mishkin and
        Pilanci (2023) does; with it, gates of different counts have nothing in common.

    Returns
    -------
    array, shape (d, P)
        Gates with distinct non-zero patterns, P <= count, in lexicographic order of the patterns.

    Raises
    ------
    SolveInputError
        If X is not a finite non-empty matrix, or count or seed are out of range.
    """
    X = as_inputs(X)
    if count < 1:
        raise SolveInputError(
            f"{count} gates were asked for", allowed="count >= 1", where="convex.gates.count"
        )
    if seed < 0:
        raise SolveInputError(f"the seed is {seed}", allowed="seed >= 0", where="seed")
    draw = np.random.default_rng(seed).standard_normal
    gates = draw((count, X.shape[1])).T if nested else draw((X.shape[1], count))
    return merge_patterns(X, gates)[0]


def symmetrize(gates: np.ndarray) -> np.ndarray:
    """Append the opposite of every gate.

    Complementary patterns together allow a linear function of the inputs at no extra cost in
    patterns; most non-uniqueness of optimal networks comes from them.

    Parameters
    ----------
    gates : array, shape (d, P)
        Gate vectors.

    Returns
    -------
    array, shape (d, 2 P)
        The gates, then their opposites.
    """
    gates = np.asarray(gates, dtype=np.float64)
    return np.hstack([gates, -gates])


def gates_from_network(W1: np.ndarray) -> np.ndarray:
    """Take the hidden neurons of a network as gates.

    The network is then feasible for the convex program, whose value is at most its objective.

    Parameters
    ----------
    W1 : array, shape (p, d)
        First-layer weights.

    Returns
    -------
    array, shape (d, q)
        Non-zero neurons as columns, q <= p.

    Raises
    ------
    SolveInputError
        If the weights are not a finite matrix.
    """
    W1 = np.asarray(W1, dtype=np.float64)
    if W1.ndim != 2 or not np.isfinite(W1).all():
        raise SolveInputError(
            f"the first layer has shape {W1.shape} or entries that are not finite",
            allowed="a finite (neurons, features) array",
            where="convex.gates.source",
        )
    return np.ascontiguousarray(W1[np.any(W1 != 0, axis=1)].T)


def as_inputs(X: np.ndarray) -> np.ndarray:
    """Check an input matrix."""
    return as_finite(X, "X", 2, "a non-empty (n, d) array of finite numbers")


def as_finite(value: np.ndarray, name: str, ndim: int, allowed: str) -> np.ndarray:
    """Check one numeric array argument."""
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "bifu":
            raise TypeError(f"its entries are {array.dtype}")
        array = np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SolveInputError(
            f"not a numeric array: {error}", allowed=allowed, where=name
        ) from None
    if array.ndim != ndim or array.size == 0:
        raise SolveInputError(f"it has shape {array.shape}", allowed=allowed, where=name)
    if not np.isfinite(array).all():
        raise SolveInputError("it has NaN or infinite entries", allowed=allowed, where=name)
    return array
