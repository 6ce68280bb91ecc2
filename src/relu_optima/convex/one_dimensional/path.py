r"""The regularisation path of spline regression: piecewise linear in beta.

For fixed signed knots and a fixed regime the multiplier at the nodes is affine in beta, so the
values are too (`relu_optima.convex.one_dimensional.active_set`); on the border |e| = TV the tilt M
is one more unknown, and stays affine. A piece ends where a slope change vanishes, where the
multiplier reaches its tube between the nodes, or where the regime changes. All three are found on
the piece; which knots lie beyond is left to the solver, started from the present ones a relative
`SKIP` further down. Pieces shorter than that are skipped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.convex.one_dimensional.kernels import solve_nodes
from relu_optima.convex.one_dimensional.points import Points, as_vector, as_weights, merge_points
from relu_optima.convex.one_dimensional.solution import SplineSolution
from relu_optima.convex.one_dimensional.solver import certified, spline_beta_max
from relu_optima.convex.one_dimensional.tilt import Work, regress
from relu_optima.errors import SolveInputError

SKIP = 1e-9  # relative step across a breakpoint: well above the rounding of its place, 1e-12
TOL = 1e-12  # of the solves that find the pieces


@dataclass(frozen=True)
class Piece:
    """A part of the path on which nothing but the values changes."""

    high: float
    low: float
    beta: float
    nodes: np.ndarray
    values: np.ndarray
    change: np.ndarray
    tilt: float
    tilt_change: float


@dataclass(frozen=True)
class SplinePath:
    """All optimal splines from the least constant one down to a strength.

    Attributes
    ----------
    x, y, weights : array, shape (n,)
        The data.
    pieces : tuple of Piece
        From large to small beta; `high` of the first is `spline_beta_max`.
    complete : bool
        Whether the path reaches the strength that was asked for.
    """

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    pieces: tuple[Piece, ...]
    complete: bool

    @property
    def breakpoints(self) -> np.ndarray:
        """Strengths at which the pieces meet.

        Returns
        -------
        array, shape (pieces + 1,)
            Decreasing.
        """
        return np.array([self.pieces[0].high, *(p.low for p in self.pieces)])

    def at(self, beta: float) -> SplineSolution:
        """Return the optimum at a strength, with its certificate.

        Parameters
        ----------
        beta : float
            Strength; above the path the constant is optimal.

        Returns
        -------
        SplineSolution
            Interpolated on its piece.

        Raises
        ------
        SolveInputError
            If the path does not reach down to beta.
        """
        low = self.pieces[-1].low
        if not low <= beta < np.inf:
            raise SolveInputError(
                f"it is {beta!r}", allowed=f"at least {low:.6g}, where the path ends", where="beta"
            )
        piece = next((p for p in self.pieces if beta >= p.low), self.pieces[-1])
        move = min(beta, piece.high) - piece.beta
        tau = float(np.clip((piece.tilt + move * piece.tilt_change) / beta, -1.0, 1.0))
        return certified(
            self.x, self.y, self.weights, beta, piece.nodes, piece.values + move * piece.change, tau
        )


def spline_path(
    x: np.ndarray,
    y: np.ndarray,
    beta_min: float,
    *,
    weights: np.ndarray | None = None,
    max_pieces: int = 10_000,
) -> SplinePath:
    """Follow the optimal splines of the squared loss from a constant down to a strength.

    Parameters
    ----------
    x, y : array, shape (n,) or (n, 1)
        Data, with at least two distinct inputs.
    beta_min : float
        Strength at which to stop, positive.
    weights : array, shape (n,), optional
        Weights of the losses.
    max_pieces : int, default 10_000
        Pieces after which to stop early; each costs O(n).

    Returns
    -------
    SplinePath
        The pieces, on each of which values at the nodes are affine in beta.

    Raises
    ------
    SolveInputError
        If an argument has no meaning, or a constant fits best at any strength.

    Notes
    -----
    Breakpoints are accurate to about 1e-9 relative.
    """
    x = as_vector(x, "x")
    y = as_vector(y, "y", x.size)
    omega = as_weights(weights, x.size)
    top = spline_beta_max(x, y, weights=omega)
    if not 0 < beta_min < np.inf:
        raise SolveInputError(f"it is {beta_min!r}", allowed="beta_min > 0", where="beta_min")
    if max_pieces < 1:
        raise SolveInputError(f"it is {max_pieces}", allowed="at least 1", where="max_pieces")
    points = merge_points(x, y, omega, np.argsort(x, kind="stable"))
    if points.x.size < 2 or top <= 1e-14 * float(np.sum(omega * np.abs(y)) * np.ptp(x)):
        raise SolveInputError(
            "a constant fits best at any strength, so there is no path",
            where="y",
            fix="give data with a slope",
        )
    mean = float(np.average(points.mean, weights=points.mass))
    ends = points.x[[0, -1]]
    pieces: list[Piece] = []
    high = top
    if beta_min >= top:
        flat = np.full(2, mean)
        constant = Piece(max(top, beta_min), beta_min, beta_min, ends, flat, 0 * flat, 0.0, 0.0)
        return SplinePath(x, y, omega, (constant,), True)
    work = Work(points, mean)
    skip = SKIP
    while high > beta_min and len(pieces) < max_pieces:
        beta = max(high * (1 - skip), beta_min)
        piece = _piece(points, work, beta, high, beta_min, mean)
        pieces.append(piece)
        # a curve that leaves its tube too slowly to be seen is waited for in growing steps
        skip = 4 * skip if piece.low == beta else SKIP
        high = piece.low
    return SplinePath(x, y, omega, tuple(pieces), high <= beta_min)


def _piece(
    points: Points, work: Work, beta: float, high: float, beta_min: float, mean: float
) -> Piece:
    """Solve at a strength and see how far down its knots reach."""
    found = regress(points, beta, TOL, work=work)
    count, tau = found.node.size, found.tau
    sign = work.sign[1 : count - 1].astype(float)
    side = float(np.sign(tau))
    # the multiplier at the nodes is affine in beta and, on the border, in the tilt M
    by_beta, by_tilt = np.zeros(count), np.zeros(count)
    by_beta[1:-1] = sign
    border = 0.0 < abs(tau) < 1.0
    if abs(tau) == 1.0:
        by_beta[0] = side
        by_beta[1:-1] = np.where(sign == side, side, 0.0)
    elif border:
        by_tilt[0] = 1.0
        by_tilt[1:-1] = np.where(sign == -side, 1.0, 0.0)
    change = _response(work, count, by_beta)
    tilt_change = float(by_beta[0])
    if border:
        moved = _response(work, count, by_tilt)
        bent, sloped = work.functionals(change)
        bent_tilt, sloped_tilt = work.functionals(moved)
        growth = side * sloped_tilt - bent_tilt
        tilt_change = -(side * sloped - bent) / growth if growth else 0.0
        change = change + tilt_change * moved
    low = max(beta_min, beta + _reach(points, work, found.node, beta, tau, tilt_change, change))
    return Piece(
        high=high, low=min(low, beta), beta=beta, nodes=points.x[found.node],
        values=work.v[:count] + mean, change=change, tilt=beta * tau,
        tilt_change=tilt_change,
    )  # fmt: skip


def _response(work: Work, count: int, multiplier: np.ndarray) -> np.ndarray:
    """Return how the values at the nodes answer to a change of the multiplier there."""
    sums = work.sums[: count - 1].copy()
    sums[:, 3:] = 0.0
    v, diagonal, beside = np.empty(count), np.empty(count), np.empty(count)
    last = np.array([work.last[0], 0.0])
    solve_nodes(work.x, work.node, count, sums, last, multiplier, diagonal, beside, v)
    return v


def _reach(
    points: Points, work: Work, node: np.ndarray, beta: float, tau: float, tilt_change: float,
    change: np.ndarray,
) -> float:  # fmt: skip
    """Return the least step down at which something changes, as a number <= 0, or -beta."""
    count = node.size
    side, tilt = float(np.sign(tau)), beta * tau
    steps = []

    def until(gap: np.ndarray, rate: np.ndarray) -> None:
        """Note where a gap >= 0 that changes at a rate vanishes on the way down."""
        shrinks = rate > 0
        hits = -np.maximum(gap[shrinks], 0.0) / rate[shrinks]
        steps.extend([float(hits.max())] if hits.size else [])

    x, v = points.x[node], work.v[:count]
    slopes, slopes_change = np.diff(v) / np.diff(x), np.diff(change) / np.diff(x)
    bends = np.diff(slopes) * work.sign[1 : count - 1]
    bends_change = np.diff(slopes_change) * work.sign[1 : count - 1]
    until(bends, bends_change)
    ends, ends_change = slopes[0] + slopes[-1], slopes_change[0] + slopes_change[-1]
    total, total_change = bends.sum(), bends_change.sum()
    if tau == 0.0:
        for s in (1.0, -1.0):
            until(np.array([total - s * ends]), np.array([total_change - s * ends_change]))
    elif abs(tau) == 1.0:
        until(np.array([side * ends - total]), np.array([side * ends_change - total_change]))
    else:
        until(np.array([side * tilt]), np.array([side * tilt_change]))
        until(np.array([beta - side * tilt]), np.array([1 - side * tilt_change]))
    residual = points.mass * (work.y - np.interp(points.x, x, v))
    answer = -points.mass * np.interp(points.x, x, change)
    g, g_change = _curve(points.x, residual), _curve(points.x, answer)
    between = np.ones(points.x.size, dtype=bool)
    between[node] = False
    for s in (1.0, -1.0):  # the tube: s G <= beta, and s (G - M) <= beta
        until((beta - s * g)[between], (1 - s * g_change)[between])
        until((beta - s * (g - tilt))[between], (1 - s * (g_change - tilt_change))[between])
    return max(steps, default=-beta)


def _curve(x: np.ndarray, nu: np.ndarray) -> np.ndarray:
    """Return the multiplier G of a vector of sum 0."""
    left = np.concatenate([[0.0], np.cumsum(np.cumsum(nu)[:-1] * np.diff(x))])
    return np.asarray(left - left[-1])
