"""How few neurons an optimal network can have, and the optimal set of the non-convex problem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import LinearConstraint, milp, nnls

from relu_optima.errors import SolveInputError
from relu_optima.optimal_set.polytope import Polytope

EQUALITY_TOL = 1e-7  # allowed error of Z beta = fit inside the integer program, relative to fit


@dataclass(frozen=True)
class SmallestSupport:
    """Fewest neurons that an optimal network can have.

    Attributes
    ----------
    beta : array, shape (k,)
        An optimal model with ``size`` neurons, re-solved exactly on its support.
    size : int
        Its number of neurons.
    lower_bound : int
        Proven lower bound; equal to ``size`` where ``status`` is ``optimal``.
    error : float
        Relative error of Z beta = fit after the re-solve.
    status : str
        ``optimal``, ``node_limit`` or ``time_limit``.
    """

    beta: np.ndarray
    size: int
    lower_bound: int
    error: float
    status: str


@dataclass(frozen=True)
class NonConvexSet:
    """Optimal set of the two-layer network of a given width, up to permuting neurons.

    The coefficient of direction b is split over the neurons that share it; the neurons are
    (sqrt(beta_j) u_b, +-sqrt(beta_j)). Every global optimum has this form.

    Attributes
    ----------
    width : int
        Number m of hidden neurons.
    min_width : int
        Fewest neurons that reach the optimal value of the convex program.
    reached : bool
        Whether width m reaches it; below ``min_width`` the non-convex optimum is larger.
    dimension : int or None
        Largest local dimension, m - min_T rank Z_T = m - ``min_width``; None if not reached.
    """

    width: int
    min_width: int
    reached: bool
    dimension: int | None


def smallest_support(
    body: Polytope, *, node_limit: int = 100_000, time_limit: float | None = None
) -> SmallestSupport:
    """Find an optimal model with the fewest neurons by mixed-integer programming.

    Minimises sum q_b subject to Z beta = fit, 0 <= beta_b <= M_b q_b, q binary, where M_b is the
    largest value of beta_b over the optimal set. Only vertices matter, so the answer is re-solved
    on its support by non-negative least squares.
    """
    k = body.start.size
    support = body.support
    if body.dimension == 0:
        size = int(support.size)
        return SmallestSupport(body.centre.copy(), size, size, 0.0, "optimal")
    # In coordinates of the affine hull: beta = centre + basis t, so the equality is exact.
    size_scale = body.scale
    upper = body.upper[support] / size_scale
    count, q = support.size, body.dimension
    rows, base = body.basis[support], body.centre[support] / size_scale
    cost = np.concatenate([np.zeros(q), np.ones(count)])
    constraints = [
        LinearConstraint(np.hstack([rows, np.zeros((count, count))]), -base, np.inf),
        LinearConstraint(np.hstack([rows, -np.diag(upper)]), -np.inf, -base),
    ]
    reach = float(np.linalg.norm(upper) + np.linalg.norm(base))
    lower = np.concatenate([np.full(q, -reach), np.zeros(count)])
    higher = np.concatenate([np.full(q, reach), np.ones(count)])
    options: dict[str, float | int] = {"mip_rel_gap": 0.0, "node_limit": node_limit}
    if time_limit is not None:
        options["time_limit"] = time_limit
    answer = milp(
        cost,
        constraints=constraints,
        integrality=np.concatenate([np.zeros(q), np.ones(count)]),
        bounds=(lower, higher),
        options=options,
    )
    found = body.centre.copy()
    if answer.x is not None:
        found = np.zeros(k)
        found[support] = (base + rows @ answer.x[:q]) * size_scale
    chosen = np.flatnonzero(found > EQUALITY_TOL * size_scale)
    beta = np.zeros(k)
    columns = body.columns[:, chosen]
    norms = np.linalg.norm(columns, axis=0)
    beta[chosen] = nnls(columns / norms, body.fit, maxiter=30 * chosen.size + 100)[0] / norms
    beta = body.snap(beta)
    error = float(np.linalg.norm(body.columns @ beta - body.fit) / np.linalg.norm(body.fit))
    size = int(np.count_nonzero(beta))
    bound = 1 if answer.mip_dual_bound is None else int(np.ceil(answer.mip_dual_bound - 1e-6))
    status = "optimal"
    if answer.status != 0:
        nodes = answer.mip_node_count or 0
        status = "node_limit" if time_limit is None or nodes >= node_limit else "time_limit"
    return SmallestSupport(beta, size, max(bound, 1), error, status)


def nonconvex_set(body: Polytope, width: int, min_width: int) -> NonConvexSet:
    """Describe the optimal set of the network of a given width."""
    if width < 1:
        raise SolveInputError(f"width is {width}", allowed="an integer >= 1")
    reached = width >= min_width
    # A support of independent columns has rank |T|, so the smallest one gives the largest set.
    dimension = width - min_width if reached and body.start.size else None
    return NonConvexSet(width, min_width, reached, dimension)
