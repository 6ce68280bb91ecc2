r"""Certified optima of networks whose neurons read given inputs: column generation over supports.

.. math:: \min_{m, u, s} \tfrac12 \Big\lVert \sum_{j \le m} s_j (X_{S_j} u_j)_+ - y \Big\rVert^2
          + \lambda \sum_j \lVert u_j \rVert, \qquad S_j \in \mathcal S, \; s_j = \pm 1 ,

the least value of the weight-decay objective over all networks with enough neurons of each support
(a neuron u, s stands for weights (u / sqrt |u|, s sqrt |u|)). It is the convex program with one
block for each support, activation pattern of X_S and sign, with the dual

.. math:: \max_\nu \; y^\top \nu - \tfrac12 \lVert \nu \rVert^2 \quad\text{s.t.}\quad
          |\nu^\top (X_S u)_+| \le \lambda \quad (S \in \mathcal S, \; \lVert u \rVert \le 1)

(Pilanci and Ergen 2020 for one support; the sum over supports is a sum of such gauges, so its dual
constraint is the maximum over them). Pricing finds the neurons that violate it most.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from relu_optima.convex.certificate import relative_gap
from relu_optima.convex.problem import check_lambda
from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution
from relu_optima.convex.solver import check_options
from relu_optima.convex.sparse.listed_patterns import ListedPatterns, SupportGates, listed_gates
from relu_optima.convex.sparse.master import Master, Neurons
from relu_optima.convex.sparse.pricing import Listed, Pricing
from relu_optima.convex.sparse.supports import Supports, supports_of
from relu_optima.errors import SolveInputError

ROUNDS = 1_000
COLUMNS = 60  # neurons that enter a round: a few for each support that is violated most
STALLED = 12  # rounds without a better gap
BUDGET = 20_000  # cells of the arrangement of one support of rank above three
COUNT = 500  # patterns drawn where there are more


def solve_sparse(
    X: np.ndarray,
    y: np.ndarray,
    supports: str | Sequence[Iterable[int]] | np.ndarray,
    lam: float,
    *,
    lam_scale: str = "absolute",
    tol: float = 1e-6,
    budget: int = BUDGET,
    count: int = COUNT,
    seed: int = 0,
    gates: np.ndarray | None = None,
    time_limit: float | None = None,
) -> ShallowSolution:
    r"""Find the best of all networks whose neurons read given inputs, with a certificate.

    .. math:: \min \tfrac12 \Big\lVert \sum_j s_j (X_{S_j} u_j)_+ - y \Big\rVert^2
              + \lambda \sum_j \lVert u_j \rVert, \qquad S_j \in \mathcal S

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs; a bias is a column of ones, penalised like the others.
    y : array, shape (n,) or (n, 1)
        Targets.
    supports : str, sequence of sequences of int, or array of 0 and 1, shape (m, d)
        ``pairs``, ``triples`` (all sets of two or three inputs), ``pairs_with_bias`` (all pairs
        with the last input, a constant column), a list, or the mask of a first layer.
    lam : float
        Canonical regularisation strength, positive.
    lam_scale : {"absolute", "max"}, default "absolute"
        ``max``: lam is a share of the least strength whose optimum is zero.
    tol : float, default 1e-6
        Relative duality gap at which to stop, in (0, 1).
    budget : int, default 20000
        Most cells that the arrangement of a support of rank above three may have to be enumerated.
    count : int, default 500
        Activation patterns drawn for a support that has more.
    seed : int, default 0
        Seed of these.
    gates : array, shape (d, g), optional
        Gate vectors whose patterns are among those drawn, e.g. a trained first layer transposed.
    time_limit : float, optional
        Wall-clock limit in seconds; the best point so far is returned.

    Returns
    -------
    ShallowSolution
        Network and bound; ``supports`` are those of the program. ``exact`` and status ``optimal``:
        over all activation patterns. Status ``sub_program``: the gap is closed, but over the
        patterns that were drawn; the network is one of the program's, its value an upper bound.

    Raises
    ------
    SolveInputError
        If an argument has no meaning, a support is empty, out of range, repeated or without data.
    BudgetError
        If a name stands for more than 200 000 supports.

    Notes
    -----
    Supports whose data have rank at most three are priced over all their patterns, in
    O(n log n) up to rank two and O(n^2 log n) in rank three. A network of given widths attains the
    value iff its neurons fit into the slots, see `relu_optima.convex.fit_widths`.

    References
    ----------
    Pilanci and Ergen 2020, Theorem 1, for the program of one support.
    """
    start = time.process_time()
    program = SparseProgram(X, y, supports, budget=budget, count=count, seed=seed, gates=gates)
    check_options(tol, time_limit, "auto")
    if lam_scale not in ("absolute", "max"):
        raise SolveInputError(
            f"unknown scale {lam_scale!r}", allowed="absolute, max", where="lam_scale"
        )
    lam = check_lambda(lam)
    if lam_scale == "max" and program.y.any():
        lam = check_lambda(lam * program.lambda_max())
    return program.solve(lam, tol, time_limit, started=start)


class SparseProgram:
    """One data set with its supports, prepared once for any number of strengths."""

    def __init__(
        self,
        X: np.ndarray,
        y: np.ndarray,
        supports: str | Sequence[Iterable[int]] | np.ndarray,
        *,
        budget: int = BUDGET,
        count: int = COUNT,
        seed: int = 0,
        gates: np.ndarray | None = None,
    ) -> None:
        self.X, self.y = _checked(X, y)
        self.supports = supports_of(supports, self.X)
        self.scale_x = float(np.abs(self.X).max())
        self.scale_y = float(np.abs(self.y).max()) or 1.0
        columns = [np.ascontiguousarray(self.X[:, list(s)]) / self.scale_x for s in self.supports]
        self.gates = listed_gates(self.X, self.supports, budget, count, seed, gates)
        listed: dict[int, Listed] = {
            s: ListedPatterns(columns[s], one.gates, exact=one.exact)
            for s, one in self.gates.items()
        }
        self.pricing = Pricing(columns, listed)

    @property
    def exact(self) -> bool:
        """Whether all activation patterns of all supports take part."""
        return self.pricing.exact

    @property
    def listed(self) -> dict[tuple[int, ...], SupportGates]:
        """Gates of the supports whose patterns are listed."""
        return {self.supports[s]: one for s, one in self.gates.items()}

    @property
    def fed(self) -> dict[tuple[int, ...], tuple[int, ...]]:
        """The output, which neurons of all supports feed."""
        return dict.fromkeys(self.supports, (0,))

    def lambda_max(self) -> float:
        """Least strength whose optimum is zero."""
        height = self.pricing.price(self.y / self.scale_y, 0.0, 1).height
        return height * self.scale_x * self.scale_y

    def dual(self, lam: float, tol: float, time_limit: float | None) -> np.ndarray:
        """Return the dual point, shape (n, 1), at a strength."""
        return self.solve(lam, tol, time_limit, started=time.process_time()).dual

    def solve(
        self, lam: float, tol: float, time_limit: float | None, *, started: float
    ) -> ShallowSolution:
        """Solve for one strength and value the answer in full scale."""
        X, y = self.X, self.y
        deadline = None if time_limit is None else time.perf_counter() + time_limit
        swept = self.pricing.swept
        strength = lam / self.scale_x / self.scale_y
        run = _Run(y / self.scale_y, self.pricing, strength, tol, deadline)
        run.go()
        ratio = self.scale_y / self.scale_x
        network = network_of(run.best, self.supports, X.shape[1], ratio)
        objective = network.objective(X, y, lam)
        dual = run.dual * self.scale_y
        bound = float(y @ dual - 0.5 * dual @ dual)
        gap = relative_gap(objective, bound, y)
        status = run.status
        if status == "optimal" and gap > tol:
            status = "inaccurate"  # the scaled problem reached it, the values in full do not
        if status == "optimal" and not self.exact:
            status = "sub_program"
        return ShallowSolution(
            X=X,
            Y=y[:, None],
            lam=lam,
            network=network,
            objective=objective,
            dual_objective=bound,
            gap=gap,
            kkt_residual=run.excess,
            violation=0.0,
            dual=dual[:, None],
            status=status,
            exact=self.exact,
            method="columns",
            supports=self.supports,
            counts={
                "rounds": run.rounds,
                "newton": run.newton,
                "sweeps": self.pricing.swept - swept,
                "supports": len(self.supports),
                "supports_used": len(set(run.best.support.tolist())),
            },
            seconds=time.process_time() - started,
        )


def network_of(neurons: Neurons, sets: Supports, d: int, scale: float) -> ShallowNetwork:
    """Write neurons over their inputs as a network over all; the output weight is the sign."""
    U = np.zeros((len(neurons), d))
    for j, (s, u) in enumerate(zip(neurons.support, neurons.U, strict=True)):
        U[j, list(sets[s])] = u[: len(sets[s])] * scale
    return ShallowNetwork(U, neurons.sign[:, None].astype(np.float64)).balanced()


def _checked(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check data as every program does."""
    from relu_optima.convex.problem import make_problem

    X = np.ascontiguousarray(X, dtype=np.float64)
    gates = np.zeros((X.shape[1] if X.ndim == 2 else 1, 1))
    problem = make_problem(X, y, gates, "relu")
    return problem.X, problem.y


