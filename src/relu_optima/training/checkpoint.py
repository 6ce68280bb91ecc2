"""Checkpoints of networks: plain arrays in one file, written atomically, ignored if damaged.

Each network of a stack has its own, because a killed job may resume with other neighbours.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relu_optima.npz import NpzError, read_npz

MAX_BYTES = 4 * 2**30


@dataclass(frozen=True)
class Checkpoint:
    """Where the state of a network lies between two sessions.

    Attributes
    ----------
    path : Path
        The file; its name says which run and which code it belongs to.
    """

    path: Path

    @staticmethod
    def of(folder: Path | None, name: str) -> Checkpoint | None:
        """Name the checkpoint of a network."""
        if folder is None or not name:
            return None
        value = hashlib.sha256(name.encode()).hexdigest()[:24]
        return Checkpoint(folder / f"{value}.npz")

    def read(self) -> dict[str, np.ndarray] | None:
        """Read the state."""
        try:
            return {k: v.copy() for k, v in read_npz(self.path, MAX_BYTES).items()}
        except (OSError, NpzError):
            return None

    def write(self, state: dict[str, np.ndarray]) -> None:
        """Replace the state, atomically."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(f".tmp-{os.getpid()}")
        with temporary.open("wb") as stream:
            np.savez(stream, **state)  # type: ignore[arg-type]
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self.path)
