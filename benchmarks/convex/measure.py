"""Run a solver in a process of its own, judge what it returns, search its ladder of settings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from relu_optima.convex.certificate import certify
from relu_optima.convex.cones import ConeProjector

HERE = Path(__file__).parent
PEERS = HERE.parent / ".venv-peers" / "bin" / "python"
# Loose to tight by tens: a peer is credited with the first setting that reaches the gap, so steps
# that are too coarse would charge it for accuracy that nobody asked for.
LADDERS: dict[str, dict[str, list[float]]] = {
    "gated": {
        "celer": [10.0**-k for k in range(2, 10)],
        "adelie": [10.0**-k for k in range(7, 16)],
        "scnn": [10.0**-k for k in range(5, 13)],
        "skglm": [10.0**-k for k in range(2, 9)],
        "clarabel": [10.0**-k for k in range(4, 10)],
        "ecos": [10.0**-k for k in range(4, 10)],
    },
    "relu": {
        "adelie": [10.0**-k for k in range(4, 16)],
        "scnn": [100, 300, 1000, 3000],
        "clarabel": [10.0**-k for k in range(4, 10)],
        "ecos": [10.0**-k for k in range(4, 10)],
    },
}


class Worker:
    """One solver on one problem, in a process that lives from its first run to the last.

    Parameters
    ----------
    solver : str
        Key of `benchmarks.convex.worker.SOLVERS`.
    file : Path
        Problem file.
    formulation : {"relu", "gated"}
        Program.
    """

    def __init__(self, solver: str, file: Path, formulation: str) -> None:
        python = sys.executable if solver in ("ours", "ours_logistic", "path") else str(PEERS)
        self._command = [python, str(HERE / "worker.py"), solver, str(file), formulation]
        self._process: subprocess.Popen[str] | None = None
        self._folder = tempfile.TemporaryDirectory()

    def run(self, setting: float, limit: float) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Run the solver once.

        Parameters
        ----------
        setting : float
            What its tolerance is set to.
        limit : float
            CPU seconds after which it is stopped.

        Returns
        -------
        numbers : dict
            What the worker measured. ``ended`` says why there is no answer: ``time`` (the limit),
            ``killed`` (a signal from elsewhere, such as for lack of memory) or ``error``.
        point : dict of arrays
            Blocks v, w with the dual vector where there is one; empty if it did not finish.
        """
        out, errors = Path(self._folder.name) / "blocks.npz", Path(self._folder.name) / "errors"
        if self._process is None:
            one = ("OMP", "OPENBLAS", "MKL", "NUMBA")
            with errors.open("w") as stream:
                self._process = subprocess.Popen(
                    self._command,
                    env=os.environ | {f"{library}_NUM_THREADS": "1" for library in one},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stream,
                    text=True,
                )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        request = {"setting": setting, "limit": limit, "out": str(out)}
        try:
            print(json.dumps(request), file=process.stdin, flush=True)
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if answer:
            with np.load(out) as stored:
                return json.loads(answer), {k: stored[k] for k in stored}
        code = process.wait()
        self._process = None
        if code == -signal.SIGXCPU:
            return {"cpu_s": limit, "ended": "time"}, {}
        why = errors.read_text().strip().rpartition("\n")[2]  # the rest names folders
        return {"ended": "killed" if code < 0 else "error", "message": f"{code}: {why}"}, {}

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None
        self._folder.cleanup()


def judge(
    p: dict[str, np.ndarray], formulation: str, v: np.ndarray, w: np.ndarray, bound: float
) -> dict[str, float]:
    """Value a point after putting it into its cones, against the best dual bound known.

    Parameters
    ----------
    p : dict of str to array
        Problem.
    formulation : {"relu", "gated"}
        Program.
    v, w : array, shape (P, d)
        Blocks.
    bound : float
        Best dual bound.

    Returns
    -------
    dict of str to float
        Gap, violation before the repair, non-zero blocks.
    """
    X, y, lam = p["X"], p["y"], float(p["lam"])
    blocks = np.vstack([v, w]) if formulation == "relu" else v - w
    violation = 0.0
    if formulation == "relu":
        lengths = np.linalg.norm(X, axis=1)
        rows = np.where(p["D"], 1.0, -1.0).T
        for i in np.flatnonzero(np.any(blocks != 0, axis=1)):
            slack = rows[i % len(rows)] * (X @ blocks[i]) / np.where(lengths > 0, lengths, 1.0)
            violation = max(violation, -float(slack.min()))
        violation /= max(float(np.linalg.norm(blocks, axis=1).max()), 1e-300)
        if violation > 1e-12:
            used = np.flatnonzero(np.any(blocks != 0, axis=1))
            cones = ConeProjector(X, np.ascontiguousarray(p["D"].T), len(blocks))
            blocks[used] = cones.project(used, blocks[used], 0.0)[0]
    if formulation == "relu":
        half = len(blocks) // 2
        fit = np.maximum(X @ blocks[:half].T, 0).sum(1) - np.maximum(X @ blocks[half:].T, 0).sum(1)
    else:
        fit = np.where(p["D"], X @ blocks.T, 0).sum(1)
    norms = np.linalg.norm(blocks, axis=1)
    value = 0.5 * float((y - fit) @ (y - fit)) + lam * float(norms.sum())
    return {
        "gap": (value - bound) / bound,
        "violation": violation,
        "active": float(np.sum(norms > 1e-8 * norms.max())),
    }


def loosest(ladder: list[float], gap: Callable[[float], float], goal: float) -> float | None:
    """Find the loosest setting of a ladder that reaches a gap, by bisection.

    Parameters
    ----------
    ladder : list of float
        Settings from loose to tight.
    gap : callable
        Runs a solver at a setting and returns its gap; NaN if it did not finish, which sends the
        search to looser settings.
    goal : float
        Gap to reach.

    Returns
    -------
    float or None
        The setting; None if none was found.
    """
    low, high, found = 0, len(ladder), None
    while low < high:
        middle = (low + high) // 2
        reached = gap(ladder[middle])
        if reached <= goal:
            found = ladder[middle]
        if reached <= goal or np.isnan(reached):
            high = middle
        else:
            low = middle + 1
    return found


def independent_gap(
    p: dict[str, np.ndarray], formulation: str, point: dict[str, np.ndarray]
) -> float:
    """Certify a point and its dual vector by code that no solver shares.

    Parameters
    ----------
    p : dict of str to array
        Problem.
    formulation : {"relu", "gated"}
        Program.
    point : dict of str to array
        Blocks ``v``, ``w`` and the vector ``dual``.

    Returns
    -------
    float
        Relative gap.
    """
    lam = float(p["lam"])
    v, w, dual = (point[k] for k in ("v", "w", "dual"))
    return certify(p["X"], p["y"], p["G"], lam, v, w, formulation, dual=dual).gap
