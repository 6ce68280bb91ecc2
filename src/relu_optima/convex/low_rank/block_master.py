"""The master of column generation for one output: the product's own solver over priced patterns.

Blocks, not directions: a pattern that joins brings its whole cone, so a neuron moves freely inside
its cell and few patterns are needed (a direction would have to be replaced again and again). The
solver sees one group of rows for all that the patterns do not tell apart, which does not change
the program. Data of rank two have a master of their own (`plane_master`).
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.cones import ConeProjector
from relu_optima.convex.low_rank.hyperplanes import Hyperplanes
from relu_optima.convex.low_rank.oracle import Patterns
from relu_optima.convex.low_rank.row_groups import RowGroups
from relu_optima.convex.newton import DualNewton
from relu_optima.convex.products import row_norms
from relu_optima.convex.shallow import ShallowNetwork


class BlockMaster:
    """The program over the patterns that have joined, for one output.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    Y : array, shape (n, 1)
        Targets, not all zero.
    planes : Hyperplanes
        Those of X.
    """

    def __init__(self, X: np.ndarray, Y: np.ndarray, planes: Hyperplanes) -> None:
        self.planes = planes
        flat = X @ planes.basis.T
        self._scale_x, self._scale_y = float(np.abs(flat).max()), float(np.abs(Y).max())
        self.X, y = flat / self._scale_x, Y[:, 0] / self._scale_y
        self._groups = RowGroups(self.X, y)
        self._gates = np.zeros((planes.rank, 0))
        self._known: set[bytes] = set()
        self._blocks = np.zeros((2, 0, planes.rank))  # adding and subtracting, of each pattern
        self.counts = {"newton": 0, "pricings": 0}

    def admit(self, offer: Patterns) -> int:
        """Let patterns join; returns how many are new."""
        gates = self.planes.basis @ offer.gates
        sides = np.packbits(self.planes.normals @ gates > 0, axis=0)
        fresh = []
        for i in range(gates.shape[1]):
            key = sides[:, i].tobytes()
            if key not in self._known:
                self._known.add(key)
                fresh.append(i)
        gates = gates[:, fresh]
        patterns = self.X @ gates > 0
        used = patterns.any(axis=0)
        self._groups.add(patterns[:, used])
        self._gates = np.hstack([self._gates, gates[:, used]])
        grown = np.zeros((2, int(used.sum()), self.planes.rank))
        self._blocks = np.concatenate([self._blocks, grown], axis=1)
        return int(used.sum())

    def solve(self, lam: float, tol: float, deadline: float | None) -> ShallowNetwork:
        """Solve to a relative gap, from the blocks of the last answer."""
        rows, targets, like = self._groups.compressed()
        patterns = self.X[like] @ self._gates > 0
        engine = DualNewton(rows, targets, patterns, "relu")
        normals = self.planes.normals
        sides = (normals @ self._gates > 0).T
        engine.blocks.cones = ConeProjector(normals, sides, engine.blocks.count)
        if self._blocks.any():
            v, w = self._blocks
            fit = np.einsum("ij,ij->i", rows, patterns @ (v - w))
            engine.set_point(np.vstack([v, w]), targets - fit)
        answer = engine.solve(lam / self._scale_x / self._scale_y, tol, deadline=deadline)
        for name in self.counts:
            self.counts[name] += engine.counts[name]
        self._blocks = answer.U.reshape(2, -1, self.planes.rank)
        return self._network()

    def _network(self) -> ShallowNetwork:
        v, w = self._blocks
        used = [np.any(part, axis=1) for part in (v, w)]
        U = np.vstack([v[used[0]], w[used[1]]]) @ self.planes.basis
        sizes = row_norms(U)
        signs = np.repeat([1.0, -1.0], [used[0].sum(), used[1].sum()])
        scale = self._scale_y / self._scale_x
        return ShallowNetwork(U / sizes[:, None], (signs * sizes * scale)[:, None])
