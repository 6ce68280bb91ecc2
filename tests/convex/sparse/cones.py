"""Sparse programs written out as cone programs for Clarabel, every cell of every support a block.

Shares no code with the package: cells by brute force over signs, the conic form built here.
"""

from __future__ import annotations

import itertools

import clarabel
import numpy as np
from scipy import sparse
from scipy.optimize import linprog


def cells(X: np.ndarray) -> np.ndarray:
    """Every activation pattern of full-dimensional cells, by an LP for each sign vector."""
    n, k = X.shape
    if k == 1:
        signs = np.sign(X[:, 0])
        return np.unique(np.array([signs > 0, -signs > 0]), axis=0)
    if k == 2:
        angles = np.arctan2(X[:, 1], X[:, 0])[np.any(X != 0, axis=1)]
        ends = np.sort(np.mod(np.concatenate([angles + np.pi / 2, angles - np.pi / 2]), 2 * np.pi))
        middle = (ends + np.append(ends[1:], ends[0] + 2 * np.pi)) / 2
        return np.unique(X @ np.array([np.cos(middle), np.sin(middle)]) > 0, axis=1).T
    found = []
    for signs in itertools.product((1.0, -1.0), repeat=n):
        A = -(np.array(signs)[:, None] * X)
        if linprog(np.zeros(k), A_ub=A, b_ub=-np.ones(n), bounds=(-1e6, 1e6)).status == 0:
            found.append(np.array(signs) > 0)
    return np.array(found)


def optimum(X: np.ndarray, y: np.ndarray, supports, lam: float, tol: float = 1e-11) -> float:
    """Optimal value of the sparse program."""
    n = len(y)
    blocks = [
        (sign, pattern, X[:, list(s)]) for s in supports for pattern in cells(X[:, list(s)])
        if pattern.any() for sign in (1.0, -1.0)
    ]  # fmt: skip
    widths = [b[2].shape[1] for b in blocks]
    starts = np.concatenate([[0], np.cumsum(widths)])
    size, total = len(blocks), int(starts[-1])
    design = np.hstack([sign * p[:, None] * A for sign, p, A in blocks])
    parts = [sparse.hstack([-design, sparse.csc_matrix((n, size)), sparse.eye(n)])]
    bounds, kinds = [np.zeros(n)], [clarabel.ZeroConeT(n)]
    cone = sparse.block_diag([np.where(p, -1.0, 1.0)[:, None] * A for _, p, A in blocks])
    parts.append(sparse.hstack([cone, sparse.csc_matrix((size * n, size + n))]))
    bounds.append(np.zeros(size * n))
    kinds.append(clarabel.NonnegativeConeT(size * n))
    for b, width in enumerate(widths):
        rows = sparse.lil_matrix((width + 1, total + size + n))
        rows[0, total + b] = -1.0
        for i in range(width):
            rows[1 + i, starts[b] + i] = -1.0
        parts.append(rows)
        bounds.append(np.zeros(width + 1))
        kinds.append(clarabel.SecondOrderConeT(width + 1))
    hessian = sparse.diags(np.concatenate([np.zeros(total + size), np.ones(n)])).tocsc()
    linear = np.concatenate([np.zeros(total), np.full(size, lam), -y])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tol
    answer = clarabel.DefaultSolver(
        hessian, linear, sparse.vstack(parts).tocsc(), np.concatenate(bounds), kinds, settings
    ).solve()
    return float(answer.obj_val + 0.5 * y @ y)


K1_X = np.array([[1.0, 2, -1], [0, 1, 1], [-1, 1, 2], [2, -1, 1], [1, -2, 0]])
K1_Y = np.array([1.0, -1, 2, 0.5, -2])
K1_SUPPORTS = ((0, 1), (1, 2), (2,))
K1_VALUE = 0.62223525
