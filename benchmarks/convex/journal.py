"""Every finished run is a file, so a measurement that is cut loses nothing and can be taken up."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

Line = dict[str, Any]


class Journal:
    """Folder with one JSON file for each run.

    Parameters
    ----------
    folder : Path
        Where the files are; made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def line(self, key: Line, limit: float, run: Callable[[], Line]) -> Line:
        """Return what a run gave: from its file, or by running it now.

        Parameters
        ----------
        key : dict
            What tells the run from others; part of the line.
        limit : float
            CPU seconds the run may take. A run on file that was cut earlier than this is repeated.
        run : callable
            Makes the rest of the line.

        Returns
        -------
        dict
            The line.
        """
        file = self.folder / ("-".join(f"{value}" for value in key.values()) + ".json")
        if file.exists():
            known: Line = json.loads(file.read_text())
            if known.get("ended") != "time" or known["cpu_s"] >= limit:
                return known
        line = key | run()
        part = file.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(line))
        part.replace(file)
        print(_say(line), flush=True)
        return line

    def frame(self) -> pd.DataFrame:
        """Return all lines.

        Returns
        -------
        DataFrame
            One row for each run; ``ended`` is missing where the run gave an answer.
        """
        lines = [json.loads(f.read_text()) for f in sorted(self.folder.glob("*.json"))]
        frame = pd.DataFrame(lines)
        return frame if "ended" in frame else frame.assign(ended=None)


def _say(line: Line) -> str:
    numbers = {k: line.get(k) for k in ("cpu_s", "gap", "memory_mb", "ended")}
    shown = "  ".join(f"{k} {v:.3g}" for k, v in numbers.items() if isinstance(v, float))
    name = " ".join(f"{v}" for v in line.values() if not isinstance(v, (float, dict)))
    return f"{name[:60]:<60} setting {line.get('setting', 0):<8g} {shown}"
