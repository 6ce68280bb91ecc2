"""The polytope {beta >= 0 : Z beta = fit} in coordinates of its affine hull.

All questions about the optimal set end here. Writing beta = point + N t with an orthonormal null
basis N keeps Z beta = fit exact in every answer, and makes the linear programs as small as the
freedom that is really there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import comb

import numpy as np
from scipy.optimize import nnls

from relu_optima.errors import BudgetError, DegenerateError, SolveInputError
from relu_optima.optimal_set.criteria import lowest_vertex, nearest_point
from relu_optima.optimal_set.rank import RANK_TOL, null_basis, rank

ZERO_TOL = 1e-9  # coefficients below this share of their sum are zero


@dataclass(frozen=True)
class Polytope:
    """Bounded polytope {beta in R^k : beta >= 0, Z beta = fit}.

    Attributes
    ----------
    columns : array, shape (n, k)
        Z, the contribution of each unit direction to the fit.
    fit : array, shape (n,)
        Right-hand side.
    start : array, shape (k,)
        A point of the polytope.
    rank_tol : float
        Relative singular value of unit columns below which they are dependent.
    """

    columns: np.ndarray
    fit: np.ndarray
    start: np.ndarray
    rank_tol: float = RANK_TOL

    @cached_property
    def scale(self) -> float:
        """Sum of the coefficients of the starting point, the size of the polytope."""
        return float(self.start.sum())

    @cached_property
    def upper(self) -> np.ndarray:
        """Largest value of every coefficient over the polytope, shape (k,)."""
        return self.extremes.max(axis=0) if self.extremes.size else self.start.copy()

    @cached_property
    def support(self) -> np.ndarray:
        """Indices of the coefficients that are positive somewhere in the polytope."""
        return np.flatnonzero(self.upper > ZERO_TOL * max(self.scale, 1e-300))

    @cached_property
    def dimension(self) -> int:
        """Dimension |S| - rank Z_S, S the support."""
        return self.support.size - rank(self.columns[:, self.support], self.rank_tol)

    @cached_property
    def centre(self) -> np.ndarray:
        """A relative interior point: the mean of the points that maximise each coefficient."""
        return self.extremes.mean(axis=0) if self.extremes.size else self.start.copy()

    @cached_property
    def basis(self) -> np.ndarray:
        """Orthonormal basis of the directions in the polytope, shape (k, dimension)."""
        full = np.zeros((self.start.size, self.dimension))
        full[self.support] = null_basis(self.columns[:, self.support], self.rank_tol)
        return full

    @cached_property
    def extremes(self) -> np.ndarray:
        """Vertices that maximise each free coefficient; one row each (empty: a single point)."""
        k = self.start.size
        free = null_basis(self.columns, self.rank_tol)
        if free.shape[1] == 0:
            return np.zeros((0, k))
        moving = np.flatnonzero(np.any(free != 0, axis=1))
        return np.array([lowest_vertex(self, self.start, free, -np.eye(k)[b]) for b in moving])

    def snap(self, beta: np.ndarray) -> np.ndarray:
        """Move a point that a solver returned on its support exactly.

        Parameters
        ----------
        beta : array, shape (k,)
            Nearly feasible point.

        Returns
        -------
        array, shape (k,)
            Coefficients below the zero tolerance are 0; where the remaining columns are
            independent the others solve Z beta = fit to rounding.
        """
        beta = np.where(beta > ZERO_TOL * self.scale, beta, 0.0)
        used = np.flatnonzero(beta)
        if used.size and rank(self.columns[:, used], self.rank_tol) == used.size:
            beta[used] = np.linalg.lstsq(self.columns[:, used], self.fit, rcond=None)[0]
            beta = np.maximum(beta, 0.0)
        return beta

    def contains(self, beta: np.ndarray, tolerance: float = 1e-9) -> bool:
        """Test membership.

        Parameters
        ----------
        beta : array, shape (k,)
            Coefficients.
        tolerance : float, > 0
            Allowed violation relative to the sum of the coefficients and to the fit.

        Returns
        -------
        bool
            Whether beta >= 0 and Z beta = fit hold within the tolerance.
        """
        error = np.linalg.norm(self.columns @ beta - self.fit)
        limit = tolerance * max(float(np.linalg.norm(self.fit)), 1e-300)
        return bool(beta.min(initial=0.0) >= -tolerance * self.scale and error <= limit)

    def minimize_linear(self, cost: np.ndarray) -> np.ndarray:
        """Minimise cost'beta; the answer is a vertex.

        Parameters
        ----------
        cost : array, shape (k,)
            Cost of each coefficient.

        Returns
        -------
        array, shape (k,)
            An optimal vertex.

        Raises
        ------
        SolveInputError
            If the cost has another length or is not finite.
        """
        cost = np.asarray(cost, dtype=float)
        if cost.shape != self.start.shape or not np.isfinite(cost).all():
            raise SolveInputError(
                f"the cost has shape {cost.shape} or is not finite",
                allowed=f"({self.start.size},): one finite number for each direction",
            )
        if self.dimension == 0:
            return self.centre.copy()
        size = float(np.abs(cost).max())
        return lowest_vertex(self, self.centre, self.basis, cost / size if size > 0 else cost)

    def minimize_quadratic(self, factor: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Minimise |factor beta - target|^2, exactly up to rounding.

        In coordinates of the affine hull this is a least-distance problem, solved as one
        non-negative least-squares problem (Lawson and Hanson 1974, chapter 23).

        Parameters
        ----------
        factor : array, shape (m, k)
            Linear map of the criterion.
        target : array, shape (m,)
            Right-hand side of the criterion.

        Returns
        -------
        array, shape (k,)
            A minimiser; where there are several, one near the centre.

        Raises
        ------
        SolveInputError
            If shapes disagree or values are not finite.
        """
        k = self.start.size
        if factor.shape != (target.size, k) or not (
            np.isfinite(factor).all() and np.isfinite(target).all()
        ):
            raise SolveInputError(
                f"the criterion has shapes {factor.shape} and {target.shape} or is not finite",
                allowed=f"(m, {k}) and (m,), finite",
            )
        if self.dimension == 0:
            return self.centre.copy()
        return nearest_point(self, factor, target)

    def min_norm(self) -> np.ndarray:
        """Return the point of least Euclidean norm.

        Returns
        -------
        array, shape (k,)
            The unique minimiser of |beta|^2.
        """
        k = self.start.size
        return self.minimize_quadratic(np.eye(k), np.zeros(k))

    def vertices(self, budget: int = 1_000_000) -> np.ndarray:
        """Enumerate all vertices, the points whose support has independent columns.

        In coordinates t of the affine hull the set is {t : base + N t >= 0}, an intersection of
        half-spaces with the centre inside, whose corners qhull finds.

        Parameters
        ----------
        budget : int, > 0
            Largest number of vertices that the set may have by its dimension and the number of
            its directions (upper bound theorem: McMullen 1970).

        Returns
        -------
        array, shape (m, k)
            One vertex in each row, fewest neurons first, then in lexicographic order.

        Raises
        ------
        BudgetError
            If there could be more vertices than the budget.
        DegenerateError
            If rounding keeps qhull from telling the corners apart.
        """
        q, size = self.dimension, self.support.size
        if q == 0:
            return self.centre[None, :].copy()
        most = most_vertices(size, q)
        if most > budget:
            raise BudgetError(
                f"the optimal set has up to {most:.3g} vertices ({size} directions, dimension {q})",
                allowed=f"{budget}",
                where="optimal_set.vertex_budget",
                fix="raise the budget, or ask for extremes and samples instead",
            )
        found: dict[tuple[int, ...], np.ndarray] = {}
        rows, base = self.basis[self.support], self.centre[self.support]
        for corner in _corners(rows, base / self.scale):
            point = np.zeros_like(self.start)
            point[self.support] = base + rows @ (self.scale * corner)
            point = self.snap(point)
            found.setdefault(tuple(np.flatnonzero(point)), point)
        ordered = sorted(found, key=lambda used: (len(used), used))
        return np.array([found[used] for used in ordered])

    def nearest(self, beta: np.ndarray) -> np.ndarray:
        """Return the point of the polytope nearest to given coefficients.

        Parameters
        ----------
        beta : array, shape (k,)
            Coefficients.

        Returns
        -------
        array, shape (k,)
            The Euclidean projection on the polytope.
        """
        if self.dimension:
            candidate = self.centre + self.basis @ (self.basis.T @ (beta - self.centre))
            if candidate.min() >= 0:
                return np.asarray(candidate)
        return self.minimize_quadratic(np.eye(self.start.size), beta)


