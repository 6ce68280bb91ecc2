"""Projection on one cone by the certificate's own active-set method, not the solver's."""

from __future__ import annotations

import math

import numpy as np

ROW_TOL = 1e-12  # violation of a unit cone row, relative to the projected vector
POOL = 256  # rows that are watched between two scans of all


def project_on_cone(rows: np.ndarray, g: np.ndarray, stop: float = 0.0) -> tuple[np.ndarray, float]:
    """Project a vector on {u : rows @ u >= 0} by a dual active-set method.

    Solves min_{rho >= 0} |g + rows' rho|; any such rho bounds the projection's norm from above,
    so the answer is safe to use wherever the method stops.
    """
    size, d = _length(g), g.size
    Q, R = np.zeros((d, d)), np.zeros((d, d))
    active: list[int] = []
    held = np.zeros(len(rows), dtype=bool)  # the active rows again
    rho = np.zeros(0)
    p = g.copy()
    last = np.inf
    pool = np.zeros(0, dtype=np.int64)  # rows violated most at the last scan of all
    watched = rows[pool]
    for _ in range(20 * d + 100):
        length = _length(p)
        if length <= stop:
            last = np.inf if length > 0 else 0.0
            break
        worst, last = _most_violated(watched, pool, p, held, size)
        if last <= ROW_TOL:
            slack = rows @ p
            pool = np.argpartition(slack, min(POOL, slack.size) - 1)[:POOL]
            watched = rows[pool]
            worst, last = _most_violated(watched, pool, p, held, size)
        if last <= ROW_TOL:
            last = 0.0
            break
        k = len(active)
        basis = Q[:, :k]
        coefficients = rows[worst] @ basis
        rest = rows[worst] - basis @ coefficients
        again = rest @ basis
        rest -= basis @ again
        fresh = _length(rest)
        if fresh < 1e-10 or k == d:
            break  # dependent on the active rows: the rounding floor
        Q[:, k] = rest / fresh
        R[:k, k], R[k, k] = coefficients + again, fresh
        held[active] = False
        rho, active = _restore(Q, R, g, [*active, worst], np.concatenate((rho, [0.0])))
        held[active] = True
        basis = Q[:, : len(active)]
        p = g - basis @ (g @ basis)
        p -= basis @ (p @ basis)
    rho = np.maximum(rho, 0.0)
    return g + rows[active].T @ rho, last


def _length(vector: np.ndarray) -> float:
    return math.sqrt(vector @ vector)


def _most_violated(
    watched: np.ndarray, pool: np.ndarray, p: np.ndarray, held: np.ndarray, size: float
) -> tuple[int, float]:
    """Row that a point violates most, of those watched and not held active, and how much."""
    if not pool.size or not size:
        return -1, 0.0
    slack = watched @ p
    slack[held[pool]] = 0.0
    place = int(slack.argmin())
    return int(pool[place]), max(0.0, -float(slack[place])) / size


def _restore(
    Q: np.ndarray,
    R: np.ndarray,
    g: np.ndarray,
    active: list[int],
    rho: np.ndarray,
) -> tuple[np.ndarray, list[int]]:
    """Step towards the multipliers of the active rows, dropping rows that would turn negative."""
    from scipy.linalg import qr_delete
    from scipy.linalg.blas import dtrsv

    while active:
        k = len(active)
        target = dtrsv(R[:k, :k], -(g @ Q[:, :k]))
        if target.min() >= 0:
            return target, active
        falling = np.flatnonzero(target < 0)
        ratios = rho[falling] / (rho[falling] - target[falling])
        step = float(ratios.min())
        rho = np.maximum(rho + step * (target - rho), 0.0)
        drop = int(falling[np.argmin(ratios)])
        active = active[:drop] + active[drop + 1 :]
        rho = np.delete(rho, drop)
        k -= 1
        fewer, triangle = qr_delete(Q[:, : k + 1], R[: k + 1, : k + 1], drop, which="col")
        Q[:, :k], R[:k, :k] = fewer[:, :k], triangle[:k]
    return np.zeros(0), active
