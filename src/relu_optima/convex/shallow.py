r"""Two-layer networks with any number of outputs, and what a solved program returns of them.

Objective, with rows u_j of U and v_j of V:

.. math:: \tfrac12 \Big\lVert \sum_j (X u_j)_+ v_j^\top - Y \Big\rVert_F^2
          + \lambda \sum_j \lVert u_j \rVert_2 \lVert v_j \rVert_2 ,

which is the least value of the weight-decay objective with (lam / 2) (|u_j|^2 + |v_j|^2) over all
rescalings of the neurons (AM-GM). A gated network has 1[x'g_j > 0] x'u_j in place of (x'u_j)_+.
The dual over all activation patterns is (Sahiner et al. 2021, Theorem 1)

.. math:: \max_N \; \langle N, Y \rangle - \tfrac12 \lVert N \rVert_F^2
          \quad\text{s.t.}\quad
          \max_{\lVert u \rVert \le 1} \lVert N^\top (X u)_+ \rVert \le \lambda .
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from relu_optima.errors import SolveInputError

if TYPE_CHECKING:
    from relu_optima.convex.certificate import Certificate
    from relu_optima.convex.solution import Solution


@dataclass(frozen=True)
class ShallowNetwork:
    """A network with one hidden layer and K outputs.

    Attributes
    ----------
    U : array, shape (m, d)
        First layer, one neuron in each row; shape (m, d + 1) with biases.
    V : array, shape (m, K)
        Second layer, the output weights of one neuron in each row.
    gates : array, shape (d, m), or None
        Fixed gates of a gated ReLU network; None for a ReLU network.
    biased : bool
        Whether the last weight of every neuron is its bias. The bias of an output is a neuron
        without other weights.
    """

    U: np.ndarray
    V: np.ndarray
    gates: np.ndarray | None = None
    biased: bool = False

    def __repr__(self) -> str:
        kind = "ReLU" if self.gates is None else "gated ReLU"
        shape = f"{self.U.shape[1] - self.biased}-{len(self.U)}-{self.V.shape[1]}"
        return f"<{kind} network {shape}{' with biases' if self.biased else ''}>"

    @classmethod
    def of_layers(
        cls, W: np.ndarray, b: np.ndarray, V: np.ndarray, c: np.ndarray
    ) -> ShallowNetwork:
        """Make the network V (W x + b)_+ + c of two layers with biases.

        Parameters
        ----------
        W : array, shape (m, d)
            First layer.
        b : array, shape (m,)
            Its biases.
        V : array, shape (K, m)
            Second layer.
        c : array, shape (K,)
            Its biases, which become K neurons that read nothing: each feeds its own output.

        Returns
        -------
        ShallowNetwork
            The same function, of m + K neurons.
        """
        constant = with_ones(np.zeros((len(c), W.shape[1])))
        U = np.vstack([np.column_stack([W, b]), constant])
        return cls(U, np.vstack([V.T, np.diag(c)]), biased=True)

    @property
    def n_neurons(self) -> int:
        """Neurons whose both layers are not zero."""
        return int(np.count_nonzero(self.weights()))

    def weights(self) -> np.ndarray:
        """Return |u_j| |v_j| of each neuron.

        Returns
        -------
        array, shape (m,)
            Non-negative numbers; their sum is the penalty without its strength.
        """
        return np.asarray(np.linalg.norm(self.U, axis=1) * np.linalg.norm(self.V, axis=1))

    def features(self, X: np.ndarray) -> np.ndarray:
        """Return the hidden activations.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs.

        Returns
        -------
        array, shape (n, m)
            Activations.
        """
        X = np.asarray(X, dtype=np.float64)
        if self.biased:
            X = with_ones(X)
        linear = X @ self.U.T
        if self.gates is None:
            return np.asarray(np.maximum(linear, 0.0))
        return np.where(X @ self.gates > 0, linear, 0.0)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs.

        Returns
        -------
        array, shape (n, K)
            Outputs.
        """
        return np.asarray(self.features(X) @ self.V)

    def objective(self, X: np.ndarray, Y: np.ndarray, lam: float) -> float:
        """Return the objective of the module docstring.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs.
        Y : array, shape (n,) or (n, K)
            Targets.
        lam : float
            Canonical regularisation strength.

        Returns
        -------
        float
            Half the squared error plus lam times the sum of |u_j| |v_j|.
        """
        error = self.predict(X) - np.asarray(Y, dtype=np.float64).reshape(len(X), -1)
        return 0.5 * float(np.sum(error**2)) + lam * float(self.weights().sum())

    def balanced(self) -> ShallowNetwork:
        """Rescale every neuron to |u_j| = |v_j|, without neurons that are zero.

        Returns
        -------
        ShallowNetwork
            The same function, of least squared weights.
        """
        kept = self.weights() > 0
        U, V = self.U[kept], self.V[kept]
        ratio = np.sqrt(np.linalg.norm(V, axis=1) / np.linalg.norm(U, axis=1))[:, None]
        gates = None if self.gates is None else self.gates[:, kept]
        return ShallowNetwork(U * ratio, V / ratio, gates, self.biased)


