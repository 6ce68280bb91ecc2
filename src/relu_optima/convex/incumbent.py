"""The best points of a solve: primal and dual are kept apart, since neither is monotone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.convex.conjugate import State


@dataclass
class Answer:
    """Best primal and dual point found.

    Attributes
    ----------
    U : array, shape (B, d)
        Blocks, the adding ones first.
    dual : array, shape (n,)
        Dual feasible vector.
    gap : float
        Relative gap on the solver's own account.
    kkt_residual : float
        Stationarity, dual feasibility and fit of the returned pair, relative.
    status : str
        ``optimal``, ``inaccurate`` or ``time_limit``.
    intercept : float
        Intercept of the output.
    """

    U: np.ndarray
    dual: np.ndarray
    gap: float
    kkt_residual: float
    status: str
    intercept: float = 0.0


class Incumbent:
    """Best primal and best dual point so far; they need not come from one iteration."""

    def __init__(self, at_zero: float) -> None:
        self.floor = 1e-12 * at_zero
        self.primal, self.dual = np.inf, -np.inf
        self.U: np.ndarray = np.zeros((0, 0))
        self.theta, self.scale = np.zeros(0), 0.0
        self.rest: State = (0.0, np.zeros(0))  # multipliers beside those of the blocks
        self.kkt = np.inf
        self.gap = np.inf

    def offer(
        self,
        primal: float,
        U: np.ndarray,
        rest: State,
        dual: float,
        theta: np.ndarray,
        scale: float,
    ) -> bool:
        """Take what is better."""
        if primal < self.primal:
            self.primal, self.U, self.rest = primal, U.copy(), rest
        if dual > self.dual:
            self.dual, self.scale, self.theta = dual, scale, theta.copy()
        gap = (self.primal - self.dual) / max(self.dual, self.floor)
        smaller = gap < self.gap
        self.gap = min(gap, self.gap)
        return smaller

    def answer(self, status: str, basis: np.ndarray | None) -> Answer:
        """Return the best points."""
        U = self.U if basis is None else self.U @ basis.T
        dual = self.scale * self.theta
        return Answer(U, dual, self.gap, self.kkt, status, self.rest[0])
