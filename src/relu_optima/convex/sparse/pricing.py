r"""The dual constraint over all supports: :math:`\max_S \max_{|u| \le 1} |\nu^\top (X_S u)_+|`.

Supports of one and two inputs are swept together, those of rank three one by one, larger ones over
the patterns that are listed for them (all of them, where the arrangement was enumerated). With the
operator norm sigma_S of X_S,

.. math:: |h_S(\nu) - h_S(\nu')| \le \sigma_S |\nu - \nu'|,

since u -> (X_S u)_+ is no longer than X_S u. So a support whose last value is too small for that
needs no sweep.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from relu_optima.convex.low_rank.pricing import Pricer
from relu_optima.convex.sparse.master import Neurons
from relu_optima.convex.sparse.planes import Planes

MOST = 3  # maxima of one support that enter at a time
KEPT = 1e9  # bytes of sorted great circles that are kept; others are sorted again


class Listed(Protocol):
    """Prices one support of many inputs over listed patterns."""

    exact: bool

    def price(self, nu: np.ndarray, level: float) -> tuple[float, np.ndarray, np.ndarray]:
        """Return an upper bound, and directions with values above a level."""


@dataclass(frozen=True)
class Priced:
    """Answer of one pricing.

    Attributes
    ----------
    height : float
        Upper bound on the dual constraint over all supports; at least as tight as the level.
    new : Neurons
        Unit neurons above the level, largest first.
    """

    height: float
    new: Neurons


@dataclass
class Pricing:
    """All supports of one program, with what the last pricing of each said.

    Attributes
    ----------
    columns : list of array, shape (n, k)
        Inputs of each support.
    listed : dict of int to Listed
        Those that are priced over listed patterns.
    most : int
        Maxima that each support may return.
    swept : int
        Supports priced so far.
    """

    columns: list[np.ndarray]
    listed: dict[int, Listed] = field(default_factory=dict)
    most: int = MOST
    swept: int = 0

    def __post_init__(self) -> None:
        count, n = len(self.columns), len(self.columns[0])
        small = [s for s, c in enumerate(self.columns) if c.shape[1] <= 2 and s not in self.listed]
        self.small = np.array(small, dtype=np.int64)
        self.place = np.full(count, -1)
        self.place[self.small] = np.arange(len(small))
        self.planes = Planes([self.columns[s] for s in small]) if small else None
        self.pricers: dict[int, Pricer] = {}
        self.room = int(KEPT / (5.0 * n * n))
        self.sigma = np.array([float(np.linalg.norm(c, 2)) for c in self.columns])
        self.bounds = np.full(count, np.inf)
        self.at = np.zeros((0, n))  # vectors at which supports were priced
        self.when = np.zeros(count, dtype=np.int64)

    @property
    def exact(self) -> bool:
        """Whether all patterns of all supports are looked at."""
        return all(one.exact for one in self.listed.values())

    def price(self, nu: np.ndarray, level: float, most: int) -> Priced:
        """Find unit neurons with a correlation above a level."""
        moved = np.linalg.norm(self.at - nu, axis=1)
        old = np.full(len(self.columns), np.inf)
        seen = np.isfinite(self.bounds)
        if seen.any():
            old[seen] = self.bounds[seen] + self.sigma[seen] * moved[self.when[seen]]
        todo = np.flatnonzero(old > level)
        found: list[tuple[float, int, np.ndarray]] = []
        now = self._note(nu, todo)
        small = todo[self.place[todo] >= 0]
        if self.planes is not None and small.size:
            bounds, maxima = self.planes.price(nu, self.place[small], level, self.most)
            self.bounds[small] = bounds
            for k, i in zip(*np.nonzero(maxima[:, :, 2] > 0), strict=True):
                width = self.columns[small[k]].shape[1]
                found.append((float(maxima[k, i, 2]), int(small[k]), maxima[k, i, :width]))
        for s in todo[self.place[todo] < 0]:
            bound, directions, values = self._one(int(s), nu, level)
            self.bounds[s] = bound
            found += [(float(v), int(s), u) for u, v in zip(directions, values, strict=True)]
        self.when[todo] = now
        self.swept += len(todo)
        fresh = np.zeros(len(self.columns), dtype=bool)
        fresh[todo] = True
        height = float(self.bounds[fresh].max(initial=0.0))
        height = max(height, float(old[~fresh].max(initial=0.0)))
        found.sort(key=lambda item: (-item[0], item[1]))
        return Priced(height, self._neurons(nu, found[:most]))

    def _note(self, nu: np.ndarray, todo: np.ndarray) -> int:
        """Keep a vector for the supports priced at it, and forget those of no support."""
        rest = np.ones(len(self.columns), dtype=bool)
        rest[todo] = False
        used, renumbered = np.unique(self.when[rest], return_inverse=True)
        used = used[used < len(self.at)]
        self.when[rest] = renumbered
        self.at = np.vstack([self.at[used], nu])
        return len(used)

    def _one(self, s: int, nu: np.ndarray, level: float) -> tuple[float, np.ndarray, np.ndarray]:
        """Price a support that is not swept with the others."""
        if s in self.listed:
            return self.listed[s].price(nu, level)
        pricer = self.pricers.get(s)
        if pricer is None:
            pricer = Pricer(self.columns[s])
            if len(self.pricers) < self.room:
                self.pricers[s] = pricer
        answer = pricer.price(nu, above=level, most=self.most)
        kept = answer.values > level
        return answer.bound, answer.directions[kept], answer.values[kept]

    def _neurons(self, nu: np.ndarray, found: list[tuple[float, int, np.ndarray]]) -> Neurons:
        """Unit neurons of what was found, with the sign of their correlation."""
        width = max(c.shape[1] for c in self.columns)
        U = np.zeros((len(found), width))
        signs = np.ones(len(found))
        for k, (_, s, u) in enumerate(found):
            U[k, : len(u)] = u / np.linalg.norm(u)
            signs[k] = 1.0 if np.maximum(self.columns[s] @ U[k, : len(u)], 0.0) @ nu >= 0 else -1.0
        return Neurons(np.array([s for _, s, _ in found], dtype=np.int64), signs, U)
