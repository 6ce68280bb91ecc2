"""All optima of a solved program, with what people ask of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from relu_optima.convex.network import TwoLayerNetwork
from relu_optima.convex.solution import Solution as ListedSolution
from relu_optima.optimal_set import OptimalSet
from relu_optima.optimal_set.directions import Directions
from relu_optima.pruning import PruningPath, prune


@dataclass(frozen=True, repr=False)
class Optima:
    """The polytope of all optimal networks of one program.

    Attributes
    ----------
    solution : relu_optima.convex.Solution
        The solved program.
    set : OptimalSet
        Its description.
    tolerances : dict of str to float
        With which it was described.
    """

    solution: ListedSolution
    set: OptimalSet
    tolerances: dict[str, float]

    def __repr__(self) -> str:
        shape = "unique" if self.set.is_unique else f"dimension {self.set.dimension}"
        return (
            f"<optimal set: {shape}, {len(self.set.directions)} directions, "
            f"{self.network().w2.size} neurons in the nearest optimum, "
            f"slack {self.set.min_slack:.1e}>"
        )

    @property
    def dimension(self) -> int:
        """Dimension of the polytope; 0 where the optimum is unique."""
        return self.set.dimension

    @property
    def is_unique(self) -> bool:
        """Whether there is one optimal network, up to splitting neurons."""
        return self.set.is_unique

    def network(self, beta: np.ndarray | None = None) -> TwoLayerNetwork:
        """Return the optimal network of a vector of coefficients.

        Parameters
        ----------
        beta : array, shape (k,), optional
            One coefficient for each direction; the optimum nearest to the solution by default.

        Returns
        -------
        TwoLayerNetwork
            Its neurons, balanced.
        """
        return _network(self.set, self.set.start if beta is None else beta)

    def vertices(self, budget: int = 1_000_000) -> np.ndarray:
        """Return all vertices of the polytope.

        Parameters
        ----------
        budget : int, default 1,000,000
            Most bases that are looked at.

        Returns
        -------
        array, shape (V, k)
            Coefficients of one optimum in each row.

        Raises
        ------
        BudgetError
            If there are more bases.
        """
        return self.set.vertices(budget)

    def smallest(self) -> TwoLayerNetwork:
        """Return an optimal network with the fewest neurons, by mixed-integer programming.

        Returns
        -------
        TwoLayerNetwork
            The network; `OptimalSet.smallest` has the proven bound too.
        """
        return self.network(self.set.smallest().beta)

    def prune(self, method: str = "optimal", *, seed: int = 0, **options: Any) -> Pruned:
        """Prune the network of the solution.

        Parameters
        ----------
        method : str, default "optimal"
            A pruning method, see `relu_optima.pruning.prune`.
        seed : int, default 0
            Seed of methods that draw at random.
        **options
            Further fields of the method.

        Returns
        -------
        Pruned
            The networks from the start to the end of the method.

        Raises
        ------
        SolveInputError
            If an option does not exist or has a wrong value.
        DegenerateError
            If an exact method cannot keep the objective.
        """
        problem = self.solution.problem
        options = {**self.tolerances, **options}
        path = prune(self.solution, problem.X, problem.y, method, seed=seed, **options)
        return Pruned(path)


@dataclass(frozen=True, repr=False)
class Pruned:
    """The networks that a pruning method passed through, the start first.

    Attributes
    ----------
    path : PruningPath
        Their coefficients and exact values.
    """

    path: PruningPath

    def __repr__(self) -> str:
        sizes = self.path.n_neurons
        return (
            f"<{self.path.method}: {sizes[0]} to {sizes[-1]} neurons in {len(sizes) - 1} steps, "
            f"optimal down to {self.path.n_exact}>"
        )

    def __len__(self) -> int:
        return len(self.path.betas)

    def __getitem__(self, step: int) -> TwoLayerNetwork:
        return _network(self.path.network, self.path.betas[step])

    @property
    def n_neurons(self) -> int:
        """Fewest neurons of a network on the path that is still optimal."""
        return self.path.n_exact

    @property
    def network(self) -> TwoLayerNetwork:
        """The smallest network on the path that is still optimal."""
        return self[self.path.last_exact]

    @property
    def objective(self) -> np.ndarray:
        """Objective of every network, shape (T,)."""
        return self.path.objective


def _network(directions: Directions, beta: np.ndarray) -> TwoLayerNetwork:
    """Make the balanced network of coefficients on directions."""
    beta = np.asarray(beta, dtype=np.float64)
    W1, w2 = directions.neurons(beta)
    gated = not directions.problem.constrained
    return TwoLayerNetwork(W1, w2, directions.gates[beta > 0].T if gated else None)
