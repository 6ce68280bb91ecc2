r"""Which numbers of neurons of each support suffice for the optimum of a sparse program.

**Theorem.** A network with m_S neurons of each support S attains the value of the program over the
supports iff some optimal solution, merged so that no two of its neurons share a direction and a
sign, can be put into the slots: a neuron with weights on the inputs T may take any slot of a
support that contains T, one neuron a slot.

*Proof.* A network is a solution of the program with its own neurons, so its value is no less; if it
is equal, its neurons, merged, are an optimal solution that fits (merging frees slots). Conversely,
an optimal solution that fits is a network of these widths with the program's value, its neurons
balanced. []

For one solution this is a bipartite matching. Over all solutions it is an integer program: with
the unit neurons z_b that attain the dual constraint at the residual r (r'z_b = lam, all that any
optimum can use) the optima are {beta >= 0 : sum_b beta_b z_b = fit}, and a neuron in use needs a
slot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution
from relu_optima.convex.sparse.nonnegative import nonnegative
from relu_optima.convex.sparse.pricing import Pricing
from relu_optima.convex.sparse.supports import Supports
from relu_optima.errors import SolveInputError

FIT_TOL = 1e-6  # allowed error of the fit inside the integer program, relative to the fit
ACTIVE = 1e-5  # relative slack of the dual constraint below which a neuron may be in use
DISTINCT = 1e-6  # distance below which unit neurons of one sign are one
CANDIDATES = 64  # maxima that one support may have


@dataclass(frozen=True)
class Widths:
    """Whether an optimum fits into given slots, or the fewest that one needs.

    Attributes
    ----------
    fits : bool or None
        Whether the widths suffice; None if the integer program did not end.
    widths : dict of int to int
        Neurons of each support, by index, of the network.
    network : ShallowNetwork or None
        An optimal network that fits; None if there is none.
    objective : float
        Its objective; infinite without one.
    status : str
        ``optimal``, ``infeasible`` or ``node_limit``.
    """

    fits: bool | None
    widths: dict[int, int]
    network: ShallowNetwork | None
    objective: float
    status: str

    @property
    def total(self) -> int:
        """Number of neurons of the network."""
        return sum(self.widths.values())


def fit_widths(network: ShallowNetwork, supports: Supports, widths: Sequence[int]) -> bool:
    """Tell whether the neurons of one network fit into slots, by a bipartite matching.

    Parameters
    ----------
    network : ShallowNetwork
        Network whose neurons are to be placed, no two of one direction and sign.
    supports : tuple of tuples of int
        Supports.
    widths : sequence of int
        Slots of each support.

    Returns
    -------
    bool
        Whether each neuron gets a slot of a support that holds its inputs.

    Raises
    ------
    SolveInputError
        If there is not one number >= 0 for each support.
    """
    slots = _slots(supports, widths)
    alive = network.weights() > 0
    used = network.U[alive] != 0
    edges = np.zeros((len(used), len(slots)), dtype=np.int8)
    for place, s in enumerate(slots):
        outside = np.ones(used.shape[1], dtype=bool)
        outside[list(supports[s])] = False
        edges[:, place] = ~used[:, outside].any(axis=1)
    if len(used) > len(slots):
        return False
    matched = maximum_bipartite_matching(csr_array(edges), perm_type="column")
    return bool((np.asarray(matched) >= 0).all())


def least_widths(
    solution: ShallowSolution,
    *,
    caps: Sequence[int] | Mapping[int, int] | None = None,
    node_limit: int = 100_000,
) -> Widths:
    r"""Find an optimal network with the fewest neurons, at most so many of each support.

    .. math:: \min \sum_b q_b \quad\text{s.t.}\quad \sum_b \beta_b z_b = \text{fit}, \quad
              0 \le \beta_b \le M q_b, \quad q_b = \sum_{S \supseteq T_b} t_{b S}, \quad
              \sum_b t_{b S} \le m_S

    Parameters
    ----------
    solution : ShallowSolution
        Solution of `solve_sparse` with one output, over all patterns of supports of rank at most
        three, with a gap of 1e-9 or less.
    caps : sequence of int, or mapping of int to int, optional
        m_S by index of the support; none, or a support that a mapping leaves out: no limit.
    node_limit : int, default 100000
        Limit of branch-and-bound nodes.

    Returns
    -------
    Widths
        The network, and whether one exists.

    Raises
    ------
    SolveInputError
        If the solution is of another kind, or too inaccurate.

    Notes
    -----
    The neurons in question are the local maxima of the dual constraint that come within 1e-5 of
    lam at the residual of the solution; a tie closer than that is taken as a tie. The network's
    ``objective`` shows whether it is optimal.
    """
    supports = solution.supports
    if supports is None or solution.Y.shape[1] != 1 or not solution.exact:
        raise SolveInputError(
            "it is no exact solution of a sparse program with one output",
            allowed="what solve_sparse returns with exact = True",
            where="solution",
        )
    if not solution.gap <= 1e-9:
        raise SolveInputError(
            f"its gap is {solution.gap:.1e}",
            allowed="at most 1e-9: ties cannot be told from slack otherwise",
            where="solution",
            fix="solve with tol=1e-10",
        )
    limits = _limits(supports, caps)
    directions, signs, inputs = _candidates(solution, supports)
    fit = solution.predict(solution.X)[:, 0]
    if not len(signs) or not fit.any():
        none = ShallowNetwork(np.zeros((0, solution.X.shape[1])), np.zeros((0, 1)))
        return Widths(True, {}, none, 0.5 * float(np.sum(solution.Y**2)), "optimal")
    Z = signs * np.maximum(solution.X @ directions.T, 0.0)
    holds = [[s for s, one in enumerate(supports) if used <= set(one)] for used in map(set, inputs)]
    # every optimum has the same sum of norms, which bounds each coefficient
    most = 1.01 * float(solution.network.weights().sum())
    answer = _program(Z, fit, most, holds, limits, node_limit)
    if answer.x is None:
        status = "infeasible" if answer.status == 2 else "node_limit"
        return Widths(False if status == "infeasible" else None, {}, None, np.inf, status)
    count = len(signs)
    used = np.flatnonzero(answer.x[count : 2 * count] > 0.5)
    start = np.maximum(answer.x[used], 1e-300)
    beta = nonnegative(Z[:, used], solution.Y[:, 0], solution.lam, start)
    kept = used[beta > 0]
    root = np.sqrt(beta[beta > 0])
    network = ShallowNetwork(root[:, None] * directions[kept], (root * signs[kept])[:, None])
    chosen = answer.x[2 * count :] > 0.5
    pairs = [(b, s) for b, places in enumerate(holds) for s in places]
    widths: dict[int, int] = {}
    for (b, s), taken in zip(pairs, chosen, strict=True):
        if taken and b in kept:
            widths[s] = widths.get(s, 0) + 1
    status = "optimal" if answer.status == 0 else "node_limit"
    objective = network.objective(solution.X, solution.Y, solution.lam)
    return Widths(True, dict(sorted(widths.items())), network, objective, status)


def _slots(supports: Supports, widths: Sequence[int]) -> list[int]:
    counts = [int(m) for m in widths]
    if len(counts) != len(supports) or min(counts, default=0) < 0:
        raise SolveInputError(
            f"widths {counts}",
            allowed=f"{len(supports)} numbers >= 0, one for each support",
            where="widths",
        )
    return [s for s, m in enumerate(counts) for _ in range(m)]


def _limits(supports: Supports, caps: Sequence[int] | Mapping[int, int] | None) -> np.ndarray:
    limits = np.full(len(supports), np.inf)
    if isinstance(caps, Mapping):
        for s, m in caps.items():
            if not 0 <= s < len(supports) or m < 0:
                raise SolveInputError(f"cap {m} of support {s}", allowed=">= 0", where="caps")
            limits[s] = m
    elif caps is not None:
        _slots(supports, caps)
        limits[:] = caps
    return limits


def _candidates(
    solution: ShallowSolution, supports: Supports
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, ...]]]:
    """Unit neurons that attain the dual constraint: directions, signs, inputs in use."""
    X, rest = solution.X, solution.Y[:, 0] - solution.predict(solution.X)[:, 0]
    pricing = Pricing([np.ascontiguousarray(X[:, list(s)]) for s in supports], most=CANDIDATES)
    level = solution.lam * (1 - ACTIVE)
    new = pricing.price(rest, level, CANDIDATES * len(supports)).new
    found: list[tuple[np.ndarray, float]] = []
    own = solution.network.U / np.linalg.norm(solution.network.U, axis=1)[:, None]
    listed = [(u, float(np.sign(s[0]))) for u, s in zip(own, solution.network.V, strict=True)]
    for s, sign, u in zip(new.support, new.sign, new.U, strict=True):
        full = np.zeros(X.shape[1])
        full[list(supports[s])] = u[: len(supports[s])]
        listed.append((full, float(sign)))
    for given, sign in listed:
        u = np.where(np.abs(given) <= DISTINCT, 0.0, given)
        u /= np.linalg.norm(u)
        if all(sign != s or np.linalg.norm(u - v) > DISTINCT for v, s in found):
            found.append((u, sign))
    directions = np.array([u for u, _ in found]).reshape(len(found), X.shape[1])
    inputs = [tuple(int(i) for i in np.flatnonzero(u)) for u in directions]
    return directions, np.array([s for _, s in found]), inputs


def _program(
    Z: np.ndarray,
    fit: np.ndarray,
    most: float,
    holds: list[list[int]],
    limits: np.ndarray,
    node_limit: int,
) -> Any:
    """Solve the integer program over coefficients, use, and slots."""
    count, pairs = Z.shape[1], [(b, s) for b, places in enumerate(holds) for s in places]
    size = float(np.linalg.norm(fit))
    # coordinates of the column space: as many equations as there is rank
    basis, values, _ = np.linalg.svd(Z, full_matrices=False)
    basis = basis[:, values > 1e-10 * values[0]]
    total = 2 * count + len(pairs)
    rows = np.zeros((basis.shape[1], total))
    rows[:, :count] = basis.T @ Z / size
    goal = basis.T @ fit / size
    couple = np.zeros((count, total))
    couple[:, :count] = np.eye(count) / most
    couple[:, count : 2 * count] = -np.eye(count)
    place, cap = np.zeros((count, total)), np.zeros((len(limits), total))
    place[:, count : 2 * count] = -np.eye(count)
    for k, (b, s) in enumerate(pairs):
        place[b, 2 * count + k] = 1.0
        cap[s, 2 * count + k] = 1.0
    cost = np.zeros(total)
    cost[count : 2 * count] = 1.0
    upper = np.ones(total)
    upper[:count] = most
    kinds = np.ones(total)
    kinds[:count] = 0
    constraints = [
        LinearConstraint(rows, goal - FIT_TOL, goal + FIT_TOL),
        LinearConstraint(couple, -np.inf, 0.0),
        LinearConstraint(place, 0.0, 0.0),
        LinearConstraint(cap, -np.inf, limits),
    ]
    return milp(
        cost,
        constraints=constraints,
        integrality=kinds,
        bounds=(np.zeros(total), upper),
        options={"mip_rel_gap": 0.0, "node_limit": node_limit},
    )
