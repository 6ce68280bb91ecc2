r"""Independent certificates over all activation patterns, for any network and any outputs.

The bound of a network F is that of its residual N = Y - F (Sahiner et al. 2021, Theorem 1):

.. math:: D = \tfrac12 \lVert Y \rVert^2 - \tfrac12 \lVert t N - Y \rVert^2, \qquad
          t = \min\bigl(\langle N, Y \rangle / \lVert N \rVert^2, \lambda / h(N)\bigr)_+, \qquad
          h(N) = \max_{\lVert u \rVert \le 1} \lVert N^\top (X u)_+ \rVert .

Here h(N) is bounded by listing the cells again: all crossings of a circle at once, with sums in
extended precision and each arc's maximum by the angle of its sinusoid. No hyperplanes are merged,
nothing is carried from cell to cell, and nothing is skipped for being small, so no code or short
cut of the sweep that prices is used. In rank three edges and vertices lie on the circles x_j^perp;
the maximiser inside a cell is the top vector e of its matrix M, and it lies there only if
|N'(X e)_+|^2 is the top value of M, so evaluating e by definition settles every cell.

For a stationary network (h(N) / lambda - 1)_+ is the relative bound of Sahiner et al. for
Burer-Monteiro factorisations, reported as the KKT residual.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.certificate import Certificate, relative_gap
from relu_optima.convex.cone_projection import project_on_cone
from relu_optima.convex.gates import as_finite, as_inputs
from relu_optima.convex.problem import check_lambda
from relu_optima.convex.shallow import ShallowNetwork
from relu_optima.errors import BudgetError, SolveInputError

CELLS = 20_000_000  # cells of circles that are listed again at most
RANK_TOL = 1e-10  # singular value, relative to the largest, below which a direction is no data
SLAB = 500  # maximisers evaluated at a time


def certify_network(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    network: ShallowNetwork,
    *,
    dual: np.ndarray | None = None,
    budget: int = 200_000,
) -> Certificate:
    """Bound how far a ReLU network is from the best of any width, over all activation patterns.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    Y : array, shape (n,) or (n, K)
        Targets.
    lam : float
        Canonical regularisation strength, positive.
    network : ShallowNetwork
        Any network without gates.
    dual : array, shape (n, K), optional
        A further dual candidate; the better bound of this and the residual counts.
    budget : int, default 200000
        Most cells that are enumerated where the rows span more than three dimensions (one output).

    Returns
    -------
    Certificate
        Bounds, gap and residuals; ``kkt_residual`` is (h(N) / lam - 1)_+.

    Raises
    ------
    SolveInputError
        If shapes disagree, or several outputs meet data of rank above three.
    BudgetError
        If there are more cells than can be listed.
    """
    X = as_inputs(X)
    Y = as_finite(Y, "Y", np.ndim(Y) if np.ndim(Y) in (1, 2) else 2, "finite numbers")
    Y = Y.reshape(len(Y), -1)
    lam = check_lambda(lam)
    if network.gates is not None or len(Y) != len(X) or network.V.shape[1] != Y.shape[1]:
        raise SolveInputError(
            f"{network!r} and Y of shape {Y.shape} for {len(X)} rows",
            allowed="a ReLU network with one output for each column of Y",
            where="network",
        )
    fit = np.maximum(X @ network.U.T, 0.0) @ network.V
    residual = Y - fit
    norms = np.linalg.norm(network.U, axis=1) * np.linalg.norm(network.V, axis=1)
    objective = 0.5 * float(np.sum(residual**2)) + lam * float(norms.sum())
    best, point, kkt = -np.inf, residual, 0.0
    for candidate in [residual] if dual is None else [residual, np.reshape(dual, Y.shape)]:
        height = largest_correlation(X, candidate, budget=budget)
        if candidate is residual:
            kkt = max(0.0, height / lam - 1.0)
        square, along = float(np.sum(candidate**2)), float(np.sum(candidate * Y))
        t = max(0.0, along / square) if square else 0.0
        t = min(t, lam / height) if height > 0 else t
        value = t * along - 0.5 * t * t * square
        if value > best:
            best, point = float(value), t * candidate
    gap = relative_gap(objective, best, Y.ravel())
    return Certificate(objective, best, gap, kkt, 0.0, point)


def largest_correlation(X: np.ndarray, N: np.ndarray, *, budget: int = 200_000) -> float:
    r"""Bound :math:`\max_{\lVert u \rVert \le 1} \lVert N^\top (X u)_+ \rVert` from above.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    N : array, shape (n,) or (n, K)
        Weights of the rows.
    budget : int, default 200000
        Most cells enumerated where the rows span more than three dimensions.

    Returns
    -------
    float
        The maximum and a bound on its rounding.

    Raises
    ------
    SolveInputError
        If several outputs meet data of rank above three.
    BudgetError
        If there are more cells than can be listed.
    """
    N = N.reshape(len(X), -1)
    lengths = np.linalg.norm(X, axis=1)
    kept = (lengths > 0) & N.any(axis=1)
    if not kept.any():
        return 0.0
    weights = N[kept] * lengths[kept][:, None]
    rows = X[kept] / lengths[kept][:, None]
    _, values, Vt = np.linalg.svd(rows, full_matrices=False)
    basis = Vt[values > RANK_TOL * values[0]]
    flat = rows @ basis.T
    lost = np.linalg.norm(rows - flat @ basis, axis=1)
    sizes = np.linalg.norm(weights, axis=1)
    rounding = 64 * np.finfo(float).eps * float(sizes.sum()) + float(lost @ sizes)
    if len(basis) == 1:
        ends = [np.linalg.norm(np.maximum(s * flat[:, 0], 0.0) @ weights) for s in (1.0, -1.0)]
        return float(max(ends)) + rounding
    if len(basis) > 3:
        return _by_cones(X, N, budget) + rounding
    if len(flat) ** (len(basis) - 1) > CELLS:
        raise BudgetError(
            f"{len(flat)} rows of rank {len(basis)} make more than {CELLS} cells",
            where="certificate",
            fix="use fewer rows",
        )
    height = _on_circle(flat, weights) if len(basis) == 2 else _on_sphere(flat, weights)
    return float(height) + rounding


def _arcs(
    flat: np.ndarray, products: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """List the arcs of a circle: both ends, the row crossed at the first, and the active sum."""
    angle = np.arctan2(flat[:, 1], flat[:, 0])
    places = np.mod(np.concatenate([angle - 0.5 * np.pi, angle + 0.5 * np.pi]), 2 * np.pi)
    order = np.argsort(places, kind="stable")
    low = places[order]
    high = np.append(low[1:], low[0] + 2 * np.pi)
    # active before the first crossing: rows whose half circle holds the middle of the last arc
    active = np.cos(0.5 * (low[-1] + high[-1]) - angle) > 0
    start = products[active].sum(axis=0, dtype=np.longdouble)
    changes = np.concatenate([products, -products])[order]
    sums = start + np.cumsum(changes, axis=0, dtype=np.longdouble)
    return low, high, order % len(flat), np.asarray(sums, dtype=np.float64)


def _largest_on_arcs(low: np.ndarray, high: np.ndarray, G: np.ndarray) -> float:
    """Largest |G'u| over the arcs, G of shape (arcs, 2, K): a sinusoid of period pi on each."""
    a, c = np.sum(G[:, 0] ** 2, axis=1), np.sum(G[:, 1] ** 2, axis=1)
    cross = np.sum(G[:, 0] * G[:, 1], axis=1)
    top = 0.5 * np.arctan2(2 * cross, a - c)
    ahead, behind = np.mod(top - low, np.pi), np.mod(high - top, np.pi)
    nearest = np.where(ahead <= high - low, top, np.where(behind <= np.pi - ahead, high, low))
    u = np.stack([np.cos(nearest), np.sin(nearest)])
    return float(np.linalg.norm(G[:, 0] * u[0][:, None] + G[:, 1] * u[1][:, None], axis=1).max())


