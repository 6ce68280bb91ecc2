r"""Networks that beat the aligned value: X = Y = I_K, shared layers, plain weight decay.

The aligned network carries K classes through every layer, at cost (λL/2) K s^{2/L}. A ReLU can
*raise* the rank: K points that no one of them is a non-negative combination of the others can pass
through r < K dimensions and be told apart by the last ReLU. With few enough dimensions in enough
layers this is cheaper, so for L ≥ 3 collapse is not in general optimal (Sukenik, Mondelli &
Lampert, NeurIPS 2024, from about ten classes; with random starts here from three).

*Codes.* Let the classes be K subsets of size t of r elements, M their incidence matrix (K × r).
With layers M, I, …, I, Mᵀ - (t-1)/t 11ᵀ, I the pre-activation of class j at class i is
|S_i ∩ S_j| - (t - 1): 1 for i = j and at most 0 otherwise, so the ReLU leaves the identity. t = 2
are the edges of a complete graph, whose line graph is strongly regular.

*Polygons.* K directions on a circular cone that touches the faces of the positive octant of R³: K
rows in three dimensions. With c = cos(2π/K) and radius ρ, the pre-activation of class j at class i
is (cos(2π(i - j)/K) - c)/(1 - c): 1 for i = j, at most 0 otherwise.

*Random starts.* Gaussian networks of width 2K.

Codes and polygons too are given 2K neurons in each layer, those that are not needed near 0: the
descent makes use of them. Of each kind the better ones of a short descent are polished.

Each descent is L-BFGS on the objective with its ReLUs as they are; what counts is the value of the
network that it ends in, evaluated anew. No value here is claimed to be optimal.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from math import comb

import numpy as np

from relu_optima.convex.deep.bounds import relu_bound
from relu_optima.convex.deep.network import DeepNetwork
from relu_optima.convex.deep.value import check_depth, check_strength, deep_value
from relu_optima.errors import SolveInputError

MAX_CLASSES = 60
MAX_SEARCH_DEPTH = 12
BEATEN = 1e-9  # relative: far above the rounding of a sum of a few thousand squares
LOOK = 300  # iterations of a first look
KEPT, POLISH = 4, 1000  # of each kind, and iterations after it
FINISHED, FINISH = 2, 3000  # of all kinds, and iterations of a round
ROUNDS, GAIN = 3, 1e-6  # rounds that these get at most, while a round gains this share
WIDEST_RANDOM = 8  # classes up to which random starts find anything in our time
MOST_CORNERS = 12  # beyond, the corners of a polygon are too close to be told apart cheaply
NOISE = (0.3, 0.6, 1.0)  # around a code, over √width: its symmetry is a saddle point
CODE_DRAWS = 2


@dataclass(frozen=True)
class Counterexample:
    """The best network found for X = Y = I_K.

    Attributes
    ----------
    depth, classes : int
        Layers of weights L and classes K.
    lam : float
        Canonical regularisation strength.
    aligned : float
        Value of the aligned network.
    found : float
        Value of ``network``, at most ``aligned``.
    lower_bound : float
        Proved bound of all networks of this depth.
    network : DeepNetwork
        What was found; anyone can evaluate it.
    origin : str
        Where the descent started: ``aligned``, ``random``, ``polygon``, or a code and its subsets.
    """

    depth: int
    classes: int
    lam: float
    aligned: float
    found: float
    lower_bound: float
    network: DeepNetwork
    origin: str

    @property
    def beaten(self) -> bool:
        """Whether the aligned value is beaten by more than rounding."""
        return self.found < self.aligned * (1.0 - BEATEN)


def deep_counterexample(
    depth: int, classes: int, beta: float, *, starts: int = 24, seed: int = 0
) -> Counterexample:
    r"""Search for a ReLU network that is better than the aligned one on X = Y = I.

    .. math:: \tfrac12 \lVert f(I) - I \rVert_F^2 + \tfrac{\beta}{2} \lVert \theta \rVert^2

    Parameters
    ----------
    depth : int
        Layers of weights, from 2 to 12.
    classes : int
        K, from 1 to 60.
    beta : float
        Canonical regularisation strength, positive.
    starts : int
        Random starts (for up to 8 classes); codes and polygons are tried besides. 0 for these
        alone.
    seed : int
        Of the random starts and of the noise around codes and polygons.

    Returns
    -------
    Counterexample
        The best network found, the aligned one if none is better (always for two layers, where it
        is optimal).

    Raises
    ------
    SolveInputError
        For arguments out of range.

    Notes
    -----
    A search: a value that is not beaten here may be beaten elsewhere.

    References
    ----------
    Sukenik, Mondelli & Lampert, "Neural collapse vs. low-rank bias", NeurIPS 2024.
    """
    depth, beta = check_depth(depth, most=MAX_SEARCH_DEPTH), check_strength(beta)
    for name, given, least, most in (
        ("classes", classes, 1, MAX_CLASSES),
        ("starts", starts, 0, 10_000),
        ("seed", seed, 0, 2**32 - 1),
    ):
        whole = isinstance(given, int | np.integer) and not isinstance(given, bool)
        if not whole or not least <= given <= most:
            raise SolveInputError(
                f"{name} is {given!r}", where=name, allowed=f"a whole number from {least} to {most}"
            )
    aligned = deep_value(depth, beta, class_sizes=[1] * classes)
    identity = np.eye(classes)
    best, origin = aligned.network(), "aligned"
    value = best.objective(identity, identity, beta)
    if depth > 2:
        name, weights = _search(depth, classes, beta, starts, seed)
        network = DeepNetwork(tuple(weights))
        reached = network.objective(identity, identity, beta)
        if reached < value * (1.0 - BEATEN):
            best, value, origin = network, reached, name
    return Counterexample(
        depth=depth,
        classes=int(classes),
        lam=beta,
        aligned=aligned.objective,
        found=value,
        lower_bound=relu_bound(np.ones(classes), beta, depth),
        network=best,
        origin=origin,
    )


def _search(
    depth: int, classes: int, lam: float, starts: int, seed: int
) -> tuple[str, list[np.ndarray]]:
    """Look at all starts, polish the best of each kind, and finish the best of these."""
    looks: dict[str, list[tuple[float, list[np.ndarray]]]] = {}
    for name, start in _starts(depth, classes, starts, seed):
        looks.setdefault(name, []).append(descend(start, lam, LOOK))
    polished = [
        (*descend(weights, lam, POLISH), name)
        for name, found in looks.items()
        for _, weights in sorted(found, key=lambda look: look[0])[:KEPT]
    ]
    finished = []
    for value, weights, name in sorted(polished, key=lambda look: look[0])[:FINISHED]:
        for _ in range(ROUNDS):
            before = value
            value, weights = descend(weights, lam, FINISH)
            if before - value <= GAIN * before:
                break
        finished.append((value, weights, name))
    _, weights, name = min(finished, key=lambda look: look[0])
    return name, weights


def _starts(
    depth: int, classes: int, starts: int, seed: int
) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Yield codes and polygons with noise, then random networks."""
    width = 2 * classes
    shapes = [(width, classes), *[(width, width)] * (depth - 2), (classes, width)]
    generator = np.random.default_rng([seed, depth, classes])
    by_hand = {
        f"code of {t}-subsets": code_layers(depth, classes, t)
        for t in ([t for t in (2, 3) if classes > t] or [1])
    }
    if 3 < classes <= MOST_CORNERS:
        by_hand["polygon"] = polygon_layers(depth, classes)
    for (name, layers), noise, _ in itertools.product(by_hand.items(), NOISE, range(CODE_DRAWS)):
        start = []
        for W, shape in zip(layers, shapes, strict=True):
            size = noise / np.sqrt(width) * float(np.abs(W).max())
            start.append(size * generator.standard_normal(shape))
            start[-1][: W.shape[0], : W.shape[1]] += W
        yield name, start
    if classes > WIDEST_RANDOM:
        return
    generator = np.random.default_rng([seed, depth, classes, 1])  # codes do not move its draws
    for _ in range(starts):
        yield "random", [generator.standard_normal(s) * np.sqrt(2.0 / s[1]) for s in shapes]


