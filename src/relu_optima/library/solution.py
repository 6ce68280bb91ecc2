"""A certified optimum that answers the further questions itself, so no data can be mixed up."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from relu_optima.convex.certificate import Certificate
from relu_optima.convex.network import TwoLayerNetwork
from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution
from relu_optima.convex.solution import Solution as ListedSolution
from relu_optima.errors import SolveInputError
from relu_optima.library.optima import Optima
from relu_optima.optimal_set import describe
from relu_optima.sensitivity import Sensitivity, jacobian
from relu_optima.share.convex_certificate import convex_certificate


@dataclass(frozen=True, repr=False)
class Solution:
    """A certified point of a convex program of shallow ReLU networks.

    Attributes
    ----------
    found : relu_optima.convex.Solution or relu_optima.convex.ShallowSolution
        The solved program: one output over listed gates, or any other.
    lam_max : float
        Smallest strength whose optimum is the zero network.
    """

    found: ListedSolution | ShallowSolution
    lam_max: float

    def __repr__(self) -> str:
        n, d = self._data[0].shape
        Y = self._data[1]
        outputs = f" -> {Y.shape[1]}" if Y.ndim == 2 and Y.shape[1] > 1 else ""
        share = f" ({self.lam / self.lam_max:.3g} of max)" if self.lam_max > 0 else ""
        return (
            f"<{self.found.formulation} {n} x {d}{outputs}, lam {self.lam:.3g}{share}: "
            f"{self.status}, gap {self.gap:.1e}, {self.n_neurons} neurons, "
            f"{self.found.seconds:.2f} s>"
        )

    @property
    def _data(self) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(self.found, ListedSolution):
            return self.found.problem.X, self.found.problem.y
        return self.found.X, self.found.Y

    @property
    def lam(self) -> float:
        """Canonical regularisation strength."""
        return self.found.lam

    @property
    def objective(self) -> float:
        """Primal value: the loss plus lam times the group norms."""
        return self.found.objective

    @property
    def dual_objective(self) -> float:
        """Lower bound on the optimal value of the program."""
        return self.found.dual_objective

    @property
    def gap(self) -> float:
        """Relative duality gap."""
        return self.found.gap

    @property
    def kkt_residual(self) -> float:
        """Largest violation of stationarity, relative to lam."""
        return self.found.kkt_residual

    @property
    def violation(self) -> float:
        """Largest violated cone row, relative."""
        return self.found.violation

    @property
    def status(self) -> str:
        """``optimal``, or what else became of the solve (see `relu_optima.solve`)."""
        return self.found.status

    @cached_property
    def network(self) -> TwoLayerNetwork | ShallowNetwork:
        """The network that attains ``objective``, every neuron balanced."""
        if isinstance(self.found, ListedSolution):
            return self.found.network()
        return self.found.network.balanced()

    @property
    def n_neurons(self) -> int:
        """Number of its neurons."""
        network = self.network
        return network.w2.size if isinstance(network, TwoLayerNetwork) else network.n_neurons

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs of the network.

        Parameters
        ----------
        X : array, shape (m, d)
            Inputs.

        Returns
        -------
        array, shape (m,) or (m, K)
            Outputs, a vector where there is one.

        Raises
        ------
        SolveInputError
            If X has another number of columns than the data of the solution.
        """
        X = np.asarray(X, dtype=np.float64)
        d = self._data[0].shape[1]
        if X.ndim != 2 or X.shape[1] != d:
            raise SolveInputError(
                f"it has shape {X.shape}", allowed=f"(rows, {d}), as the program had", where="X"
            )
        outputs = self.found.predict(X)
        return outputs[:, 0] if outputs.ndim == 2 and outputs.shape[1] == 1 else outputs

    def certify(self, *, recompute: bool = False) -> Certificate:
        """Certify the point by code that shares nothing with the solver.

        Parameters
        ----------
        recompute : bool, default False
            Find the multipliers of the bound anew in place of checking the solver's, where there
            are any.

        Returns
        -------
        Certificate
            Bounds, gap and residuals.
        """
        if isinstance(self.found, ListedSolution):
            return self.found.certify(recompute=recompute)
        return self.found.certify()

    def to_json(self) -> str:
        """Write data, network, dual vector and both bounds for `relu-optima verify`.

        Returns
        -------
        str
            A certificate that plain Python re-checks in exact arithmetic.

        Raises
        ------
        SolveInputError
            If the program has several outputs, or gates that are not listed.
        """
        listed = self._listed("certificates are written")
        return json.dumps(convex_certificate(listed))

    def optima(self, *, slack_tol: float = 1e-12, merge_tol: float = 1e-5) -> Optima:
        """Describe all optima of the program (Mishkin & Pilanci 2023, Prop. 3.2).

        Parameters
        ----------
        slack_tol : float, default 1e-12
            Relative slack up to which a block belongs to the equicorrelation set.
        merge_tol : float, default 1e-5
            Distance below which unit directions of one sign are one neuron.

        Returns
        -------
        Optima
            The polytope of optimal networks.

        Raises
        ------
        SolveInputError
            If the program has several outputs, or gates that are not listed.
        DegenerateError
            If the solution is too inaccurate.
        """
        listed = self._listed("all optima are described")
        X, y = listed.problem.X, listed.problem.y
        optimal = describe(listed, X, y, slack_tol=slack_tol, merge_tol=merge_tol)
        return Optima(listed, optimal, {"slack_tol": slack_tol, "merge_tol": merge_tol})

    def jacobian(self) -> Sensitivity:
        """Differentiate the optimum with respect to lam and to the data.

        Returns
        -------
        Sensitivity
            Derivatives, degrees of freedom, leave-one-out predictions.

        Raises
        ------
        SolveInputError
            If the program has several outputs, or gates that are not listed.
        DegenerateError
            If there is no derivative at this point.
        """
        listed = self._listed("derivatives are taken")
        return jacobian(listed, listed.problem.X, listed.problem.y)

    def _listed(self, what: str) -> ListedSolution:
        if isinstance(self.found, ListedSolution):
            return self.found
        raise SolveInputError(
            f"{what} for one output over listed gates",
            allowed="solve(X, y, lam, gates=<number or array>) with y of shape (n,)",
            where="solution",
        )
