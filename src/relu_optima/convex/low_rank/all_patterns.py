"""The network's global optimum: the program over all activation patterns of the data."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np

from relu_optima.convex.arrangement import enumerate_patterns
from relu_optima.convex.gates import as_finite, as_inputs
from relu_optima.convex.low_rank.block_master import BlockMaster
from relu_optima.convex.low_rank.column_generation import Generated, Master, generate_columns
from relu_optima.convex.low_rank.hyperplanes import Hyperplanes, hyperplanes
from relu_optima.convex.low_rank.oracle import AscentOracle, ExactOracle
from relu_optima.convex.low_rank.plane_master import PlaneMaster
from relu_optima.convex.low_rank.pricing import Pricer
from relu_optima.convex.problem import check_lambda
from relu_optima.convex.products import row_norms
from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution
from relu_optima.convex.solver import check_options, lambda_max, solve
from relu_optima.errors import SolveInputError

METHODS = ("auto", "price", "enumerate", "ascent")
BUDGET = 200_000  # cells that are enumerated beyond rank three
FEW = 400  # cells up to which one solve over all of them is faster than rounds over some

MakeMaster = Callable[[np.ndarray, np.ndarray, Hyperplanes], Master[Any]]


def solve_all(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    *,
    tol: float = 1e-6,
    time_limit: float | None = None,
    method: str = "auto",
    budget: int = BUDGET,
    seed: int = 0,
    make_master: MakeMaster | None = None,
) -> ShallowSolution:
    r"""Solve the program over all activation patterns: the two-layer network's global optimum.

    .. math:: \min \tfrac12 \Big\lVert \sum_j (X u_j)_+ v_j^\top - Y \Big\rVert_F^2
              + \lambda \sum_j \lVert u_j \rVert_2 \lVert v_j \rVert_2

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    Y : array, shape (n,) or (n, K)
        Targets.
    lam : float
        Canonical regularisation strength, positive.
    tol : float, default 1e-6
        Relative duality gap at which to stop, in (0, 1).
    time_limit : float, optional
        Wall-clock limit in seconds; the best point so far is returned.
    method : {"auto", "price", "enumerate", "ascent"}, default "auto"
        ``price``: column generation with exact pricing, where the rows of X span at most three
        dimensions. ``enumerate``: all patterns are listed, for one output. ``ascent``: patterns
        are looked for by local search, and the answer is a ``sub_program``. ``auto``: the first of
        these that applies, but enumeration where there are at most 400 cells.
    budget : int, default 200000
        Most cells that are enumerated.
    seed : int, default 0
        Seed of the local search; the other methods draw nothing.
    make_master : callable, optional
        Makes the master of column generation from X, Y and the hyperplanes of X; the default is
        over blocks for one output, over atoms whose directions slide for several.

    Returns
    -------
    ShallowSolution
        The network with a lower bound on its objective that holds for all networks of any width.
        Its status is ``sub_program``, and ``exact`` false, where patterns may be missing; the bound
        holds for all networks all the same.

    Raises
    ------
    SolveInputError
        If an argument has no meaning or the method does not apply to the data.
    BudgetError
        If method is ``enumerate`` and there are more cells than the budget.

    Notes
    -----
    The gap is that of float64: where lam is below about 1e-10 of the least strength whose optimum
    is zero, rounding in the residual can leave it above tol, and the status is ``inaccurate``.

    References
    ----------
    Ergen and Pilanci (2021), "Convex geometry and duality of over-parameterized neural networks".
    Sahiner, Ergen, Pauly and Pilanci (2021), "Vector-output ReLU neural network problems are
    copositive programs".
    """
    started = time.process_time()
    X = as_inputs(X)
    allowed = f"({len(X)},) or ({len(X)}, K) finite numbers, one row for each of X"
    Y = as_finite(Y, "Y", np.ndim(Y) if np.ndim(Y) in (1, 2) else 2, allowed)
    if len(Y) != len(X):
        raise SolveInputError(f"it has shape {Y.shape}", allowed=allowed, where="Y")
    Y = Y.reshape(len(X), -1)
    lam = check_lambda(lam)
    check_options(tol, time_limit, "auto")
    if method not in METHODS:
        raise SolveInputError(f"it is {method!r}", allowed=", ".join(METHODS), where="method")
    if not Y.any() or not X.any():
        return _zero(X, Y, lam, time.process_time() - started)
    planes = hyperplanes(X)
    chosen = _choose(planes, Y.shape[1], budget) if method == "auto" else method
    if chosen == "price" and Y.shape[1] > 1 and make_master is None and planes.rank <= 3:
        from relu_optima.convex.vector.exact import AllPatterns

        return AllPatterns(X, Y).solve(lam, tol, time_limit)
    _refuse(chosen, planes, Y, made=make_master is not None)
    if chosen == "enumerate":
        return _enumerated(X, Y, lam, tol, time_limit, budget, started)
    deadline = None if time_limit is None else time.perf_counter() + time_limit
    make: MakeMaster = make_master or (PlaneMaster if planes.rank == 2 else BlockMaster)
    master = make(X, Y, planes)
    oracle = ExactOracle(Pricer(X, planes)) if chosen == "price" else AscentOracle(X, seed)
    found = generate_columns(X, Y, lam, oracle, master, tol=tol, deadline=deadline)
    counts = {"pricings": oracle.pricings, "patterns": found.admitted}
    counts |= getattr(master, "counts", {})
    return _solution(X, Y, lam, found, chosen, counts, time.process_time() - started)


def lambda_max_all(X: np.ndarray, Y: np.ndarray, *, budget: int = BUDGET, seed: int = 0) -> float:
    r"""Return the smallest strength whose optimum over all patterns is the zero network.

    It is :math:`h(Y) = \max_{\lVert u \rVert \le 1} \lVert Y^\top (X u)_+ \rVert`.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    Y : array, shape (n,) or (n, K)
        Targets.
    budget : int, default 200000
        Most cells that are enumerated beyond rank three.
    seed : int, default 0
        Seed of the local search that stands in beyond that.

    Returns
    -------
    float
        Exact for rank at most three, and for one output within the budget; else the largest value
        that the search of `solve_all` finds, a lower bound.

    Raises
    ------
    SolveInputError
        If an argument is not finite or shapes disagree.
    """
    planes = hyperplanes(as_inputs(X))
    if planes.rank <= 3:
        return Pricer(X).price(Y).value
    outputs = 1 if np.ndim(Y) == 1 else np.shape(Y)[1]
    if _choose(planes, outputs, budget) == "enumerate":
        return lambda_max(X, Y, enumerate_patterns(X, budget=budget))
    found = AscentOracle(X, seed).price(np.reshape(Y, (len(X), -1)), 0.0)
    hidden = np.maximum(X @ found.gates, 0.0)
    return float(np.linalg.norm(np.reshape(Y, (len(X), -1)).T @ hidden, axis=0).max(initial=0.0))


def cells(planes: int, rank: int) -> int:
    """Count the cells of so many hyperplanes in general position; no position has more."""
    return 2 * sum(comb(planes - 1, k) for k in range(rank))


def _choose(planes: Hyperplanes, outputs: int, budget: int) -> str:
    """Choose by what the data allow."""
    most = cells(len(planes.normals), planes.rank)
    if outputs == 1 and most <= (FEW if planes.rank <= 3 else budget):
        return "enumerate"
    return "price" if planes.rank <= 3 else "ascent"


def _refuse(method: str, planes: Hyperplanes, Y: np.ndarray, *, made: bool) -> None:
    if method == "price" and planes.rank > 3:
        raise SolveInputError(
            f"the rows of X span {planes.rank} dimensions",
            allowed="price: at most 3",
            where="method",
            fix="use enumerate (up to its budget of cells) or ascent",
        )
    if Y.shape[1] > 1 and (method == "enumerate" or not made):
        raise SolveInputError(
            f"Y has {Y.shape[1]} outputs",
            allowed="one output" + ("" if method == "enumerate" else ", or a master for several"),
            where="Y",
        )


def _zero(X: np.ndarray, Y: np.ndarray, lam: float, seconds: float) -> ShallowSolution:
    """Return the zero network of data that are zero."""
    energy = 0.5 * float(np.sum(Y * Y))
    network = ShallowNetwork(np.zeros((0, X.shape[1])), np.zeros((0, Y.shape[1])))
    return ShallowSolution(
        X, Y, lam, network, energy, energy, 0.0, 0.0, 0.0, Y.copy(), "optimal", True, "closed_form",
        seconds=seconds,
    )  # fmt: skip


def _solution(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    found: Generated,
    method: str,
    counts: dict[str, int],
    seconds: float,
) -> ShallowSolution:
    exact = method != "ascent" or found.status == "optimal"
    return ShallowSolution(
        X=X,
        Y=Y,
        lam=lam,
        network=found.network,
        objective=found.objective,
        dual_objective=found.dual_objective,
        gap=found.gap,
        kkt_residual=max(0.0, found.height / lam - 1.0),
        violation=0.0,
        dual=found.dual,
        status="sub_program" if not exact and found.status == "inaccurate" else found.status,
        exact=exact,
        method=method,
        counts=counts,
        seconds=seconds,
        bounds=tuple(found.rounds),
    )


def _enumerated(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    tol: float,
    time_limit: float | None,
    budget: int,
    started: float,
) -> ShallowSolution:
    """Solve over the listed cells by the product's solver."""
    gates = enumerate_patterns(X, budget=budget)
    solved = solve(X, Y[:, 0], gates, lam, tol=tol, time_limit=time_limit)
    U = np.vstack([part[np.any(part, axis=1)] for part in (solved.v, solved.w)])
    adding = int(np.any(solved.v, axis=1).sum())
    sizes = row_norms(U)
    signed = np.where(np.arange(len(U)) < adding, sizes, -sizes)
    network = ShallowNetwork(U / sizes[:, None], signed[:, None])
    return ShallowSolution(
        X=X,
        Y=Y,
        lam=lam,
        network=network,
        objective=network.objective(X, Y, lam),
        dual_objective=solved.dual_objective,
        gap=solved.gap,
        kkt_residual=solved.kkt_residual,
        violation=0.0,
        dual=solved.dual[:, None],
        status=solved.status,
        exact=True,
        method="enumerate",
        counts={"patterns": gates.shape[1], **solved.counts},
        seconds=time.process_time() - started,
    )