def with_ones(rows: np.ndarray) -> np.ndarray:
    """Append a column of ones."""
    return np.column_stack([rows, np.ones(len(rows), dtype=rows.dtype)])


@dataclass(frozen=True)
class ShallowSolution:
    """A certified point of a program whose answer is a `ShallowNetwork`.

    Attributes
    ----------
    X : array, shape (n, d)
        Inputs.
    Y : array, shape (n, K)
        Targets; one output is one column.
    lam : float
        Canonical regularisation strength.
    network : ShallowNetwork
        The point.
    objective : float
        Primal value: that of the network.
    dual_objective : float
        Lower bound on the optimal value of the program that ``status`` and ``exact`` speak of.
    gap : float
        (objective - dual_objective) / max(dual_objective, 1e-12 * 0.5 |Y|^2); 0 if Y = 0.
    kkt_residual : float
        (height / lam - 1)_+ at the residual Y - f(X), where height is the largest
        |N'(X u)_+| over the program's unit neurons: the relative violation of the dual constraint.
    violation : float
        Largest violated cone row, relative; 0 where the network is free of cones.
    dual : array, shape (n, K)
        Dual feasible point that attains ``dual_objective``.
    status : str
        ``optimal``, ``inaccurate``, ``time_limit``; ``lower_bound`` or ``upper_bound`` where the
        method gives only that of the network's optimum; ``sub_program`` where the bound holds for
        the neurons that were looked at, not for all.
    exact : bool
        Whether ``dual_objective`` bounds the optimum over all activation patterns.
    method : str
        Method that found it.
    formulation : str
        ``relu`` or ``gated``.
    supports : tuple of tuples of int, or None
        Inputs that a neuron may read: one of these sets; None if all.
    gates : array, shape (d, P), or None
        Gates whose patterns the program lists; None for all patterns of the data.
    parts : tuple of Solution
        The programs of single outputs that the penalty separates into; none if it does not.
    counts : dict of str to int
        Work done.
    seconds : float
        CPU time of the solve.
    bounds : tuple of tuple of float
        Best objective and best lower bound after each round of a method that has rounds.
    """

    X: np.ndarray
    Y: np.ndarray
    lam: float
    network: ShallowNetwork
    objective: float
    dual_objective: float
    gap: float
    kkt_residual: float
    violation: float
    dual: np.ndarray
    status: str
    exact: bool
    method: str
    formulation: str = "relu"
    supports: tuple[tuple[int, ...], ...] | None = None
    gates: np.ndarray | None = None
    parts: tuple[Solution, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    bounds: tuple[tuple[float, float], ...] = ()

    def __repr__(self) -> str:
        n, d = self.X.shape
        scope = "all patterns" if self.exact else "listed patterns"
        return (
            f"<{self.formulation} {n} x {d} -> {self.Y.shape[1]}, lam {self.lam:.3g}, {scope}: "
            f"{self.status}, gap {self.gap:.1e}, {self.network.n_neurons} neurons, "
            f"{self.seconds:.2f} s>"
        )

    def certify(self) -> Certificate:
        """Certify the point by code that shares nothing with the method that found it.

        Returns
        -------
        Certificate
            Bounds, gap and residuals, over the patterns of the program.

        Raises
        ------
        SolveInputError
            If the program listed patterns that the solution does not hold.
        BudgetError
            If there are more patterns than can be listed again.
        """
        from relu_optima.convex.enumeration_certificate import certify_network
        from relu_optima.convex.sparse.certificate import certify_sparse
        from relu_optima.convex.vector.certificate import add_up, certify_gated

        if self.parts:
            return add_up([part.certify() for part in self.parts], self.Y)
        if self.formulation == "gated" and self.gates is not None:
            return certify_gated(self.X, self.Y, self.gates, self.lam, self.network, self.dual)
        if not self.exact:
            raise SolveInputError(
                f"the patterns that {self.method} listed are not kept with the solution",
                allowed="solutions over all patterns, over supports of rank at most three, or "
                "over given gates",
                where="solution",
            )
        if self.supports is not None:
            y, v = self.Y[:, 0], self.network.V[:, 0]
            return certify_sparse(
                self.X, y, self.supports, self.lam, self.network.U, v, dual=self.dual[:, 0]
            )
        return certify_network(self.X, self.Y, self.lam, self.network, dual=self.dual)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs of the network.

        Parameters
        ----------
        X : array, shape (m, d)
            Inputs.

        Returns
        -------
        array, shape (m, K)
            Outputs.
        """
        return self.network.predict(X)