def polytope(
    columns: np.ndarray, fit: np.ndarray, tolerance: float, rank_tol: float = RANK_TOL
) -> Polytope:
    """Build the polytope of a fit that is known only up to the accuracy of a solver."""
    k = columns.shape[1]
    if k == 0:
        return Polytope(columns, np.zeros_like(fit), np.zeros(0), rank_tol)
    norms = np.linalg.norm(columns, axis=0)
    start = nnls(columns / norms, fit, maxiter=30 * k + 100)[0] / norms
    error = float(np.linalg.norm(columns @ start - fit))
    if error > tolerance:
        raise DegenerateError(
            f"the active directions explain the fit only up to {error:.1e}",
            where="optimal_set.slack_tol",
            allowed=f"an error of {tolerance:.1e}",
            fix="solve again with a smaller convex.tol",
        )
    return Polytope(columns, columns @ start, start, rank_tol)


def most_vertices(size: int, dimension: int) -> int:
    """Return the most vertices that a polytope with `size` facets can have (McMullen 1970)."""
    half, other = dimension // 2, (dimension - 1) // 2
    return comb(size - dimension + half, half) + comb(size - dimension + other, other)


def _corners(rows: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Corners of {t : base + rows t >= 0}, a bounded set with 0 in its interior."""
    from scipy.spatial import HalfspaceIntersection, QhullError

    if rows.shape[1] == 1:  # qhull begins at dimension two
        ends = -base / np.where(rows[:, 0] == 0, np.nan, rows[:, 0])
        return np.array([[ends[ends < 0].max()], [ends[ends > 0].min()]])
    moving = np.any(rows != 0, axis=1)
    spaces = np.column_stack([-rows[moving], -base[moving]])
    try:
        return np.asarray(HalfspaceIntersection(spaces, np.zeros(rows.shape[1])).intersections)
    except QhullError as error:
        raise DegenerateError(
            f"the vertices of the optimal set cannot be told apart: {str(error).splitlines()[0]}",
            where="optimal_set.slack_tol",
            fix="solve again with a smaller convex.tol, or ask for extremes and samples instead",
        ) from None
