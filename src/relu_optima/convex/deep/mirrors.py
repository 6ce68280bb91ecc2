r"""Networks of one input and any depth as a lasso over mirrored and clipped ramps.

The network is a sum of branches, each a chain of scalar ReLU neurons with free biases,

.. math:: f(x) = \xi + \sum_i z_i \, \phi_i(x), \qquad
          \tfrac12 \sum_j m_j (f(x_j) - y_j)^2 + \lambda \sum_i |z_i| ,

which is the value of training with penalty (λ/L) Σ |w|^L over all weights of all branches (AM-GM;
weight decay for L = 2): Zeger, Wang, Mishkin, Ergen, Candès & Pilanci, "A library of mirrors"
(2024).

*Depth 2.* φ is a ramp (x - a)₊ or (a - x)₊. With slopes s_k between neighbouring points and
Δ their changes the penalty of a function is ½(|Δ|₁ + max(|Δ|₁, |s_first + s_last|)).

*Depth 3 and more.* A chain of scalar ReLUs is monotone and piecewise linear with slope 0 or one
other value, hence, up to a constant, z · clip(x; a, b), the ramp from a that stops at b (b = ∞
allowed; depth 3 has them all: (b - a - (x - a)₊)₊). On the data its slopes are z on the intervals
inside [a, b] and 0 outside. So a slope sequence s, extended by 0 on both sides, is to be written as
a sum of multiples of runs, and each run has two ends: the penalty is **half the total variation of
the extended slopes**, ½(|s_first| + |Δ|₁ + |s_last|). (At least: each run accounts for two jumps
of size |z|. At most: cut s into level sets.) More layers change nothing, and breakpoints between
data points, such as the reflections 2a - b of the depth-4 dictionary, add optima but do not lower
the value: the dual constraint |Σ_j ν_j clip(x_j; a, b)| ≤ λ is piecewise linear in a and in b, so
it is tightest at data points.

So depth 3 costs at most what depth 2 costs, and as little as half: "a deep network gives the spline
of two layers" is not true of the cost. In weight decay, (λ/2) Σ w², one branch costs
(λL/2)|z|^{2/L}, which favours few branches: `weight_decay_branches` are those of the lasso or the
best single branch, and their value is an upper bound of the optimum under weight decay, where
branches may also share weights.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from relu_optima.convex.deep.branches import (
    branch_network,
    branch_values,
    branches_of,
    single_branch,
)
from relu_optima.convex.deep.mirror_cost import dual_bound, merged_points, spline_cost
from relu_optima.convex.deep.mirror_solver import polished, quadratic_program, slope_changes
from relu_optima.convex.deep.network import DeepNetwork
from relu_optima.convex.deep.value import check_depth, check_strength


@dataclass(frozen=True)
class DeepSpline:
    """A certified optimum of the lasso of the module docstring.

    Attributes
    ----------
    x, y, weights : array, shape (N,)
        Distinct points in increasing order, mean targets, rows at each point.
    depth : int
        Layers of weights.
    lam : float
        Canonical strength.
    values : array, shape (N,)
        Fitted values.
    objective, dual_objective : float
        Value and proved lower bound.
    dual : array, shape (N,)
        Dual feasible point of that bound.
    path_norm : float
        Σ |z|.
    branches : array, shape (m, 3)
        a, b and z of each clipped ramp; for depth 2 b is the side, +inf (right) or -inf (left).
    status : {"optimal", "inaccurate"}
        Whether the relative gap is within the tolerance.
    lost : float
        Squared error within repeated points, halved; part of both objectives.
    """

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    depth: int
    lam: float
    values: np.ndarray
    objective: float
    dual_objective: float
    dual: np.ndarray
    path_norm: float
    branches: np.ndarray
    status: str
    lost: float

    @property
    def gap(self) -> float:
        """Relative duality gap."""
        return (self.objective - self.dual_objective) / max(self.dual_objective, 1e-300)

    def network(self) -> DeepNetwork:
        """Make the network: one diagonal path for each branch, balanced.

        Returns
        -------
        DeepNetwork
            With free biases; its outputs on the points are ``values``.
        """
        return branch_network(self.x, self.values, self.branches, self.depth)

    def weight_decay_network(self) -> DeepNetwork:
        """Make the cheaper, under weight decay, of the network above and the best single branch.

        Returns
        -------
        DeepNetwork
            Its objective is an upper bound of the optimum under weight decay.
        """
        plain = self.network()
        branch = single_branch(self.x, self.y, self.weights, self.lam, self.depth)
        if branch is None:
            return plain
        outputs = branch_values(self.x, self.y, self.weights, branch)
        single = branch_network(self.x, outputs, branch[None], self.depth)
        return single if self._decayed(single) < self._decayed(plain) else plain

    @property
    def weight_decay_objective(self) -> float:
        """½ squared error plus (λ/2) squared weights of `weight_decay_network`."""
        return self._decayed(self.weight_decay_network())

    def _decayed(self, network: DeepNetwork) -> float:
        error = network.predict(self.x[:, None])[:, 0] - self.y
        penalty = sum(float(np.sum(w**2)) for w in network.weights)
        return 0.5 * float(self.weights @ error**2) + self.lost + 0.5 * self.lam * penalty


def deep_spline(
    x: np.ndarray, y: np.ndarray, lam: float, depth: int, *, tol: float = 1e-8
) -> DeepSpline:
    r"""Solve the lasso of parallel scalar ReLU chains on data with one input.

    .. math:: \min \tfrac12 \sum_j (f(x_j) - y_j)^2 + \lambda \sum_i |z_i|, \qquad
              f = \xi + \sum_i z_i \, \phi_i

    Parameters
    ----------
    x : array, shape (n,) or (n, 1)
        Inputs, at most 2000 distinct ones, at least two.
    y : array, shape (n,) or (n, 1)
        Targets.
    lam : float
        Canonical strength, positive.
    depth : int
        Layers of weights, from 2.
    tol : float
        Relative duality gap up to which the status is ``optimal``. The dense polish on the knots
        found reaches about 1e-12.

    Returns
    -------
    DeepSpline
        Optimum with certificate; every depth from 3 on has the same value (module docstring).

    Raises
    ------
    SolveInputError
        For arguments out of range or fewer than two distinct points.

    References
    ----------
    Zeger, Wang, Mishkin, Ergen, Candès & Pilanci, "A library of mirrors: deep neural nets in low
    dimensions are convex lasso models with reflection features", 2024.
    """
    depth, lam = check_depth(depth), check_strength(lam)
    points, mean, count, lost = merged_points(x, y)
    D, extra = slope_changes(points, depth)
    f = quadratic_program(points, mean, count, lam, D, extra)
    f = polished(points, mean, count, lam, D, extra, f)
    fit = 0.5 * float(count @ (f - mean) ** 2)
    norm = spline_cost(points, f, depth)
    value = fit + lam * norm + lost
    bound, dual = dual_bound(points, mean, count, lam, depth, f)
    bound = min(bound + lost, value)
    optimal = value - bound <= tol * max(bound, 1e-300)
    return DeepSpline(
        points, mean, count, depth, lam, f, value, bound, dual, norm,
        branches_of(points, f, depth), "optimal" if optimal else "inaccurate", lost,
    )  # fmt: skip


def mirror_dictionary(x: np.ndarray, depth: int) -> np.ndarray:
    """Return the distinct columns of the dictionary of a depth: ramps, clips, reflections.

    Parameters
    ----------
    x : array, shape (n,)
        Inputs.
    depth : {2, 3, 4}
        Layers of weights. Ramps with breakpoints at data points; their ReLUs less their value at
        data points; depth 4 also starts at reflections 2a - b of data points about each other.

    Returns
    -------
    array, shape (N, columns)
        On the N distinct points in increasing order; no zero column, no column twice.

    Raises
    ------
    SolveInputError
        For another depth.

    Notes
    -----
    The number of columns grows like N^(depth - 1); meant for some dozen points.
    """
    depth = check_depth(depth, most=4)
    points = np.unique(np.asarray(x, dtype=np.float64).reshape(-1))
    first = list(points)
    if depth == 4:
        first += [2 * a - b for a, b in itertools.permutations(points, 2)]
    # a ramp carries its values on the points; the next layer subtracts its value at a point
    level = [np.maximum(sign * (points - a), 0.0) for a in first for sign in (1.0, -1.0)]
    for _ in range(depth - 2):
        level = [
            np.maximum(sign * (column - column[j]), 0.0)
            for column in level
            for j in range(len(points))
            for sign in (1.0, -1.0)
        ]
    scale = max(float(np.ptp(points)), 1e-300)
    distinct = {tuple(np.round(c / scale, 12)): c for c in level if np.abs(c).max() > 1e-12 * scale}
    return np.array([distinct[key] for key in sorted(distinct)]).T