def _on_circle(rows: np.ndarray, weights: np.ndarray) -> float:
    """Largest correlation over the unit circle."""
    low, high, _, G = _arcs(rows, rows[:, :, None] * weights[:, None, :])
    return _largest_on_arcs(low, high, G)


def _on_sphere(rows: np.ndarray, weights: np.ndarray) -> float:
    """Largest correlation over the unit sphere: circles, then the maximisers inside cells."""
    height = 0.0
    products = rows[:, :, None] * weights[:, None, :]
    for row in rows:
        plane = np.linalg.svd(row[None])[2][1:]
        flat = rows @ plane.T
        off = np.linalg.norm(flat, axis=1) > 1e-13  # others vanish on the circle, as this row does
        low, high, crossed, G = _arcs(flat[off], products[off])
        height = max(height, _largest_on_arcs(low, high, np.einsum("ij,ajk->aik", plane, G)))
        middle = 0.5 * (low + high)
        points = np.column_stack([np.cos(middle), np.sin(middle)]) @ plane
        ends = rows[off][np.stack([crossed, np.append(crossed[1:], crossed[0])])]
        for side in (1.0, -1.0):
            on = side * (rows[~off] @ row) > 0
            whole = G + products[~off][on].sum(axis=0)
            height = _beside(side * row, points, ends, whole, rows, weights, height)
    return height


