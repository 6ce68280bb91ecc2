"""Projections of many blocks on their cones at once, each warm-started from its last face.

All rows are scanned by one matrix product for all projections that are still under way; only the
small factorisations run block by block. Blocks in the working set keep their factors.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex import kernels

SCORE_ENTRIES = 2_000_000  # of one scan: 16 MB
SCRATCH_ENTRIES = 4_000_000  # of factors of blocks that do not keep theirs
KEPT_ENTRIES = 80_000_000  # of factors that are kept: 640 MB


class ConeProjector:
    """Cones K_i = {u : (2 D_i - I) X u >= 0} of all blocks of a ReLU program.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    patterns : array of bool, shape (P, n)
        Patterns; block b has the cone of pattern b mod P.
    blocks : int
        Number of blocks.
    """

    def __init__(self, X: np.ndarray, patterns: np.ndarray, blocks: int) -> None:
        n, d = X.shape
        lengths = np.linalg.norm(X, axis=1)
        self.unit_rows = np.ascontiguousarray(X / np.where(lengths > 0, lengths, 1.0)[:, None])
        self.side = 2 * patterns.astype(np.int8) - np.int8(1)
        self.face_rows = np.zeros((blocks, d), dtype=np.int32)
        self.face_size = np.zeros(blocks, dtype=np.int64)
        self.projections = 0
        self.steps = 0
        self._slot = np.full(blocks, -1, dtype=np.int64)
        self._free = 0
        self._kept = _Factors(0, d)
        self._scratch = _Factors(max(1, min(256, SCRATCH_ENTRIES // (2 * d * d))), d)
        self._chunk = max(1, SCORE_ENTRIES // n)

    def keep(self, blocks: np.ndarray) -> None:
        """Keep the factors of further blocks between projections, as far as memory goes.

        Parameters
        ----------
        blocks : array of int
            Blocks that will be projected often.
        """
        d = self.face_rows.shape[1]
        blocks = blocks[self._slot[blocks] < 0]
        blocks = blocks[: max(0, KEPT_ENTRIES // (2 * d * d) - self._free)]
        needed = self._free + blocks.size
        if needed > self._kept.size:
            self._kept = self._kept.grown(needed)
        for block in blocks:
            slot = self._free
            self._slot[block] = slot
            self._free += 1
            self._kept.load(slot, self.face_rows[block], int(self.face_size[block]))

    def project(
        self,
        blocks: np.ndarray,
        G: np.ndarray,
        stop: float,
        rounds: int = 1_000,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Project one vector on the cone of each block.

        Parameters
        ----------
        blocks : array of int, shape (m,)
            Distinct blocks.
        G : array, shape (m, d)
            One vector for each.
        stop : float
            A projection stops once its norm is known to be at most this.
        rounds : int, default 1000
            Most scans of all cone rows.

        Returns
        -------
        points : array, shape (m, d)
            G + A'rho with rho >= 0; its norm bounds that of the projection, which it is unless
            stopped early.
        multipliers : array, shape (m, d)
            A'rho.
        """
        out, shift = np.empty_like(G), np.empty_like(G)
        kept = self._slot[blocks] >= 0
        for group, factors in ((np.flatnonzero(kept), self._kept), (np.flatnonzero(~kept), None)):
            size = self._chunk if factors else min(self._chunk, self._scratch.size)
            for begin in range(0, group.size, size):
                part = group[begin : begin + size]
                slots = self._slot[blocks[part]] if factors else self._borrow(blocks[part])
                out[part], shift[part] = self._project(
                    blocks[part], G[part], stop, rounds, factors or self._scratch, slots
                )
                self._store(blocks[part], factors or self._scratch, slots)
        self.projections += blocks.size
        return out, shift

    def _borrow(self, blocks: np.ndarray) -> np.ndarray:
        """Put the faces of some blocks into scratch slots."""
        scratch, slots = self._scratch, np.arange(blocks.size)
        scratch.rows[slots] = self.face_rows[blocks]
        scratch.count[slots] = self.face_size[blocks]
        scratch.built[slots] = False
        return slots

    def _store(self, blocks: np.ndarray, factors: _Factors, slots: np.ndarray) -> None:
        self.face_rows[blocks] = factors.rows[slots]
        self.face_size[blocks] = factors.count[slots]

    def _project(
        self,
        blocks: np.ndarray,
        G: np.ndarray,
        stop: float,
        rounds: int,
        factors: _Factors,
        slots: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        patterns = blocks % len(self.side)
        P = np.empty_like(G)
        status = np.zeros(blocks.size, dtype=np.int64)
        data, state = (self.unit_rows, self.side), (factors.rows, factors.rho, factors.count)
        common = (G, stop, *data, factors.lines, *state)
        kernels.start_projections(slots, patterns, *common, factors.built, P, status)
        for _ in range(rounds):
            pending = np.flatnonzero(status == kernels.PENDING)
            if not pending.size:
                break
            scores = P[pending] @ self.unit_rows.T
            self.steps += kernels.advance_projections(
                pending, scores, slots, patterns, *common, P, status
            )
        shift = np.empty_like(G)
        kernels.combine_rows(slots, patterns, G, *data, *state, factors.built, P, shift)
        return P, shift

    def factors(self, blocks: np.ndarray) -> tuple[np.ndarray, _Factors]:
        """Return where the current faces of some blocks are factorised.

        Parameters
        ----------
        blocks : array of int
            Blocks.

        Returns
        -------
        slots : array of int
            Position of each block.
        factors : _Factors
            The factors.
        """
        slots = self._slot[blocks]
        factors = self._kept
        if (slots < 0).any():
            factors, slots = _Factors(blocks.size, self.face_rows.shape[1]), np.arange(blocks.size)
            for slot, block in enumerate(blocks):
                factors.load(slot, self.face_rows[block], int(self.face_size[block]))
        raw = np.flatnonzero(~factors.built[slots])
        if raw.size:
            G = np.zeros((raw.size, self.face_rows.shape[1]))  # any vector: only factors count
            kernels.start_projections(
                slots[raw],
                blocks[raw] % len(self.side),
                G,
                -1.0,
                self.unit_rows,
                self.side,
                factors.lines,
                factors.rows,
                factors.rho,
                factors.count,
                factors.built,
                np.empty_like(G),
                np.zeros(raw.size, dtype=np.int64),
            )
            self._store(blocks[raw], factors, slots[raw])
        return slots, factors


class _Factors:
    """Orthonormal bases and triangular factors of faces, one in each slot."""

    def __init__(self, size: int, d: int) -> None:
        self.size = size
        self.lines = np.zeros((size, d, 2 * d))
        self.rows = np.zeros((size, d), dtype=np.int32)
        self.rho = np.zeros((size, d))
        self.count = np.zeros(size, dtype=np.int64)
        self.built = np.zeros(size, dtype=np.bool_)

    def load(self, slot: int, rows: np.ndarray, count: int) -> None:
        """Put a face into a slot; its factor is built when it is first used."""
        self.rows[slot] = rows
        self.count[slot] = count
        self.built[slot] = False

    def grown(self, size: int) -> _Factors:
        """Return a copy with more slots."""
        new = _Factors(size, self.rows.shape[1])
        for name in ("lines", "rows", "rho", "count", "built"):
            getattr(new, name)[: self.size] = getattr(self, name)
        return new
