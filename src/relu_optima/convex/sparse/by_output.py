r"""Sparse networks with several outputs, bracketed by one program for each output.

A neuron reads inputs S_j and feeds outputs T_j, at most t of them. Let p(lam) be the optimum of
1/2 |f(X) - Y|^2 + lam sum_j |u_j| |v_j| over all such networks, and p_k(lam) that of output k
alone, over the supports of the neurons that feed it.

**Theorem.** sum_k p_k(lam / sqrt t) <= p(lam) <= sum_k p_k(lam), with equality throughout if t = 1.

*Proof.* Split each neuron of a network into one for each of its outputs, (u_j, v_jk e_k). The
outputs are the same, and |v_j|_1 <= sqrt t |v_j|_2, so lam |u_j| |v_j| is at least the sum of
(lam / sqrt t) |u_j| |v_jk|: the first inequality. Networks of the single outputs together are one
network with |v_j| = |v_jk|: the second. []

So the dual points nu_k of the outputs at lam / sqrt t, side by side, are feasible for all outputs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from relu_optima.convex.certificate import Certificate, relative_gap
from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution
from relu_optima.convex.sparse.certificate import outside_of, support_height
from relu_optima.convex.sparse.listed_patterns import SupportGates, listed_gates
from relu_optima.convex.sparse.solve import SparseProgram
from relu_optima.convex.sparse.supports import Supports, supports_of


@dataclass(frozen=True)
class Options:
    """How supports of many inputs are priced.

    Attributes
    ----------
    budget : int
        Most cells of one support that are enumerated.
    count : int
        Patterns drawn beyond.
    seed : int
        Seed of these.
    """

    budget: int
    count: int
    seed: int


class ByOutput:
    """One program for each output of a masked network."""

    def __init__(
        self,
        X: np.ndarray,
        Y: np.ndarray,
        first: np.ndarray,
        last: np.ndarray,
        options: Options,
        gates: np.ndarray | None,
    ) -> None:
        self.X, self.Y = X, Y
        self.fan_out = fan_out(first, last)
        self.programs: dict[int, SparseProgram] = {}
        for k, supports in supports_by_output(X, first, last).items():
            self.programs[k] = SparseProgram(
                X, Y[:, k], supports, gates=gates, budget=options.budget, count=options.count,
                seed=options.seed,
            )  # fmt: skip

    @property
    def exact(self) -> bool:
        """Whether all activation patterns of all supports take part."""
        return all(program.exact for program in self.programs.values())

    @property
    def listed(self) -> dict[tuple[int, ...], SupportGates]:
        """Gates of the supports whose patterns are listed."""
        return {s: one for program in self.programs.values() for s, one in program.listed.items()}

    @property
    def fed(self) -> dict[tuple[int, ...], tuple[int, ...]]:
        """Outputs that neurons of each support feed."""
        return fed_by_support({k: program.supports for k, program in self.programs.items()})

    def lambda_max(self) -> float:
        """Largest of the outputs' own least strengths whose optimum is zero."""
        return max((p.lambda_max() for p in self.programs.values() if p.y.any()), default=0.0)

    def dual(self, lam: float, tol: float, time_limit: float | None) -> np.ndarray:
        """Return the outputs' dual points at lam / sqrt t, side by side."""
        dual = self.Y.copy()  # of an output without neurons: nothing bounds its dual point
        for k, program in self.programs.items():
            weaker = lam / np.sqrt(self.fan_out)
            dual[:, [k]] = program.dual(weaker, tol, time_limit)
        return dual

    def solve(
        self, lam: float, tol: float, time_limit: float | None, *, started: float
    ) -> ShallowSolution:
        """Solve for every output at lam and at lam / sqrt t."""
        K = self.Y.shape[1]
        first, second = np.zeros((0, self.X.shape[1])), np.zeros((0, K))
        dual = self.Y.copy()
        statuses, counts = [], dict.fromkeys(("rounds", "newton", "sweeps", "supports_used"), 0)
        for k, program in self.programs.items():
            upper = program.solve(lam, tol, time_limit, started=started)
            lower = upper
            if self.fan_out > 1:
                weaker = lam / np.sqrt(self.fan_out)
                lower = program.solve(weaker, tol, time_limit, started=started)
            dual[:, k] = lower.dual[:, 0]
            V = np.zeros((upper.network.n_neurons, K))
            V[:, k] = upper.network.V[:, 0]
            first, second = np.vstack([first, upper.network.U]), np.vstack([second, V])
            statuses += [upper.status, lower.status]
            counts = {name: n + upper.counts[name] for name, n in counts.items()}
        network = ShallowNetwork(first, second)
        objective = network.objective(self.X, self.Y, lam)
        bound = float(np.sum(dual * self.Y) - 0.5 * np.sum(dual**2))
        reached = all(s in ("optimal", "sub_program") for s in statuses)
        late = "time_limit" in statuses
        status = "time_limit" if late else "upper_bound" if reached else "inaccurate"
        supports = {s: None for p in self.programs.values() for s in p.supports}
        return ShallowSolution(
            X=self.X,
            Y=self.Y,
            lam=lam,
            network=network,
            objective=objective,
            dual_objective=bound,
            gap=relative_gap(objective, bound, self.Y.ravel()),
            kkt_residual=0.0,
            violation=0.0,
            dual=dual,
            status=status,
            exact=self.exact,
            method="by_output",
            supports=tuple(supports),
            counts=counts | {"supports": len(supports)},
            seconds=time.process_time() - started,
        )