@dataclass
class _Run:
    """One solve: rounds of pricing and of the restricted program.

    Attributes
    ----------
    y : array, shape (n,)
        Targets.
    pricing : Pricing
        All supports.
    lam : float
        Strength.
    tol : float
        Relative gap to reach.
    deadline : float or None
        Clock at which to stop.
    """

    y: np.ndarray
    pricing: Pricing
    lam: float
    tol: float
    deadline: float | None
    status: str = "inaccurate"
    rounds: int = 0
    newton: int = 0
    excess: float = 0.0

    def go(self) -> None:
        """Generate columns until the gap is closed."""
        y, lam = self.y, self.lam
        master = Master(self.pricing.columns, y)
        self.best = master.neurons
        self.dual = np.zeros_like(y)
        energy = 0.5 * float(y @ y)
        primal, dual, since = energy, 0.0, 0
        if energy == 0.0:
            self.status = "optimal"
            return
        for self.rounds in range(1, ROUNDS + 1):
            rest = master.residual()
            value = master.objective(rest, lam)
            priced = self.pricing.price(rest, lam * (1 + 0.01 * self.tol), COLUMNS)
            share = _share(rest, y, lam, priced.height)
            bound = share * float(rest @ y) - 0.5 * share**2 * float(rest @ rest)
            better = value < primal or bound > dual
            if value <= primal:
                primal, self.best = value, master.neurons
                self.excess = max(0.0, priced.height / lam - 1.0)
            if bound > dual:
                dual, self.dual = bound, share * rest
            since = 0 if better else since + 1
            if relative_gap(primal, dual, y) <= self.tol:
                self.status = "optimal"
                return
            if self.deadline is not None and time.perf_counter() >= self.deadline:
                self.status = "time_limit"
                return
            if since >= STALLED:
                return
            master.improve(priced.new, lam)
            self.newton = master.newton


def _share(rest: np.ndarray, y: np.ndarray, lam: float, height: float) -> float:
    """Best multiple of a residual that is dual feasible."""
    square = float(rest @ rest)
    if square == 0.0:
        return 0.0
    share = max(0.0, float(rest @ y) / square)
    return min(share, lam / height) if height > 0 else share
