"""The set of all optimal models as it is described: directions, polytope, bound and size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from relu_optima.optimal_set.blocks import Blocks
from relu_optima.optimal_set.directions import Directions
from relu_optima.optimal_set.polytope import ZERO_TOL, Polytope
from relu_optima.optimal_set.rank import null_basis
from relu_optima.optimal_set.refine import Equicorrelation


@dataclass(frozen=True)
class DescribedSet(Directions):
    """A polytope of coefficients of fixed directions, with what proves that all are optimal.

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
    def _antipodal(self) -> np.ndarray:
        """Pairs of directions (u, -u) of equal sign in the support, shape (k, 2)."""
        signed = self.directions[self.support] * self.signs[self.support, None]
        same = self.signs[self.support, None] == self.signs[self.support]
        opposite = (signed @ signed.T < -1 + 1e-9) & same
        return self.support[np.argwhere(np.triu(opposite, 1))]

    @property
    def antipodal_pairs(self) -> int:
        """Pairs (u, -u) of equal sign in the support; each frees mass at no cost."""
        return len(self._antipodal)

    @property
    def antipodal_dimension(self) -> int:
        """Dimensions in which antipodal pairs trade mass: their number less the rank of all X u.

        As (x'u)_+ - (-x'u)_+ = x'u, moving t_i from -u_i to u_i adds t_i s_i X u_i to the fit and
        nothing to the penalty. The fit stays where the sum of t_i s_i X u_i is zero: k - rank
        dimensions, and in the relative interior of the set all coefficients leave room for t.
        """
        lines = self.problem.X @ self.directions[self._antipodal[:, 0]].T
        return int(null_basis(lines).shape[1])

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