def fan_out(first: np.ndarray, last: np.ndarray) -> int:
    """Most outputs that a neuron with an input feeds, at least one."""
    fed = last[:, first.any(axis=1)].sum(axis=0)
    return max(1, int(fed.max(initial=0)))


def supports_by_output(X: np.ndarray, first: np.ndarray, last: np.ndarray) -> dict[int, Supports]:
    """Supports of the neurons that feed each output; outputs that none feeds are left out."""
    found = {}
    for k, fed in enumerate(last.astype(bool)):
        rows = first[fed & first.any(axis=1)]
        rows = rows[[bool(X[:, row.astype(bool)].any()) for row in rows]]
        if len(rows):
            found[k] = supports_of(rows, X)
    return found


def fed_by_support(supports: Mapping[int, Supports]) -> dict[tuple[int, ...], tuple[int, ...]]:
    """Outputs that neurons of each support feed."""
    found: dict[tuple[int, ...], tuple[int, ...]] = {}
    for k, sets in supports.items():
        for s in sets:
            found[s] = (*found.get(s, ()), k)
    return found


def certify_by_output(
    X: np.ndarray,
    Y: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    lam: float,
    network: ShallowNetwork,
    dual: np.ndarray,
    options: Options,
    gates: np.ndarray | None,
) -> tuple[Certificate, dict[tuple[int, ...], SupportGates]]:
    """Re-check a bracket: the network's value and places, and every output's dual point.

    Also returns the gates of the supports whose patterns are listed.
    """
    supports = supports_by_output(X, first, last)
    weaker = lam / np.sqrt(fan_out(first, last))
    shrink, outside = 1.0, 0.0
    gates_of: dict[tuple[int, ...], SupportGates] = {}
    for k, sets in supports.items():
        listed = listed_gates(X, sets, options.budget, options.count, options.seed, gates)
        gates_of |= {sets[s]: one for s, one in listed.items()}
        height = support_height(X, dual[:, k], sets, {s: g.gates for s, g in listed.items()})
        shrink = min(shrink, weaker / height) if height > 0 else shrink
        mine = network.V[:, k] != 0
        outside = max(outside, outside_of(network.U[mine], sets))
    for k in set(range(Y.shape[1])) - set(supports):
        outside = max(outside, float(np.abs(network.V[:, k]).max(initial=0.0) > 0))
    if len(network.V):
        outside = max(outside, float((np.count_nonzero(network.V, axis=1) > 1).any()))
    fed = list(supports)
    scaled = dual.copy()
    scaled[:, fed] *= shrink
    objective = network.objective(X, Y, lam)
    bound = float(np.sum(scaled * Y) - 0.5 * np.sum(scaled**2))
    empty = Certificate(objective, bound, 0.0, 0.0, outside, scaled)
    return replace(empty, gap=relative_gap(objective, bound, Y.ravel())), gates_of
