"""One convex program as a function of lam: solve it anywhere, starting from a neighbour."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from relu_optima.errors import DegenerateError, SolveInputError
from relu_optima.optimal_set.blocks import ConvexSolution, StoredSolution, blocks_of
from relu_optima.optimal_set.description import describe
from relu_optima.optimal_set.model_set import OptimalSet
from relu_optima.optimal_set.rank import RANK_TOL
from relu_optima.sensitivity.implicit import Sensitivity

MAX_HALVINGS = 8  # times a step in log lam is halved before giving up


@dataclass(frozen=True)
class Program:
    """Data, gates and formulation of a convex program whose lam varies.

    Attributes
    ----------
    X : array, shape (n, d)
        Training inputs.
    y : array, shape (n,)
        Training targets.
    gates : array, shape (d, P)
        Gate vectors.
    formulation : str
        ``relu`` or ``gated``.
    slack_tol, merge_tol, rank_tol : float, > 0
        Tolerances of `relu_optima.optimal_set.describe`.
    """

    X: np.ndarray
    y: np.ndarray
    gates: np.ndarray
    formulation: str
    slack_tol: float = 1e-12
    merge_tol: float = 1e-5
    rank_tol: float = RANK_TOL

    @cached_property
    def lam_max(self) -> float:
        """Smallest lam whose optimum is zero: the largest |Proj_{K_b}(X_b' y)|."""
        blocks = blocks_of(self._zero(1.0), self.X, self.y)
        correlations = blocks.correlations(blocks.y)
        lengths = np.linalg.norm(correlations, axis=1)
        best = 0.0
        for block in np.argsort(-lengths, kind="stable"):
            if lengths[block] <= best:
                break
            projection = blocks.project(int(block), correlations[block], best)
            best = max(best, float(np.linalg.norm(projection.point)) if projection.exact else 0.0)
        return best

    def solve(
        self, lam: float, near: OptimalSet | None = None, slope: Sensitivity | None = None
    ) -> OptimalSet:
        """Describe the optimum at one lam.

        Parameters
        ----------
        lam : float, > 0
            Canonical regularisation strength.
        near : OptimalSet, optional
            Optimum of this program at another lam; the zero network at lam_max by default. The
            step from there is divided, evenly in log lam, until every part converges.
        slope : Sensitivity, optional
            Derivatives at that neighbour; the first attempt then starts from its prediction.

        Returns
        -------
        OptimalSet
            The optimal set at lam.

        Raises
        ------
        SolveInputError
            If lam is not positive.
        DegenerateError
            If no subdivision converges.
        """
        if not lam > 0:
            raise SolveInputError(f"lam is {lam}", allowed="lam > 0")
        if near is None:
            near = self._describe(self._zero(max(lam, self.lam_max * (1 + 1e-9), 1e-300)))
        for halvings in range(MAX_HALVINGS + 1):
            stops = np.geomspace(near.problem.lam, lam, 2**halvings + 1)[1:]
            stops[-1] = lam
            try:
                current = near
                for stop in stops:
                    current = self._step(current, float(stop), None if halvings else slope)
            except DegenerateError:
                if halvings == MAX_HALVINGS:
                    raise
            else:
                return current
        raise AssertionError("unreachable: the last subdivision returns or raises")

    def with_targets(self, y: np.ndarray) -> Program:
        """Return the same program with other targets.

        Parameters
        ----------
        y : array, shape (n,)
            Targets.

        Returns
        -------
        Program
            The changed program.
        """
        return replace(self, y=y)

    def with_tolerances(self, slack_tol: float, merge_tol: float, rank_tol: float) -> Program:
        """Return the same program, described with other tolerances.

        Parameters
        ----------
        slack_tol, merge_tol, rank_tol : float, > 0
            Tolerances of `relu_optima.optimal_set.describe`.

        Returns
        -------
        Program
            The changed program.
        """
        return replace(self, slack_tol=slack_tol, merge_tol=merge_tol, rank_tol=rank_tol)

    def resolve(self, near: OptimalSet) -> OptimalSet:
        """Describe the optimum at the lam of a neighbouring problem, started from its optimum.

        Parameters
        ----------
        near : OptimalSet
            Optimum of a program with the same gates, at the lam wanted.

        Returns
        -------
        OptimalSet
            The optimal set of this program.
        """
        return self._step(near, near.problem.lam)

    def _step(self, near: OptimalSet, lam: float, slope: Sensitivity | None = None) -> OptimalSet:
        v, w = near.weights(near.start) if slope is None else slope.predict_weights(lam)
        return self._describe(StoredSolution(self.gates, v, w, lam, self.formulation))

    def _describe(self, guess: ConvexSolution) -> OptimalSet:
        return describe(
            guess,
            self.X,
            self.y,
            slack_tol=self.slack_tol,
            merge_tol=self.merge_tol,
            rank_tol=self.rank_tol,
        )

    def _zero(self, lam: float) -> StoredSolution:
        zeros = np.zeros(self.gates.T.shape)
        return StoredSolution(self.gates, zeros, zeros, lam, self.formulation)


def program_of(
    solution: ConvexSolution,
    X: np.ndarray,
    y: np.ndarray,
    *,
    slack_tol: float = 1e-12,
    merge_tol: float = 1e-5,
) -> Program:
    """Take the program of a solution apart.

    Parameters
    ----------
    solution : ConvexSolution
        Solved program.
    X : array, shape (n, d)
        Training inputs.
    y : array, shape (n,)
        Training targets.
    slack_tol, merge_tol : float, > 0
        Tolerances of `relu_optima.optimal_set.describe`.

    Returns
    -------
    Program
        The same program with lam free.
    """
    blocks = blocks_of(solution, X, y)
    return Program(blocks.X, blocks.y, blocks.gates, solution.formulation, slack_tol, merge_tol)
