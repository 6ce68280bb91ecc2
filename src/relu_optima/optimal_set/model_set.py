"""The set of all optimal models, and every question that can be put to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from relu_optima.errors import SolveInputError
from relu_optima.optimal_set.blocks import Blocks
from relu_optima.optimal_set.directions import Directions
from relu_optima.optimal_set.hit_and_run import hit_and_run
from relu_optima.optimal_set.polytope import ZERO_TOL, Polytope
from relu_optima.optimal_set.refine import Equicorrelation
from relu_optima.optimal_set.topology import BUDGET, Topology, topology_of
from relu_optima.optimal_set.width import (
    NonConvexSet,
    SmallestSupport,
    nonconvex_set,
    smallest_support,
)


@dataclass(frozen=True)
class OptimalSet(Directions):
    """All optimal models W* = {w_b = beta_b u_b : beta >= 0, Z beta = fit}.

    A *direction* is a unit weight vector u with an output sign; blocks on both sides of a data
    hyperplane that share it are merged into one. An optimal model is a vector beta with one
    coefficient for each direction. For formulation ``relu`` it is the network with neurons
    (sqrt(beta_b) u_b, sign_b sqrt(beta_b)).

    Attributes
    ----------
    problem : Blocks
        The program.
    equicorrelation : Equicorrelation
        Residual, slack of every block and members of the equicorrelation set.
    directions : array, shape (k, d)
        Unit vectors u_b.
    signs : array, shape (k,)
        Output signs.
    members : tuple of tuple of int
        Blocks merged in each direction, as positions in ``equicorrelation.blocks``.
    body : Polytope
        The polytope of coefficients.
    start : array, shape (k,)
        The optimal model nearest to the given solution.
    objective : float
        Optimal value 0.5 |fit - y|^2 + lam * penalty.
    penalty : float
        Sum of the coefficients, the same for every optimal model.
    """

    problem: Blocks
    equicorrelation: Equicorrelation
    directions: np.ndarray
    signs: np.ndarray
    members: tuple[tuple[int, ...], ...]
    body: Polytope
    start: np.ndarray
    objective: float
    penalty: float

    @property
    def dimension(self) -> int:
        """Dimension of the optimal set."""
        return self.body.dimension

    @property
    def is_unique(self) -> bool:
        """Whether the optimal model is unique (up to splitting and permuting neurons)."""
        return self.dimension == 0

    @property
    def fit(self) -> np.ndarray:
        """Predictions on the training inputs, shape (n,); the same for every optimal model."""
        return self.body.fit

    @property
    def support(self) -> np.ndarray:
        """Directions that some optimal model uses."""
        return self.body.support

    @property
    def min_slack(self) -> float:
        """Smallest relative slack of a block outside the set: the distance to a degeneracy."""
        outside = np.delete(self.equicorrelation.slack, self.equicorrelation.blocks)
        return float(outside.min(initial=1.0))

    @property
    def dual_objective(self) -> float:
        """Lower bound of the optimal value: the dual at the residual, scaled to be feasible."""
        theta, y = self.equicorrelation.theta, self.problem.y
        excess = max(-float(self.equicorrelation.slack.min(initial=0.0)), 0.0)
        theta = theta / (1 + excess)
        return 0.5 * float(y @ y) - 0.5 * float((theta - y) @ (theta - y))

    @property
    def gap(self) -> float:
        """Relative gap (objective - dual_objective) / dual_objective; 0 if y = 0."""
        scale = 1e-12 * 0.5 * float(self.problem.y @ self.problem.y)
        if scale == 0.0:
            return 0.0
        return (self.objective - self.dual_objective) / max(self.dual_objective, scale)

    @cached_property
    def antipodal_pairs(self) -> int:
        """Pairs (u, -u) of equal sign in the support; each frees mass at no cost."""
        signed = self.directions[self.support] * self.signs[self.support, None]
        same = self.signs[self.support, None] == self.signs[self.support]
        opposite = (signed @ signed.T < -1 + 1e-9) & same
        return int(np.triu(opposite, 1).sum())

    def vertices(self, budget: int = 1_000_000) -> np.ndarray:
        """Enumerate the minimal models: no optimal model has strictly fewer of their neurons.

        Parameters
        ----------
        budget : int, > 0
            Largest number of vertices that the set may have, see `Polytope.vertices`.

        Returns
        -------
        array, shape (m, k)
            One vertex in each row, fewest neurons first.

        Raises
        ------
        BudgetError
            If there could be more.
        """
        return self.body.vertices(budget)

    def min_norm(self) -> np.ndarray:
        """Return the optimal model of least sum of squared block norms.

        Returns
        -------
        array, shape (k,)
            Its coefficients.
        """
        return self.body.min_norm()

    def optimize(self, c: np.ndarray) -> np.ndarray:
        """Minimise a linear criterion over the optimal set.

        Parameters
        ----------
        c : array, shape (k,)
            Cost of each direction; ``-c`` maximises.

        Returns
        -------
        array, shape (k,)
            An optimal vertex.
        """
        return self.body.minimize_linear(c)

    def tune(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Choose the optimal model with the least squared error on other data.

        Parameters
        ----------
        X : array, shape (m, d)
            Inputs, e.g. of a validation set.
        y : array, shape (m,)
            Targets.

        Returns
        -------
        array, shape (k,)
            Coefficients that minimise |f(X) - y|^2 over the optimal set.
        """
        return self.body.minimize_quadratic(self.features(X), np.asarray(y, dtype=float).ravel())

    def extremes(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Range of the prediction at each input over all optimal models.

        Parameters
        ----------
        X : array, shape (m, d)
            Inputs.

        Returns
        -------
        lower, upper : array, shape (m,)
            Least and largest prediction.
        """
        features = self.features(X)
        low = [float(row @ self.optimize(row)) for row in features]
        high = [float(row @ self.optimize(-row)) for row in features]
        return np.array(low), np.array(high)

    def sample(self, k: int, seed: int) -> np.ndarray:
        """Draw optimal models uniformly from the polytope.

        Parameters
        ----------
        k : int, >= 0
            Number of models.
        seed : int
            Seed of the generator.

        Returns
        -------
        array, shape (k, number of directions)
            One model in each row.
        """
        if k < 0:
            raise SolveInputError(f"k is {k}", allowed="k >= 0", where="optimal_set.samples")
        return hit_and_run(self.body, k, seed)

    @property
    def blocks(self) -> np.ndarray:
        """First block of each direction, shape (k,)."""
        first = [self.equicorrelation.blocks[m[0]] for m in self.members]
        return np.array(first, dtype=int)

    @property
    def columns(self) -> np.ndarray:
        """Contribution of each unit direction to the fit, shape (n, k)."""
        return self.body.columns

    @property
    def negligible(self) -> float:
        """Coefficient up to which a neuron counts as absent."""
        return ZERO_TOL * self.penalty

    def weights(self, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Block weights of a model in the layout of the convex program.

        Parameters
        ----------
        beta : array, shape (k,)
            Coefficients.

        Returns
        -------
        v, w : array, shape (P, d)
            Adding and subtracting blocks; a merged direction is put in its first block.
        """
        count = self.problem.gates.shape[1]
        blocks = np.zeros((self.problem.count, self.problem.X.shape[1]))
        for coefficient, unit, member in zip(beta, self.directions, self.members, strict=True):
            blocks[self.equicorrelation.blocks[member[0]]] = coefficient * unit
        if not self.problem.constrained:
            return blocks, np.zeros_like(blocks)
        return blocks[:count], blocks[count:]

    def contains(self, beta: np.ndarray, tolerance: float = 1e-9) -> bool:
        """Test whether coefficients are an optimal model.

        Parameters
        ----------
        beta : array, shape (k,)
            Coefficients.
        tolerance : float, > 0
            Allowed violation, relative to the penalty and to the fit.

        Returns
        -------
        bool
            Whether beta >= 0 and Z beta = fit.
        """
        return self.body.contains(beta, tolerance)

    def smallest(
        self, *, node_limit: int = 100_000, time_limit: float | None = None
    ) -> SmallestSupport:
        """Find an optimal model with the fewest neurons by mixed-integer programming.

        Parameters
        ----------
        node_limit : int, > 0
            Limit of branch-and-bound nodes.
        time_limit : float, optional
            Limit in seconds, a safety net.

        Returns
        -------
        SmallestSupport
            The model, its size and the proven bound.
        """
        return smallest_support(self.body, node_limit=node_limit, time_limit=time_limit)

    def nonconvex(self, width: int) -> NonConvexSet:
        """Describe the optimal networks of a given width.

        Parameters
        ----------
        width : int, > 0
            Number of hidden neurons.

        Returns
        -------
        NonConvexSet
            Whether the width reaches the convex optimum, and the largest local dimension.
        """
        return nonconvex_set(self.body, width, self.smallest().size)

    def topology(self, vertex_budget: int = BUDGET) -> Topology:
        """Tell at which widths the optimal networks are connected, and in how many pieces they are.

        Parameters
        ----------
        vertex_budget : int, > 0
            Most vertices that the set may have; beyond it the status is ``unknown``.

        Returns
        -------
        Topology
            Counts for every width, and paths between two optimal networks. Networks are those of
            the program's own gates: more activation patterns can connect more.

        Raises
        ------
        DegenerateError
            If rounding keeps vertices from being told apart.
        """
        return topology_of(self.body, vertex_budget)

    def slack_histogram(self, edges: np.ndarray | None = None) -> dict[str, list[float]]:
        """Count blocks by relative slack, to show how clear-cut membership is.

        Parameters
        ----------
        edges : array, optional
            Increasing bin edges; powers of ten from 1e-16 to 1 by default. Smaller slacks fall
            in the first bin.

        Returns
        -------
        dict
            ``edges`` and ``counts``, and the ``tolerance`` of membership.
        """
        edges = np.logspace(-16, 0, 17) if edges is None else np.asarray(edges, dtype=float)
        slack = np.clip(self.equicorrelation.slack, edges[0], edges[-1])
        counts, _ = np.histogram(slack, edges)
        return {
            "edges": [float(e) for e in edges],
            "counts": [float(c) for c in counts],
            "tolerance": [self.equicorrelation.tolerance],
        }
