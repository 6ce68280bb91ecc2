r"""Frank-Wolfe over the hull of all neurons, the method of the paper, with an honest gap.

.. math:: \min_F \tfrac12 \lVert F - Y \rVert_F^2 \quad\text{over}\quad
          F \in t \, \mathrm{conv} \{ (X u)_+ g^\top : \lVert u \rVert, \lVert g \rVert \le 1 \}

Step k moves F by 2 / (k + 2) towards t (X u)_+ g', where u maximises |N'(X u)_+| at the residual N
and g is that vector over its length. The linear minorant at F gives the gap
<N, t (X u)_+ g' - F> = t h(N) - <N, F>. A radius t and a strength beta describe the same optimum
where t is the optimal sum of weights; reported is the network that the atoms make, at
1/2 |N|^2 + beta sum |u_j| |v_j|, and the bound of its residual. (The code that was re-released with
the paper's experiments values its end point by nuclear norms of blocks, which is less than the
network costs: the blocks' vectors need not lie in their cones.)
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from relu_optima.convex.certificate import relative_gap
from relu_optima.convex.low_rank.column_generation import feasible_multiple
from relu_optima.convex.low_rank.pricing import Pricer
from relu_optima.convex.problem import check_lambda
from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution
from relu_optima.convex.vector.exact import solve_vector
from relu_optima.convex.vector.problem import as_targets
from relu_optima.errors import SolveInputError

SAME = 1e-12  # distance of unit directions that are one atom


@dataclass(frozen=True)
class FrankWolfe:
    """A Frank-Wolfe answer and its course.

    Attributes
    ----------
    solution : ShallowSolution
        The last point with its bound.
    radius : float
        t, the largest sum of weights allowed.
    step : array of int, shape (c,)
        Steps after which the course was noted.
    objective : array, shape (c,)
        Penalised objective of the network there.
    frank_wolfe_gap : array, shape (c,)
        t h(N) - <N, F>: how far 1/2 |F - Y|^2 can be above its least value within the radius.
    optimum : float or None
        Certified lower bound on the optimum, where it was computed for the radius.
    """

    solution: ShallowSolution
    radius: float
    step: np.ndarray = field(repr=False)
    objective: np.ndarray = field(repr=False)
    frank_wolfe_gap: np.ndarray = field(repr=False)
    optimum: float | None = None


def frank_wolfe(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    *,
    radius: float | None = None,
    steps: int = 1000,
    tol: float = 1e-6,
) -> FrankWolfe:
    r"""Run Frank-Wolfe over all activation patterns.

    .. math:: F_{k+1} = F_k + \tfrac{2}{k + 2} \bigl( t (X u_k)_+ g_k^\top - F_k \bigr)

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs of rank at most three.
    Y : array, shape (n, K) or (n,)
        Targets.
    lam : float
        Canonical strength at which the network is valued and bounded, positive.
    radius : float, optional
        t; the sum of weights of the certified optimum at `lam` if left out, which is the best
        radius there is for that strength.
    steps : int, default 1000
        Steps, at least 1.
    tol : float, default 1e-6
        Relative duality gap that counts as optimal; no step is saved by reaching it.

    Returns
    -------
    FrankWolfe
        Last point, its bound, and the course.

    Raises
    ------
    SolveInputError
        If an argument has no meaning, or the rank of X is above three.

    References
    ----------
    Sahiner, Ergen, Pauly, Pilanci 2021, section 4.2. Jaggi 2013, "Revisiting Frank-Wolfe".
    """
    started = time.process_time()
    X, Y = as_targets(X, Y)
    lam = check_lambda(lam)
    if steps < 1:
        raise SolveInputError(f"it is {steps}", allowed="steps >= 1", where="steps")
    optimum = None
    if radius is None:
        certified = solve_vector(X, Y, lam, tol=1e-8)
        radius, optimum = float(certified.network.weights().sum()), certified.dual_objective
        started = time.process_time()
    if not (np.isfinite(radius) and radius >= 0):
        raise SolveInputError(f"it is {radius}", allowed="a finite number >= 0", where="radius")
    U, G, bound, dual, height, course = _walk(X, Y, lam, radius, steps)
    used = np.linalg.norm(G, axis=1) > 0
    network = ShallowNetwork(U[used], G[used]).balanced()
    objective = network.objective(X, Y, lam)
    relative = relative_gap(objective, bound, Y.ravel())
    solution = ShallowSolution(
        X=X,
        Y=Y,
        lam=lam,
        network=network,
        objective=objective,
        dual_objective=bound,
        gap=relative,
        kkt_residual=max(0.0, height / lam - 1.0),
        violation=0.0,
        dual=dual,
        status="optimal" if relative <= tol else "inaccurate",
        exact=True,
        method="frank_wolfe",
        counts={"steps": steps},
        seconds=time.process_time() - started,
    )
    step, value_at, gap_at = (np.array(c) for c in zip(*course, strict=True))
    return FrankWolfe(solution, radius, step, value_at, gap_at, optimum)


def _walk(
    X: np.ndarray, Y: np.ndarray, lam: float, radius: float, steps: int
) -> tuple[np.ndarray, np.ndarray, float, np.ndarray, float, list[tuple[int, float, float]]]:
    """Take the steps: directions, output weights, best bound and its dual point, last height."""
    pricer = Pricer(X)
    F = np.zeros_like(Y)
    course: list[tuple[int, float, float]] = []
    U, G = np.zeros((0, X.shape[1])), np.zeros((0, Y.shape[1]))
    bound, dual, height = 0.0, np.zeros_like(Y), 0.0
    for k in range(steps + 1):
        N = Y - F
        offer = pricer.price(N, most=1)
        u, height = offer.directions[0], offer.bound
        value, candidate = feasible_multiple(N, Y, lam, height)
        if value > bound:
            bound, dual = value, candidate
        if k == steps or k & (k - 1) == 0 or k % max(1, steps // 200) == 0:
            objective = 0.5 * float(np.sum(N * N)) + lam * float(np.linalg.norm(G, axis=1).sum())
            gap = radius * height - float(np.sum(N * F))
            course.append((k, objective, gap))
        if k == steps:
            break
        feature = np.maximum(X @ u, 0.0)
        g = N.T @ feature
        g *= radius / max(float(np.linalg.norm(g)), 1e-300)
        share = 2.0 / (k + 2)
        F = F + share * (np.outer(feature, g) - F)
        G *= 1.0 - share
        near = np.flatnonzero(np.abs(U - u).max(axis=1) <= SAME)
        if near.size:
            G[near[0]] += share * g
        else:
            U, G = np.vstack([U, u]), np.vstack([G, share * g])
    return U, G, bound, dual, height, course
