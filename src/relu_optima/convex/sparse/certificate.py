r"""Independent certificates of sparse programs.

Nothing is shared with the solver but the data: the network is valued with real ReLUs over all
inputs, every neuron must read within one of the supports, and the dual constraint is summed anew,
support by support, without the compiled sweeps. In the plane a support's rows are sorted by angle
and sums run over arcs of one half turn; in three dimensions every edge of the arrangement is
visited on the plane of its row, and what lies inside a cell is found by evaluating the correlation
itself at the direction of the cell's sum, which never exceeds the maximum. Listed patterns are
projected by the active-set method of `relu_optima.convex.certificate`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from relu_optima.convex.certificate import Certificate, dual_norm, relative_gap
from relu_optima.convex.sparse.supports import Supports
from relu_optima.errors import SolveInputError

EPS = float(np.finfo(float).eps)
RANK_TOL = 1e-10  # singular value, relative to the largest, below which a direction is no data
ON_PLANE = 1e-9  # height over a plane, in lengths, below which a vector may be on either side
SLAB = 2_000_000  # numbers that are held at a time


def certify_sparse(
    X: np.ndarray,
    y: np.ndarray,
    supports: Supports,
    lam: float,
    U: np.ndarray,
    v: np.ndarray,
    *,
    dual: np.ndarray | None = None,
    gates: Mapping[int, np.ndarray] | None = None,
) -> Certificate:
    r"""Bound how far a sparse network is from the best of its supports.

    .. math:: \max_\nu \; y^\top \nu - \tfrac12 \lVert \nu \rVert^2 \quad\text{s.t.}\quad
              |\nu^\top (X_S u)_+| \le \lambda \quad (S \in \mathcal S, \; \lVert u \rVert \le 1)

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    y : array, shape (n,)
        Targets.
    supports : tuple of tuples of int
        Inputs that a neuron may read: one of these sets.
    lam : float
        Canonical regularisation strength, positive.
    U : array, shape (m, d)
        First layer.
    v : array, shape (m,)
        Second layer.
    dual : array, shape (n,), optional
        A dual candidate beside the residual; the better bound counts.
    gates : mapping of int to array, shape (k, g), optional
        For supports, by index, whose listed patterns are all that the bound is to cover: gates
        over their inputs. Needed where the data of a support have a rank above three.

    Returns
    -------
    Certificate
        Bounds and gap; ``violation`` is the largest weight outside of every support, relative to
        its neuron, and ``kkt_residual`` the relative violation of the dual constraint at the
        residual.

    Raises
    ------
    SolveInputError
        If shapes disagree or a support of rank above three has no gates.
    """
    X, y, U, v = (np.asarray(a, dtype=np.float64) for a in (X, y, U, v))
    if y.shape != X.shape[:1] or U.shape != (len(v), X.shape[1]):
        raise SolveInputError(
            f"X, y, U, v have shapes {X.shape}, {y.shape}, {U.shape}, {v.shape}",
            allowed="(n, d), (n,), (m, d), (m,)",
        )
    residual = y - np.maximum(X @ U.T, 0.0) @ v
    sizes = np.linalg.norm(U, axis=1) * np.abs(v)
    objective = 0.5 * float(residual @ residual) + lam * float(sizes.sum())
    best, vector, excess = 0.0, np.zeros_like(y), 0.0
    for candidate in (residual,) if dual is None else (residual, np.asarray(dual, dtype=float)):
        height = support_height(X, candidate, supports, gates or {})
        if candidate is residual:
            excess = max(0.0, height / lam - 1.0)
        square = float(candidate @ candidate)
        share = max(0.0, float(candidate @ y) / square) if square else 0.0
        share = min(share, lam / height) if height > 0 else share
        value = share * float(candidate @ y) - 0.5 * share**2 * square
        if value > best:
            best, vector = value, share * candidate
    return Certificate(
        objective=objective,
        dual_objective=best,
        gap=relative_gap(objective, best, y),
        kkt_residual=excess,
        violation=outside_of(U, supports),
        dual=vector,
    )


def support_height(
    X: np.ndarray, nu: np.ndarray, supports: Supports, gates: Mapping[int, np.ndarray]
) -> float:
    """Upper bound on the largest correlation of a unit neuron with nu, over all supports."""
    height = 0.0
    for s, inputs in enumerate(supports):
        columns = X[:, list(inputs)]
        if s in gates:
            top = dual_norm(columns, nu, gates[s], "relu")
            top *= 1 + 4 * len(X) * EPS
        else:
            top = _exact_height(columns, nu)
        height = max(height, top)
    return height


def outside_of(U: np.ndarray, supports: Supports) -> float:
    """Largest share of a neuron's weight that no support covers."""
    if not U.size:
        return 0.0
    outside = np.ones((len(supports), U.shape[1]))
    for s, inputs in enumerate(supports):
        outside[s, list(inputs)] = 0.0
    total = (U**2).sum(axis=1)
    rest = ((U**2) @ outside.T).min(axis=1) / np.where(total > 0, total, 1.0)
    return float(np.sqrt(rest.max()))


