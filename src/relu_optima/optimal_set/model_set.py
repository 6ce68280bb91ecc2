"""The set of all optimal models, and every question that can be put to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.errors import SolveInputError
from relu_optima.optimal_set.described import DescribedSet
from relu_optima.optimal_set.hit_and_run import hit_and_run
from relu_optima.optimal_set.topology import BUDGET, Topology, topology_of
from relu_optima.optimal_set.width import (
    NonConvexSet,
    SmallestSupport,
    nonconvex_set,
    smallest_support,
)


@dataclass(frozen=True)
class OptimalSet(DescribedSet):
    """All optimal models W* = {w_b = beta_b u_b : beta >= 0, Z beta = fit}.

    A *direction* is a unit weight vector u with an output sign; blocks on both sides of a data
    hyperplane that share it are merged into one. An optimal model is a vector beta with one
    coefficient for each direction. For formulation ``relu`` it is the network with neurons
    (sqrt(beta_b) u_b, sign_b sqrt(beta_b)).

    The attributes are those of `DescribedSet`.
    """

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
