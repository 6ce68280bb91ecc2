"""Small programs with known optimal sets, solved by Clarabel written out by hand.

Shares no code with the package: gates by brute force, the conic form built here.
"""

from __future__ import annotations

from dataclasses import dataclass

import clarabel
import numpy as np
from scipy import sparse

FAN_X = np.array([[np.sqrt(3), 1.0], [-np.sqrt(3), 1.0]])
FAN_Y = np.array([2.0, 2.0])
JUMP_X = np.array([[1.0, 0, 0], [-1, -0.5, np.sqrt(3.75)], [1, 1, 0]])
JUMP_Y = np.array([3.0, 6.0, 4.0]) / np.sqrt(5)
WORKED_X = np.array([[1.0, 1], [-1, 1], [2, 1]])
WORKED_Y = np.array([1.0, 2, -1])


@dataclass(frozen=True)
class Solved:
    gates: np.ndarray
    v: np.ndarray
    w: np.ndarray
    lam: float
    formulation: str
    objective: float


def all_gates(X: np.ndarray, seed: int = 0) -> np.ndarray:
    """One gate in every cell of the arrangement (d = 2 exactly, else by dense sampling)."""
    d = X.shape[1]
    if d == 2:
        normals = np.arctan2(X[:, 1], X[:, 0])
        borders = np.sort(
            np.mod(np.concatenate([normals + np.pi / 2, normals - np.pi / 2]), 2 * np.pi)
        )
        borders = borders[np.append(True, np.diff(borders) > 1e-12)]
        middle = (borders + np.append(borders[1:], borders[0] + 2 * np.pi)) / 2
        gates = np.array([np.cos(middle), np.sin(middle)])
    else:
        gates = np.random.default_rng(seed).standard_normal((d, 20_000))
    patterns = X @ gates > 0
    _, first = np.unique(patterns, axis=1, return_index=True)
    return gates[:, [i for i in first if patterns[:, i].any()]]


def solve(
    X: np.ndarray,
    y: np.ndarray,
    lam: float,
    formulation: str = "relu",
    gates: np.ndarray | None = None,
    tol: float = 1e-8,
) -> Solved:
    """Solve the convex program as a second-order cone program."""
    gates = all_gates(X) if gates is None else gates
    n, d = X.shape
    patterns = (X @ gates > 0).T
    count = len(patterns)
    relu = formulation == "relu"
    signs = [1.0, -1.0] if relu else [1.0]
    masks = [(s, m) for s in signs for m in patterns]
    size = len(masks)
    columns = size * d + size + n  # weights, norms, fit
    design = np.hstack([s * m[:, None] * X for s, m in masks])
    rows = [
        sparse.hstack([sparse.csc_matrix(-design), sparse.csc_matrix((n, size)), sparse.eye(n)])
    ]
    bounds = [np.zeros(n)]
    cones: list[object] = [clarabel.ZeroConeT(n)]
    if relu:
        cone = sparse.block_diag([np.where(m, -1.0, 1.0)[:, None] * X for _, m in masks])
        rows.append(sparse.hstack([cone, sparse.csc_matrix((size * n, size + n))]))
        bounds.append(np.zeros(size * n))
        cones.append(clarabel.NonnegativeConeT(size * n))
    for b in range(size):
        block = sparse.lil_matrix((d + 1, columns))
        block[0, size * d + b] = -1.0
        for i in range(d):
            block[1 + i, b * d + i] = -1.0
        rows.append(block)
        bounds.append(np.zeros(d + 1))
        cones.append(clarabel.SecondOrderConeT(d + 1))
    hessian = sparse.diags(np.concatenate([np.zeros(size * d + size), np.ones(n)])).tocsc()
    linear = np.concatenate([np.zeros(size * d), np.full(size, lam), -y])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tol
    answer = clarabel.DefaultSolver(
        hessian, linear, sparse.vstack(rows).tocsc(), np.concatenate(bounds), cones, settings
    ).solve()
    weights = np.array(answer.x[: size * d]).reshape(size, d)
    other = weights[count:] if relu else np.zeros_like(weights)
    value = answer.obj_val + 0.5 * float(y @ y)
    return Solved(gates, weights[:count], other, lam, formulation, value)


def gaussian(seed: int, n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n)


def hinges(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """One-dimensional inputs with a column of ones."""
    rng = np.random.default_rng(seed)
    return np.column_stack([np.sort(rng.standard_normal(n)), np.ones(n)]), rng.standard_normal(n)
