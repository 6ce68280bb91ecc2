"""Checkpoints of a stack: plain arrays in one file, written atomically, ignored if damaged."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relu_optima.code_key import running_source


@dataclass(frozen=True)
class Checkpoint:
    """Where the state of a stack lies between two sessions.

    Attributes
    ----------
    path : Path
        The file; its name says which runs and which code it belongs to.
    """

    path: Path

    @staticmethod
    def of(folder: Path | None, names: Sequence[str], method: str) -> Checkpoint | None:
        """Name the checkpoint of a stack.

        Parameters
        ----------
        folder : Path or None
            Where checkpoints are kept.
        names : sequence of str
            What identifies each network: run id and upstream code.
        method : str
            Training method, whose code counts too.

        Returns
        -------
        Checkpoint or None
            None without a folder, or if some network has no name.
        """
        if folder is None or not all(names):
            return None
        code = running_source().key(
            ["relu_optima.training.stage", f"relu_optima.training.methods.{method}"]
        )
        value = hashlib.sha256("\n".join([code, *names]).encode()).hexdigest()[:24]
        return Checkpoint(folder / f"{value}.npz")

    def read(self) -> dict[str, np.ndarray] | None:
        """Read the state.

        Returns
        -------
        dict of str to array, or None
            None if there is none, or it is damaged: then training starts anew.
        """
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def write(self, state: dict[str, np.ndarray]) -> None:
        """Replace the state, atomically.

        Parameters
        ----------
        state : dict of str to array
            What to keep.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(f".tmp-{os.getpid()}")
        with temporary.open("wb") as stream:
            np.savez(stream, **state)  # type: ignore[arg-type]
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self.path)

    def remove(self) -> None:
        """Remove the file, since the result is there."""
        self.path.unlink(missing_ok=True)
