"""The blocks of the lifted design: products, projections, and the working set among them.

Stored multipliers bound the projection of most blocks without projecting; the working set grows
by the blocks whose projected correlations exceed the regularisation strength most.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex import multiplier_kernels
from relu_optima.convex.cones import ConeProjector
from relu_optima.convex.evidence import Evidence
from relu_optima.convex.products import adjoint, held, row_norms

SMALL = 600_000  # entries of the patterns up to which they are held as numbers: 5 MB


class Blocks:
    """All blocks of a program; those that a solve has found to matter are its members."""

    def __init__(self, X: np.ndarray, patterns: np.ndarray, *, relu: bool) -> None:
        P, d = len(patterns), X.shape[1]
        self.X = X
        self.patterns = held(patterns, SMALL)
        self.count = 2 * P if relu else P
        signs = self.patterns if self.patterns.dtype == bool else patterns
        self.cones = ConeProjector(X, signs, self.count) if relu else None
        self._multipliers = np.zeros((self.count, d) if relu else (0, d))
        self.clear()

    def clear(self) -> None:
        """Let no block be a member."""
        self.members = np.zeros(0, dtype=np.int64)
        self.masks = self.patterns[:0]  # patterns of the members

    # -- products with the lifted design, block by block --------------------------------------

    def signs(self, blocks: np.ndarray) -> np.ndarray:
        """Return the signs of some blocks."""
        return np.where(blocks < len(self.patterns), 1.0, -1.0)

    def correlate(self, theta: np.ndarray) -> np.ndarray:
        """Return X_b'theta of the members."""
        return np.asarray(self.signs(self.members)[:, None] * adjoint(self.masks, self.X, theta))

    def correlate_all(self, theta: np.ndarray) -> np.ndarray:
        """Return X_b'theta of all blocks."""
        P = len(self.patterns)
        out = np.empty((self.count, self.X.shape[1]))
        out[:P] = adjoint(self.patterns, self.X, theta)
        if self.count > P:
            out[P:] = -out[:P]
        return out

    # -- projections on the cones -------------------------------------------------------------

    def bounds(self, blocks: np.ndarray, W: np.ndarray) -> np.ndarray:
        """Bound |Proj_K W| from above without a projection."""
        if self.cones is None:
            return row_norms(W)
        bounds = np.empty(blocks.size)
        multiplier_kernels.bound_norms(blocks, self._multipliers, W, bounds)
        return bounds

    def nearest(self, blocks: np.ndarray, W: np.ndarray) -> np.ndarray:
        """Return the vectors whose lengths are `bounds`."""
        return W if self.cones is None else self._shortest(blocks, W)[1]

    def _shortest(self, blocks: np.ndarray, W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Multiple t >= 0 of the last multipliers M that makes W + t M shortest, and that sum."""
        M = self._multipliers[blocks]
        along = np.minimum(np.einsum("ij,ij->i", W, M), 0.0)
        size = np.einsum("ij,ij->i", M, M)
        share = along / np.where(size > 0, size, 1.0)
        return -share, np.asarray(W - share[:, None] * M)

    def above(self, W: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Project a vector for each member, where the projection is longer than a level."""
        if self.cones is None:
            norms = row_norms(W)
            places = (norms > level).nonzero()[0]
            return W[places], norms[places], places
        maybe = (self.bounds(self.members, W) > level).nonzero()[0]
        points, norms = self._project(self.members[maybe], W[maybe], level)
        above = norms > level
        return points[above], norms[above], maybe[above]

    def _project(
        self, blocks: np.ndarray, W: np.ndarray, stop: float, rounds: int = 1_000
    ) -> tuple[np.ndarray, np.ndarray]:
        """Projections and their norms, unless these are below `stop`."""
        assert self.cones is not None
        points, self._multipliers[blocks] = self.cones.project(blocks, W, stop, rounds)
        return points, row_norms(points)

    def height(self, theta: np.ndarray) -> float:
        """Return max_b |Proj_{K_b}(X_b'theta)|."""
        C = self.correlate_all(theta)
        if self.cones is None:
            return float(row_norms(C).max())
        # one round ranks the blocks; the best few raise the bar for all others
        bounds = self._project(np.arange(self.count), C, 0.0, rounds=1)[1]
        order = np.argsort(-bounds, kind="stable")
        height, begin, size = 0.0, 0, 16
        while begin < order.size and bounds[order[begin]] > height:
            part = order[begin : begin + size]
            height = max(height, float(self._project(part, C[part], height)[1].max()))
            begin, size = begin + size, 2 * size
        return height

    def price(self, C: np.ndarray, lam: float, used: np.ndarray) -> np.ndarray:
        """Bound the projected correlations of all blocks."""
        bounds = self.bounds(np.arange(self.count), C)
        if self.cones is None:
            return bounds
        outside = np.ones(self.count, dtype=bool)
        outside[used] = False
        maybe = (outside & (bounds > lam)).nonzero()[0]
        maybe = maybe[np.argsort(-bounds[maybe], kind="stable")]
        outside[self.members] = False
        floor, entering = lam, np.zeros(0)
        size = max(64, maybe.size // 8)
        for begin in range(0, maybe.size, size):
            part = maybe[begin : begin + size]
            part = part[bounds[part] > floor]
            bounds[part] = self._project(part, C[part], floor)[1]
            new = bounds[part[outside[part]]]
            entering = np.sort(np.concatenate([entering, new[new > lam]]))[-self._entry() :]
            if entering.size == self._entry():
                floor = float(entering[0])  # what is below will not enter now
        return bounds

    def evidence(self, theta: np.ndarray, lam: float) -> Evidence:
        """Find multipliers which show that no projected correlation of theta exceeds lam."""
        assert self.cones is not None
        C = self.correlate_all(theta)
        blocks = (row_norms(C) > lam).nonzero()[0]
        # a multiple of the last multipliers proves most of them
        weights, short = self._shortest(blocks, C[blocks])
        open_ = row_norms(short) > lam
        self._project(blocks[open_], C[blocks[open_]], lam)
        weights[open_] = 1.0
        starts, rows, rho = self.cones.multipliers(blocks)
        return Evidence(blocks, starts, rows, np.repeat(weights, np.diff(starts)) * rho)

    def start_from(self, other: Blocks, rows: np.ndarray) -> None:
        """Start from what is known of the same blocks over some of the rows.

        Multipliers there are multipliers here, of those rows.
        """
        if self.cones is not None and other.cones is not None:
            self._multipliers[:] = other._multipliers
            self.cones.start_from(other.cones, rows)

    # -- membership ---------------------------------------------------------------------------

    def first(self, theta: np.ndarray, lam: float) -> None:
        """Let the first blocks in."""
        C = self.correlate_all(theta)
        bounds = self.bounds(np.arange(self.count), C)
        share = 0.2
        if self.cones is not None:
            share = 0.05
            open_ = (bounds > lam).nonzero()[0]
            # one round of a projection ranks the blocks about as well as all of them
            bounds[open_] = self._project(open_, C[open_], lam, rounds=1)[1]
        order = np.argsort(-bounds, kind="stable")[: max(20, int(share * self.count))]
        self.enlarge(order[bounds[order] > lam])

    def admit(self, bounds: np.ndarray, lam: float) -> int:
        """Let the worst violators in."""
        outside = np.ones(self.count, dtype=bool)
        outside[self.members] = False
        missing = (outside & (bounds > lam)).nonzero()[0]
        order = np.argsort(-bounds[missing], kind="stable")
        self.enlarge(missing[order[: self._entry()]])
        return missing.size

    def _entry(self) -> int:
        """Most blocks that enter at a time."""
        return max(20, self.members.size // 2)

    def enlarge(self, blocks: np.ndarray) -> None:
        """Let some blocks in."""
        if not blocks.size:
            return
        self.members = np.concatenate([self.members, blocks])
        self.masks = np.vstack([self.masks, self.patterns[blocks % len(self.patterns)]])
        if self.cones is not None:
            self.cones.keep(blocks)
