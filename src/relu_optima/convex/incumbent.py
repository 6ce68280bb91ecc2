"""The best points of a solve: primal and dual are kept apart, since neither is monotone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
    """

    U: np.ndarray
    dual: np.ndarray
    gap: float
    kkt_residual: float
    status: str


class Incumbent:
    """Best primal and best dual point so far; they need not come from one iteration."""

    def __init__(self, y: np.ndarray) -> None:
        self.floor = 1e-12 * 0.5 * float(y @ y)
        self.primal, self.dual = np.inf, -np.inf
        self.U: np.ndarray = np.zeros((0, 0))
        self.theta, self.scale = np.zeros_like(y), 0.0
        self.kkt = np.inf
        self.gap = np.inf

    def offer(
        self, primal: float, U: np.ndarray, dual: float, theta: np.ndarray, scale: float
    ) -> bool:
        """Take what is better."""
        if primal < self.primal:
            self.primal, self.U = primal, U.copy()
        if dual > self.dual:
            self.dual, self.scale, self.theta = dual, scale, theta.copy()
        gap = (self.primal - self.dual) / max(self.dual, self.floor)
        smaller = gap < self.gap
        self.gap = min(gap, self.gap)
        return smaller

    def answer(self, status: str, basis: np.ndarray | None) -> Answer:
        """Return the best points."""
        U = self.U if basis is None else self.U @ basis.T
        return Answer(U, self.scale * self.theta, self.gap, self.kkt, status)
