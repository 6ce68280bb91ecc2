r"""Column generation: the program over all activation patterns through programs over a few.

A master solves the program over the patterns it holds; its residual N prices all others, and
those at the local maxima of |N'(X u)_+| above lambda join. Both sides are bounded in every round:
the master's network is a network, and N shrunk by lambda / max |N'(X u)_+| is dual feasible,

.. math:: D = \langle t N, Y \rangle - \tfrac12 t^2 \lVert N \rVert^2, \qquad
          t = \min\bigl(\langle N, Y \rangle / \lVert N \rVert^2,\; \lambda / h(N)\bigr)_+ ,

so the gap between the best of each is a certificate for all patterns (the cutting planes of Ergen
& Pilanci 2021, section 4, whose sub-problem is solved exactly here). The bounds of single rounds
are not monotone, so the best of each is kept. A pattern leaves a master, if at all, once its
neurons are zero; the objective falls in every round and there are finitely many sets of patterns,
so the rounds end.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from relu_optima.convex.certificate import relative_gap
from relu_optima.convex.shallow import ShallowNetwork

ROUNDS = 1_000  # safety net; a few dozen are usual
EASE = 0.1  # accuracy of a master, relative to the gap that is left
HOPELESS = 1e-5  # the ease at which a master that gets no further is given up
STALLED = 10  # rounds in which neither bound moves: what joins and leaves is rounding


class Offer(Protocol):
    """What an oracle answers: an upper bound on the largest correlation, and what may join."""

    @property
    def bound(self) -> float:
        """Upper bound on the largest correlation of all neurons."""


OfferT_contra = TypeVar("OfferT_contra", bound=Offer, contravariant=True)
OfferT = TypeVar("OfferT", bound=Offer)
OfferT_co = TypeVar("OfferT_co", bound=Offer, covariant=True)


class Oracle(Protocol[OfferT_co]):
    """Prices N against all neurons of a program."""

    def price(self, N: np.ndarray, above: float) -> OfferT_co:
        """Bound max |N'(X u)_+| and offer patterns whose correlation is above a level."""


class Master(Protocol[OfferT_contra]):
    """Solves the program over the patterns that have joined."""

    def admit(self, offer: OfferT_contra) -> int:
        """Let what an oracle offers join; returns how much of it is new."""

    def solve(self, lam: float, tol: float, deadline: float | None) -> ShallowNetwork:
        """Solve to a relative gap, warm-started from the last answer."""


@dataclass(frozen=True)
class Generated:
    """Best network and best dual point of column generation.

    Attributes
    ----------
    network : ShallowNetwork
        Best network.
    objective : float
        Its objective.
    height : float
        Upper bound on the largest correlation with its residual.
    dual : array, shape (n, K)
        Dual feasible point of the best bound.
    dual_objective : float
        The bound.
    gap : float
        Relative gap.
    status : str
        ``optimal``, ``inaccurate`` or ``time_limit``.
    rounds : list of tuple of float
        After each pricing: best objective and best bound so far.
    admitted : int
        Patterns that joined.
    """

    network: ShallowNetwork
    objective: float
    height: float
    dual: np.ndarray
    dual_objective: float
    gap: float
    status: str
    rounds: list[tuple[float, float]]
    admitted: int


def generate_columns(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    oracle: Oracle[OfferT],
    master: Master[OfferT],
    *,
    tol: float,
    deadline: float | None = None,
) -> Generated:
    """Alternate between a master and an oracle until the gap over all patterns is closed."""
    best = network = ShallowNetwork(np.zeros((0, X.shape[1])), np.zeros((0, Y.shape[1])))
    primal, height, bound, dual = np.inf, 0.0, 0.0, np.zeros_like(Y)
    rounds: list[tuple[float, float]] = []
    N, admitted, status, ease, gap, since = Y, 0, "inaccurate", EASE, np.inf, 0
    for _ in range(ROUNDS):
        offer = oracle.price(N, lam)
        value, scaled = feasible_multiple(N, Y, lam, offer.bound)
        raised = value > bound
        if raised:
            bound, dual = value, scaled
        value = 0.5 * float(np.sum(N * N)) + lam * float(network.weights().sum())
        better = value < primal
        if better:
            primal, height, best = value, offer.bound, network
        since = 0 if better or raised else since + 1
        gap = relative_gap(primal, bound, Y.ravel())
        rounds.append((primal, bound))
        if gap <= tol:
            status = "optimal"
            break
        if deadline is not None and time.perf_counter() >= deadline:
            status = "time_limit"
            break
        new = master.admit(offer)
        admitted += new
        if not new:
            ease *= 0.1  # no pattern is missing: what is left is the master's own inaccuracy
        if ease < HOPELESS or since >= STALLED:
            break
        network = master.solve(lam, max(1e-14, min(1e-2, ease * gap)), deadline)
        N = Y - network.predict(X)
    return Generated(best, primal, height, dual, bound, gap, status, rounds, admitted)


def feasible_multiple(
    N: np.ndarray, Y: np.ndarray, lam: float, height: float
) -> tuple[float, np.ndarray]:
    """Return the best dual value of a multiple of N that a height allows, and that multiple."""
    square, along = float(np.sum(N * N)), float(np.sum(N * Y))
    if square == 0.0 or along <= 0.0:
        return 0.0, np.zeros_like(N)
    t = along / square
    if height > 0.0:
        t = min(t, lam / height)
    return t * along - 0.5 * t * t * square, t * N