def _beside(
    inward: np.ndarray,
    points: np.ndarray,
    ends: np.ndarray,
    G: np.ndarray,
    rows: np.ndarray,
    weights: np.ndarray,
    height: float,
) -> float:
    """Evaluate, by definition, the maximisers of the cells on one side of a great circle.

    Those that are not on the side of the circle, or of one of the two rows that end the arc, that
    the cell is on, are in another cell, whose own matrix decides.
    """
    large = np.sum(G**2, axis=(1, 2)) > height**2
    if not large.any():
        return height
    G, points, ends = G[large], points[large], ends[:, large]
    if G.shape[2] == 1:
        top = G[:, :, 0] / np.linalg.norm(G[:, :, 0], axis=1)[:, None]
    else:
        top = np.linalg.eigh(G @ np.swapaxes(G, 1, 2))[1][:, :, -1]
    top *= np.where(top @ inward < 0, -1.0, 1.0)[:, None]
    within = np.ones(len(top), dtype=bool)
    for end in ends:
        within &= np.einsum("ai,ai->a", end, top) * np.einsum("ai,ai->a", end, points) >= 0
    top = top[within]
    for begin in range(0, len(top), SLAB):
        values = np.maximum(rows @ top[begin : begin + SLAB].T, 0.0).T @ weights
        height = max(height, float(np.linalg.norm(values, axis=1).max()))
    return height


def _by_cones(X: np.ndarray, N: np.ndarray, budget: int) -> float:
    """Largest correlation by a projection on each cell's cone, for one output."""
    from relu_optima.convex.arrangement import enumerate_patterns

    if N.shape[1] > 1:
        raise SolveInputError(
            f"N has {N.shape[1]} columns and the rows of X span more than three dimensions",
            allowed="one output, or rank at most three",
            where="certificate",
        )
    lengths = np.linalg.norm(X, axis=1)
    unit = X / np.where(lengths > 0, lengths, 1.0)[:, None]
    height = 0.0
    for gate in enumerate_patterns(X, budget=budget).T:
        pattern = X @ gate > 0
        for sign in (1.0, -1.0):
            vector = sign * (X.T @ np.where(pattern, N[:, 0], 0.0))
            if np.linalg.norm(vector) > height:
                cone = np.where(pattern, 1.0, -1.0)[:, None] * unit
                point, _ = project_on_cone(cone, vector, height)
                height = max(height, float(np.linalg.norm(point)))
    return height