def _exact_height(columns: np.ndarray, nu: np.ndarray) -> float:
    """Maximum over all unit vectors, rounding added, for data of rank at most three."""
    used = columns.any(axis=1)
    rows, nu = columns[used], nu[used]
    if not len(rows):
        return 0.0
    _, values, Vt = np.linalg.svd(rows, full_matrices=False)
    rank = int(np.sum(values > RANK_TOL * values[0]))
    if rank > 3:
        raise SolveInputError(
            f"a support of rank {rank}", allowed="rank at most 3, or gates", where="gates"
        )
    total = float(np.abs(nu) @ np.linalg.norm(rows, axis=1))
    # sums of at most 2 n terms (Higham 2002, section 3.1), and the directions left out
    slack = EPS * (4 * len(rows) + 64) * total
    slack += float(np.linalg.norm(nu)) * float(np.linalg.norm(values[rank:]))
    # equal rows, of which data with few values have many, are one row to every neuron
    rows, which = np.unique(rows, axis=0, return_inverse=True)
    nu = np.bincount(which.ravel(), weights=nu)
    flat = rows @ Vt[:rank].T
    if rank == 1:
        line = flat[:, 0]
        up, down = nu @ np.maximum(line, 0.0), nu @ np.maximum(-line, 0.0)
        return max(abs(float(up)), abs(float(down))) + slack
    return (_plane(flat, nu) if rank == 2 else _space(flat, nu)) + slack


def _plane(rows: np.ndarray, nu: np.ndarray) -> float:
    """Maximum over the circle: at the sum of an arc if it points there, else at an end."""
    sums, ends, _, _ = _arcs(rows, nu[:, None] * rows)
    following = np.roll(ends, -1, axis=0)
    top = np.maximum(np.abs(_dot(sums, ends)), np.abs(_dot(sums, following))).max()
    for sign in (1.0, -1.0):
        inside = _turns_left(ends, sign * sums) & _turns_left(sign * sums, following)
        top = max(top, float(np.linalg.norm(sums[inside], axis=1).max(initial=0.0)))
    return float(top)


def _arcs(
    rows: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sums of the weights of the active rows on each arc, and the arc's first end.

    Also the row whose plane goes through that end, and on which side of it the arc is.
    """
    normal = np.arctan2(rows[:, 1], rows[:, 0])
    turns = np.mod(np.concatenate([normal - 0.5 * np.pi, normal + 0.5 * np.pi]), 2 * np.pi)
    order = np.argsort(turns, kind="stable")
    rises = np.concatenate([weights, -weights])[order]
    index = order % len(rows)
    out = order >= len(rows)
    sign = np.where(out, 1.0, -1.0)
    ends = sign[:, None] * np.column_stack([-rows[index, 1], rows[index, 0]])
    ends /= np.linalg.norm(ends, axis=1)[:, None]
    # before the first event, in the arc that wraps around, rows are active that leave first
    first = np.zeros(len(rows), dtype=bool)
    place = np.empty(len(turns), dtype=np.int64)
    place[order] = np.arange(len(turns))
    first = place[len(rows) :] < place[: len(rows)]
    sums = weights[first].sum(axis=0) + np.cumsum(rises, axis=0)
    return sums, ends, index, -sign


def _space(rows: np.ndarray, nu: np.ndarray) -> float:
    """Maximum over the sphere: on the plane of some row, or at the sum of a cell.

    A sum, or its opposite, counts only if it lies in its own cell. It is looked at if it is on the
    right side of three planes that bound the cell: those of the arc and of the arc's two ends.
    """
    lengths = np.linalg.norm(rows, axis=1)
    units, weights = rows / lengths[:, None], nu[:, None] * rows
    top, sums = 0.0, []
    for unit in units:
        axis = np.eye(3)[np.argmin(np.abs(unit))]
        one = np.cross(unit, axis)
        one /= np.linalg.norm(one)
        frame = np.array([one, np.cross(unit, one)])
        along = units @ unit
        on = 1.0 - np.abs(along) < 1e-14
        flat = rows[~on] @ frame.T
        if not len(flat):
            continue
        arcs, ends, index, sides = _arcs(flat, weights[~on])
        planar = arcs @ frame.T
        following = np.roll(ends, -1, axis=0)
        top = max(top, float(np.abs(_dot(planar, ends)).max()))
        top = max(top, float(np.abs(_dot(planar, following)).max()))
        for sign in (1.0, -1.0):
            inside = _turns_left(ends, sign * planar) & _turns_left(sign * planar, following)
            top = max(top, float(np.linalg.norm(planar[inside], axis=1).max(initial=0.0)))
        borders = units[~on][index] * sides[:, None]
        for side in (1.0, -1.0):
            cells = arcs + weights[on & (side * along > 0)].sum(axis=0)
            length = np.linalg.norm(cells, axis=1)
            heights = np.array([side * (cells @ unit), _dot(cells, borders),
                                -_dot(cells, np.roll(borders, -1, axis=0))])  # fmt: skip
            low, high = heights.min(axis=0), heights.max(axis=0)
            possible = (low >= -ON_PLANE * length) | (high <= ON_PLANE * length)
            sums.append(cells[possible & (length > top)])
    points = np.vstack(sums)
    size = np.linalg.norm(points, axis=1)
    points = points[np.argsort(-size)] / np.sort(size)[::-1][:, None]
    size = np.sort(size)[::-1]
    slab = max(1, SLAB // len(rows))
    for begin in range(0, len(points), slab):
        if size[begin] <= top:
            break
        part = points[begin : begin + slab]
        for sign in (1.0, -1.0):
            value = np.maximum(sign * part @ rows.T, 0.0) @ nu
            top = max(top, float(np.abs(value).max()))
    return top


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("ij,ij->i", a, b))


def _turns_left(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether b lies within the half turn to the left of a."""
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] >= 0)