def code_layers(depth: int, classes: int, t: int) -> list[np.ndarray]:
    """Return the layers of the code of t-subsets, each of the same norm."""
    elements = t
    while comb(elements, t) < classes:
        elements += 1
    M = np.zeros((classes, elements))
    subsets = itertools.islice(itertools.combinations(range(elements), t), classes)
    for k, members in enumerate(subsets):
        M[k, list(members)] = 1.0
    return _of_equal_norm(
        [M.T, *[np.eye(elements)] * (depth - 3), M - (t - 1) / t, np.eye(classes)]
    )


def polygon_layers(depth: int, classes: int) -> list[np.ndarray]:
    """Return the layers of a polygon in the positive octant, each of the same norm."""
    angles = 2.0 * np.pi * np.arange(classes) / classes
    plane = np.array([[2.0, -1.0, -1.0], [0.0, np.sqrt(3.0), -np.sqrt(3.0)]]) / np.sqrt(6.0)
    around = np.column_stack([np.cos(angles), np.sin(angles)]) @ plane
    radius = float(1.0 / np.sqrt(3.0) / np.max(-around))  # the corners touch a face of the octant
    corners = np.maximum(1.0 / np.sqrt(3.0) + radius * around, 0.0)
    c = np.cos(2.0 * np.pi / classes)
    told_apart = (around / radius - c / np.sqrt(3.0)) / (1.0 - c)
    return _of_equal_norm([corners.T, *[np.eye(3)] * (depth - 3), told_apart, np.eye(classes)])


