"""Run a solver's ladder of settings in a process of its own and judge what it returns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
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


def run_worker(
    solver: str, file: Path, formulation: str, setting: float, limit: float
) -> tuple[dict[str, Any], dict[str, np.ndarray]] | str:
    """Run one solver once.

    Parameters
    ----------
    solver : str
        Key of `benchmarks.convex.worker.SOLVERS`.
    file : Path
        Problem file.
    formulation : {"relu", "gated"}
        Program.
    setting : float
        What the solver's tolerance is set to.
    limit : float
        CPU seconds after which the process is killed.

    Returns
    -------
    tuple of dict and dict of arrays, or str
        Numbers, and blocks v, w with the dual vector where there is one; or ``killed`` (out of
        time) or ``failed`` (an error of its own).
    """
    python = sys.executable if solver in ("ours", "path") else str(PEERS)
    env = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    env["NUMBA_NUM_THREADS"] = env["MKL_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "blocks.npz"
        done = subprocess.run(
            [
                python,
                str(HERE / "worker.py"),
                solver,
                str(file),
                formulation,
                str(setting),
                str(limit),
                str(out),
            ],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            if done.returncode > 0:
                print(done.stderr[-600:], file=sys.stderr)
            return "failed" if done.returncode > 0 else "killed"
        numbers = json.loads(done.stdout.strip().splitlines()[-1])
        with np.load(out) as stored:
            return numbers, {k: stored[k] for k in stored}


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


def climb(
    solver: str, file: Path, formulation: str, bound: float, limit: float, goal: float = 1e-6
) -> list[dict[str, Any]]:
    """Tighten a peer's tolerance until it reaches the goal or its time is up.

    Parameters
    ----------
    solver : str
        Peer.
    file : Path
        Problem file.
    formulation : {"relu", "gated"}
        Program.
    bound : float
        Best dual bound.
    limit : float
        CPU seconds of a run.
    goal : float, default 1e-6
        Gap at which to stop.

    Returns
    -------
    list of dict
        One line for each setting that finished.
    """
    with np.load(file) as stored:
        p = {k: stored[k] for k in stored}
    lines: list[dict[str, Any]] = []
    for setting in LADDERS[formulation].get(solver, []):
        answer = run_worker(solver, file, formulation, setting, limit)
        if isinstance(answer, str):
            seconds = limit if answer == "killed" else np.nan
            lines.append({"setting": setting, "cpu_s": seconds, "gap": np.nan, "ended": answer})
            if answer == "killed":
                break
            continue
        numbers, point = answer
        verdict = judge(p, formulation, point["v"], point["w"], bound)
        lines.append({"setting": setting} | numbers | verdict)
        if lines[-1]["gap"] <= goal:
            break
    return lines


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
