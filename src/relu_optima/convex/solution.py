"""What a solve returns."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from relu_optima.convex.certificate import Certificate, certify
from relu_optima.convex.evidence import Evidence
from relu_optima.convex.gates import activation_patterns
from relu_optima.convex.loss import Loss
from relu_optima.convex.network import TwoLayerNetwork, network_from_blocks
from relu_optima.convex.problem import Problem, data_digest
from relu_optima.errors import SolveInputError


@dataclass(frozen=True)
class Solution:
    r"""A certified point of a convex ReLU program over listed gates.

    ReLU: f(x) = sum_i (x'v_i)_+ - (x'w_i)_+ ; gated: f(x) = sum_i 1[x'g_i > 0] x'v_i and w = 0.

    Attributes
    ----------
    problem : Problem
        The program that was solved: data, gates, patterns and formulation.
    v, w : array, shape (P, d)
        Adding and subtracting blocks.
    lam : float
        Canonical regularisation strength.
    objective : float
        Primal value, that of the network itself.
    dual_objective : float
        Lower bound on the optimal value over these gates.
    gap : float
        (objective - dual_objective) / max(dual_objective, 1e-12 * loss of the zero network); 0 if
        that is 0.
    kkt_residual : float
        Largest violation of stationarity, divided by lam.
    violation : float
        Largest violation of a unit cone row, relative to the largest block.
    dual : array, shape (n,)
        Dual feasible vector that attains ``dual_objective``.
    status : str
        ``optimal``, ``inaccurate`` (gap above tol) or ``time_limit``.
    seconds : float
        CPU time of the solve.
    backend : str
        Method that found it.
    counts : dict of str to int
        Work done, e.g. iterations, projections.
    evidence : Evidence or None
        Multipliers that prove ``dual`` feasible; None where a look at the blocks does, or where
        the method gives none.
    intercept : float
        Intercept of the output, which has no penalty; 0 where the program has none.
    """

    problem: Problem
    v: np.ndarray
    w: np.ndarray
    lam: float
    objective: float
    dual_objective: float
    gap: float
    kkt_residual: float
    violation: float
    dual: np.ndarray
    status: str
    seconds: float
    backend: str
    counts: dict[str, int] = field(default_factory=dict)
    evidence: Evidence | None = None
    intercept: float = 0.0

    def __repr__(self) -> str:
        n, d = self.problem.X.shape
        blocks = len(self.v) * (2 if self.formulation == "relu" else 1)
        kind = self.formulation if self.loss is None else f"{self.formulation}, {self.loss.name}"
        return (
            f"<{kind} {n} x {d}, lam {self.lam:.3g}: {self.status}, "
            f"gap {self.gap:.1e}, {self.n_active} of {blocks} blocks, {self.seconds:.2f} s>"
        )

    @property
    def gates(self) -> np.ndarray:
        """Gates of the distinct non-zero patterns, shape (d, P), ordered by their patterns."""
        return self.problem.gates

    @property
    def formulation(self) -> str:
        """``relu`` or ``gated``."""
        return self.problem.formulation

    @property
    def loss(self) -> Loss | None:
        """The loss; None for the squared one without an intercept."""
        return self.problem.loss

    def check_data(self, X: np.ndarray, y: np.ndarray) -> None:
        """Refuse data that the solution does not belong to.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs.
        y : array, shape (n,) or (n, 1)
            Targets.

        Raises
        ------
        SolveInputError
            If any entry differs from the program that was solved, also by a change in place since.
        """
        if data_digest(X, y) != self.problem.digest:
            n, d = self.problem.X.shape
            raise SolveInputError(
                f"X of shape {np.shape(X)} and y of shape {np.shape(y)} are not the data of the "
                "solution",
                allowed=f"the {n} x {d} inputs and {n} targets it was computed from, unchanged",
                where="X, y",
                fix="solve again on these data",
            )

    @property
    def n_active(self) -> int:
        """Number of non-zero blocks."""
        return int(np.any(self.v != 0, axis=1).sum() + np.any(self.w != 0, axis=1).sum())

    def certify(self, *, recompute: bool = False) -> Certificate:
        """Certify the point by code that shares nothing with the solver.

        Parameters
        ----------
        recompute : bool, default False
            Find the multipliers of the dual bound anew in place of checking the solver's; slower,
            and the bound at most a rounding error worse.

        Returns
        -------
        Certificate
            Bounds, gap and residuals.
        """
        program = self.problem
        return certify(
            program.X,
            program.y,
            program.gates,
            self.lam,
            self.v,
            self.w,
            program.formulation,
            dual=self.dual,
            evidence=None if recompute else self.evidence,
            loss=self.loss,
            intercept=self.intercept,
        )

    def network(self, *, merge_tol: float = 1e-5) -> TwoLayerNetwork:
        """Return the network: ReLU, or gated ReLU with its gates.

        Parameters
        ----------
        merge_tol : float, default 1e-5
            Same-sign blocks of a ReLU program whose directions agree to this are one neuron.

        Returns
        -------
        TwoLayerNetwork
            W1 of shape (p, d) and w2 of shape (p,), every neuron balanced.
        """
        gates = self.gates if self.formulation == "gated" else None
        network = network_from_blocks(self.v, self.w, gates=gates, merge_tol=merge_tol)
        return replace(network, b2=self.intercept)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs of the solution's network.

        Parameters
        ----------
        X : array, shape (m, d)
            Inputs.

        Returns
        -------
        array, shape (m,)
            Outputs.
        """
        X = np.asarray(X, dtype=np.float64)
        if self.formulation == "gated":
            linear = np.where(activation_patterns(X, self.gates), X @ self.v.T, 0.0)
            return np.asarray(linear.sum(axis=1) + self.intercept)
        used_v, used_w = (a[np.any(a != 0, axis=1)] for a in (self.v, self.w))
        up = np.maximum(X @ used_v.T, 0.0).sum(axis=1)
        return np.asarray(up - np.maximum(X @ used_w.T, 0.0).sum(axis=1) + self.intercept)


def certified(
    problem: Problem,
    v: np.ndarray,
    w: np.ndarray,
    lam: float,
    proof: Certificate,
    status: str,
    started: float,
    backend: str,
    counts: dict[str, int],
) -> Solution:
    """Make a solution of a point that is known by its certificate alone."""
    return Solution(
        problem=problem,
        v=v,
        w=w,
        lam=lam,
        objective=proof.objective,
        dual_objective=proof.dual_objective,
        gap=proof.gap,
        kkt_residual=proof.kkt_residual,
        violation=proof.violation,
        dual=proof.dual,
        status=status,
        seconds=time.process_time() - started,
        backend=backend,
        counts=counts,
    )
