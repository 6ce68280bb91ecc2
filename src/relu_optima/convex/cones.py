"""Projections of many blocks on their cones at once, each warm-started from its last face.

All rows are scanned by one matrix product for all projections that are still under way; only the
small factorisations run block by block. Blocks in the working set keep their factors.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex import kernels, multiplier_kernels

SCORE_ENTRIES = 1_000_000  # of one scan: 8 MB
SCRATCH_ENTRIES = 4_000_000  # of factors of blocks that do not keep theirs
KEPT_ENTRIES = 80_000_000  # of factors that are kept: 640 MB


class ConeProjector:
    """Cones K_i = {u : (2 D_i - I) X u >= 0} of all blocks of a ReLU program."""

    def __init__(self, X: np.ndarray, patterns: np.ndarray, blocks: int) -> None:
        n, d = X.shape
        lengths = np.linalg.norm(X, axis=1)
        self.unit_rows = np.ascontiguousarray(X / np.where(lengths > 0, lengths, 1.0)[:, None])
        self.patterns = np.ascontiguousarray(patterns, dtype=bool)
        self.projections = 0
        self.steps = 0
        # the face that each block was last projected on
        self._rows = np.zeros((blocks, d), dtype=np.int32)
        self._rho = np.zeros((blocks, d))
        self._size = np.zeros(blocks, dtype=np.int64)
        # factors of faces, by slot; memory is only taken where they are written
        self._slot = np.full(blocks, -1, dtype=np.int64)
        self._free = 0
        self._kept = np.zeros((min(blocks, KEPT_ENTRIES // (2 * d * d)), d, 2 * d))
        self._built = np.zeros(len(self._kept), dtype=np.bool_)
        self._chunk = max(1, SCORE_ENTRIES // n)
        self._few = max(1, min(256, SCRATCH_ENTRIES // (2 * d * d), self._chunk))

    def keep(self, blocks: np.ndarray) -> None:
        """Keep the factors of further blocks between projections, as far as memory goes."""
        blocks = blocks[self._slot[blocks] < 0][: len(self._kept) - self._free]
        self._slot[blocks] = self._free + np.arange(blocks.size)
        self._free += blocks.size

    def project(
        self, blocks: np.ndarray, G: np.ndarray, stop: float, rounds: int = 1_000
    ) -> tuple[np.ndarray, np.ndarray]:
        """Project one vector on the cone of each block."""
        self.projections += blocks.size
        kept = self._slot[blocks] >= 0
        if kept.all() and blocks.size <= self._chunk:
            return self._project(blocks, G, stop, rounds, kept=True)
        points, multipliers = np.empty_like(G), np.empty_like(G)
        for group, size in ((kept, self._chunk), (~kept, self._few)):
            places = group.nonzero()[0]
            for begin in range(0, places.size, size):
                part = places[begin : begin + size]
                points[part], multipliers[part] = self._project(
                    blocks[part], G[part], stop, rounds, kept=group is kept
                )
        return points, multipliers

    def faces(self, blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the factors of the faces that some blocks were last projected on."""
        slots, lines, _ = self._factors(blocks, kept=bool((self._slot[blocks] >= 0).all()))
        return slots, lines, self._size[blocks]

    def start_from(self, other: ConeProjector, rows: np.ndarray) -> None:
        """Start from the faces of the same cones with only some of the rows."""
        if np.array_equal(self.unit_rows[rows], other.unit_rows):
            self._rows[:] = rows[other._rows]
            self._rho[:] = other._rho
            self._size[:] = other._size

    def multipliers(self, blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the rows that bound the last projection of some blocks, and how hard they push."""
        sizes = self._size[blocks]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        inside = np.arange(self._rows.shape[1]) < sizes[:, None]
        return starts, self._rows[blocks][inside], self._rho[blocks][inside]

    def _factors(
        self, blocks: np.ndarray, *, kept: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Slots of the blocks, with their factors, and which slots hold one."""
        if kept:
            slots, lines, built = self._slot[blocks], self._kept, self._built
        else:
            d = self._rows.shape[1]
            slots = np.arange(blocks.size)
            lines = np.empty((blocks.size, d, 2 * d))
            built = np.zeros(blocks.size, dtype=np.bool_)
        raw = ~built[slots]
        if raw.any():
            kernels.build_faces(
                blocks[raw],
                slots[raw],
                self.unit_rows,
                self.patterns,
                lines,
                self._rows,
                self._size,
                built,
            )
        return slots, lines, built

    def _project(
        self, blocks: np.ndarray, G: np.ndarray, stop: float, rounds: int, *, kept: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        slots, lines, built = self._factors(blocks, kept=kept)
        points, multipliers = np.empty_like(G), np.empty_like(G)
        self.steps += kernels.project(
            blocks,
            slots,
            G,
            stop,
            rounds,
            self.unit_rows,
            self.patterns,
            lines,
            self._rows,
            self._rho,
            self._size,
            points,
        )
        multiplier_kernels.sum_multipliers(
            blocks,
            slots,
            G,
            points,
            self.unit_rows,
            self.patterns,
            self._rows,
            self._rho,
            self._size,
            built,
            multipliers,
        )
        return points, multipliers