def _of_equal_norm(layers: list[np.ndarray]) -> list[np.ndarray]:
    """Scale layers to their geometric mean norm, which leaves the function as it is."""
    norms = [float(np.linalg.norm(W)) for W in layers]
    common = float(np.exp(np.mean(np.log(norms))))
    return [W * (common / norm) for W, norm in zip(layers, norms, strict=True)]


def descend(
    weights: list[np.ndarray], lam: float, iterations: int
) -> tuple[float, list[np.ndarray]]:
    """Minimise ½‖f(I) - I‖² + (λ/2)‖θ‖² by L-BFGS; gradients as of the ReLU off at 0."""
    from scipy.optimize import minimize

    shapes = [W.shape for W in weights]
    bounds = np.cumsum([0, *[a * b for a, b in shapes]])
    identity = np.eye(shapes[0][1])

    def unpack(theta: np.ndarray) -> list[np.ndarray]:
        parts = itertools.pairwise(bounds)
        return [theta[i:j].reshape(s) for (i, j), s in zip(parts, shapes, strict=True)]

    def evaluate(theta: np.ndarray) -> tuple[float, np.ndarray]:
        layers = unpack(theta)
        hidden = [identity]
        for W in layers[:-1]:
            hidden.append(np.maximum(hidden[-1] @ W.T, 0.0))
        G = hidden[-1] @ layers[-1].T - identity
        value = 0.5 * float(np.sum(G * G)) + 0.5 * lam * float(theta @ theta)
        gradients = []
        for k in reversed(range(len(layers))):
            gradients.append((G.T @ hidden[k]).ravel())
            if k:
                G = (G @ layers[k]) * (hidden[k] > 0)
        return value, np.concatenate(gradients[::-1]) + lam * theta

    options = {
        "maxiter": iterations,
        "maxfun": 20 * iterations,
        "maxcor": 20,
        "ftol": 0.0,  # flat valleys: the descent is ended by its length
        "gtol": 1e-12,
    }
    start = np.concatenate([W.ravel() for W in weights])
    found = minimize(evaluate, start, jac=True, method="L-BFGS-B", options=options)
    return float(found.fun), [W.copy() for W in unpack(np.asarray(found.x))]
