"""What the one-dimensional solvers return: a spline with its certificate and its networks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from relu_optima.convex.loss import loss_value
from relu_optima.convex.one_dimensional.certificate import (
    SplineCertificate,
    certify_spline,
)
from relu_optima.convex.one_dimensional.network import FreeBiasNetwork, network_of_ramps
from relu_optima.convex.one_dimensional.width import Cover, cover_spline

TIE = 1e-9  # |e| and TV that differ by less, relative to them, are equal: the default gap


@dataclass(frozen=True)
class SplineSolution:
    r"""An optimal network of one input with free biases, as the linear spline it is.

    Attributes
    ----------
    x, y, weights : array, shape (n,)
        The data, in the order given.
    beta : float
        Strength of the penalty; 0 for an interpolation.
    loss : {"squared", "hinge", "logistic", "huber", "interpolation"}
        Loss that was minimised; an interpolation minimises the penalty alone.
    nodes, node_values : array, shape (K + 2,)
        Least abscissa, knots, largest abscissa, and the values there; one node if all x are equal.
    objective : float
        Loss plus beta * R(f); R(f) alone for an interpolation.
    dual_objective : float
        Lower bound on the objective of every network of any width with free biases.
    gap : float
        (objective - dual_objective) / max(dual_objective, 1e-12 * loss of the best constant).
    violation : float
        By how much the unscaled dual vector leaves its tube, relative to beta; for an
        interpolation the largest misfit.
    dual : array, shape (n,)
        Dual feasible vector that proves the bound, in the order of the data.
    tau : float
        Slope multiplier in [-1, 1] divided by beta: 0 if bending alone is paid for, +-1 if the
        ends decide, between on the border.
    status : {"optimal", "inaccurate", "time_limit"}
        Whether the certified gap is within the tolerance; else why not.
    counts : dict of str to int
        Rounds, linear systems and so on of the method.
    seconds : float
        CPU time of the solve with its certificate.
    delta : float
        Distance at which the Huber loss turns linear.
    """

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    beta: float
    loss: str
    nodes: np.ndarray
    node_values: np.ndarray
    objective: float
    dual_objective: float
    gap: float
    violation: float
    dual: np.ndarray
    tau: float
    status: str
    counts: dict[str, int]
    seconds: float
    delta: float = 1.0

    @property
    def knots(self) -> np.ndarray:
        """Interior abscissae at which the slope changes.

        Returns
        -------
        array, shape (K,)
            Increasing; each is a data point.
        """
        return self.nodes[1:-1]

    @property
    def values(self) -> np.ndarray:
        """Values of the spline at its knots.

        Returns
        -------
        array, shape (K,)
            Values.
        """
        return self.node_values[1:-1]

    @property
    def slopes(self) -> np.ndarray:
        """Slopes between the nodes.

        Returns
        -------
        array, shape (K + 1,)
            Slopes, from left to right; empty if all x are equal.
        """
        return np.diff(self.node_values) / np.diff(self.nodes)

    @property
    def slope_changes(self) -> np.ndarray:
        """Change of the slope at each knot.

        Returns
        -------
        array, shape (K,)
            Weights of the ramps, up to their side.
        """
        return np.diff(self.slopes)

    @property
    def norm(self) -> float:
        r"""Least penalty of a network with these values at the data.

        Returns
        -------
        float
            R = (TV + max(TV, |e|)) / 2 with the total variation TV of the slope and the sum e of
            the first and the last slope.
        """
        if self.nodes.size < 2:
            return 0.0
        bent = float(np.abs(self.slope_changes).sum())
        return 0.5 * (bent + max(bent, abs(float(self.slopes[0] + self.slopes[-1]))))

    @property
    def regime(self) -> str:
        """Which part of the penalty is active.

        Returns
        -------
        {"bends", "border", "ends"}
            |e| < TV (tau = 0), |e| = TV (0 <= |tau| <= 1) or |e| > TV (|tau| = 1), by the values.
        """
        if self.nodes.size < 2:
            return "bends"
        bent = float(np.abs(self.slope_changes).sum())
        ends = abs(float(self.slopes[0] + self.slopes[-1]))
        if abs(ends - bent) <= TIE * max(ends, bent):
            return "border"
        return "bends" if ends < bent else "ends"

    @cached_property
    def _cover(self) -> Cover:
        data = np.unique(self.x[self.weights > 0])
        index = np.searchsorted(data, self.nodes)
        return cover_spline(self.nodes, self.node_values, index, data.size - 1, sparsest=True)

    @property
    def least_width(self) -> int:
        """Neurons of the narrowest optimal network with these values at the data.

        Returns
        -------
        int
            Exact if `least_width_bound` is the same number; else one more than the bound, which is
            what `network` achieves.
        """
        return self._cover.place.size

    @property
    def least_width_bound(self) -> int:
        """Lower bound on the width of all optimal networks with these values at the data.

        Returns
        -------
        int
            `least_width` or, where a subset sum is too large to be decided, `least_width` - 1.
        """
        return self._cover.least

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Read the spline, which is linear beyond the data.

        Parameters
        ----------
        x : array, shape (m,)
            Abscissae.

        Returns
        -------
        array, shape (m,)
            Values; exact to rounding at any distance of the knots.
        """
        at = np.asarray(x, dtype=np.float64)
        if self.nodes.size == 1:
            return np.full(at.shape, self.node_values[0])
        k = np.clip(np.searchsorted(self.nodes, at, side="right") - 1, 0, self.nodes.size - 2)
        t = (at - self.nodes[k]) / (self.nodes[k + 1] - self.nodes[k])
        return np.asarray(self.node_values[k] * (1 - t) + self.node_values[k + 1] * t)

    def network(self, *, narrow: bool = False) -> FreeBiasNetwork:
        """Make a network whose values at the data are the spline's and whose penalty is R.

        Parameters
        ----------
        narrow : bool, default False
            Take `least_width` neurons. Their kinks may lie between the data, where the network
            then differs from the spline; otherwise it is the spline everywhere between its ends.

        Returns
        -------
        FreeBiasNetwork
            Balanced network; at most one neuron more than there are knots.
        """
        nodes, values, cover = self.nodes, self.node_values, self._cover
        if not narrow:
            index = np.arange(nodes.size)
            cover = cover_spline(nodes, values, index, nodes.size - 1, sparsest=False)
        anchor = int(np.argmin(np.abs(nodes - np.mean(nodes))))
        return network_of_ramps(
            cover.place, cover.height, cover.left, float(nodes[anchor]), float(values[anchor])
        )

    def loss_of(self, output: np.ndarray) -> float:
        """Return the loss of outputs at the data.

        Parameters
        ----------
        output : array, shape (n,)
            Outputs at `x`.

        Returns
        -------
        float
            Weighted sum of the losses of the rows; 0 for an interpolation.
        """
        if self.loss == "interpolation":
            return 0.0
        rows = loss_value(self.loss, output, self.y, self.delta)
        return float(np.sum(self.weights * rows))

    def objective_of(self, network: FreeBiasNetwork) -> float:
        """Return what a network with free biases reaches on the same program.

        Parameters
        ----------
        network : FreeBiasNetwork
            Any network of one input.

        Returns
        -------
        float
            Its loss plus beta times its penalty; its penalty alone for an interpolation.
        """
        strength = 1.0 if self.loss == "interpolation" else self.beta
        return self.loss_of(network.predict(self.x)) + strength * network.penalty()

    def certify(self) -> SplineCertificate:
        """Recompute value, bound and gap from the data and the stored spline alone.

        Returns
        -------
        SplineCertificate
            Made by code that shares nothing with the solvers.
        """
        return certify_spline(
            self.x, self.y, self.weights, self.beta, self.loss, self.nodes, self.node_values,
            dual=self.dual, delta=self.delta,
        )  # fmt: skip


def dual_tube(solution: SplineSolution) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted data points and the dual curve G there.

    It runs between max(-beta, M - beta) and min(beta, M + beta), M = G at the first point, and
    touches one of them wherever the slope changes.
    """
    order = np.argsort(solution.x, kind="stable")
    x = solution.x[order]
    left = np.zeros(x.size)
    left[1:] = np.cumsum(np.cumsum(solution.dual[order])[:-1] * np.diff(x))
    return x, left - left[-1]
