r"""The deep program on given data, where a theorem gives its value.

.. math:: \min_\theta \tfrac12 \lVert f_\theta(X) - Y \rVert_F^2
          + \tfrac{\lambda}{2} \lVert \theta \rVert^2

| networks | data | status |
| --- | --- | --- |
| linear, any L | X Xᵀ = I | optimal |
| ReLU, any L | X = c aᵀ with c ≥ 0 | optimal |
| ReLU, L = 2 | X Xᵀ = I, one-hot Y | optimal |
| ReLU, L ≥ 3 | X Xᵀ = I, one-hot Y | upper bound |
| ReLU with batch normalisation, any L | n ≤ d, centred rank n - 1, one-hot Y | optimal |

*Rank one.* A network without biases is positively homogeneous, so f(c_i a) = c_i f(a) and
f(X) = c zᵀ with z = f(a). With |a| = ρ and ReLU 1-Lipschitz at 0, |z| ≤ ρ Π‖W_l‖, hence
Σ‖W_l‖² ≥ L (|z|/ρ)^{2/L}, attained by one path of rank-one layers whose hidden units are not
negative. With s = |c||z| and σ = |Yᵀc|/|c| what is left is the scalar problem with
λ (|c| ρ)^{-2/L} in place of λ, plus ½(‖Y‖² - σ²).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.convex.deep.bounds import linear_bound, relu_bound
from relu_optima.convex.deep.conditions import (
    check_data,
    check_one_hot,
    check_orthonormal,
    rank_one,
)
from relu_optima.convex.deep.network import DeepNetwork, Neurons
from relu_optima.convex.deep.scalar import shrink
from relu_optima.convex.deep.value import DeepValue, check_depth, check_strength, deep_value
from relu_optima.errors import SolveInputError


@dataclass(frozen=True)
class DeepSolution:
    """A deep network of closed form with what proves it.

    Attributes
    ----------
    network : DeepNetwork
        The point.
    objective : float
        Value of the network on the data.
    dual_objective : float
        Proved lower bound for all networks of this depth and kind.
    status : {"optimal", "inaccurate", "upper_bound"}
        ``inaccurate`` if a value known to be optimal missed the bound by more than ``tol``.
    theorem : str
        Which statement applies: ``linear``, ``rank_one``, ``whitened`` or ``batch_norm``.
    value : DeepValue or None
        The closed form; None for data of rank one.
    """

    network: DeepNetwork
    objective: float
    dual_objective: float
    status: str
    theorem: str
    value: DeepValue | None

    @property
    def gap(self) -> float:
        """(objective - dual_objective) / dual_objective."""
        return (self.objective - self.dual_objective) / max(self.dual_objective, 1e-300)


def solve_deep(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    depth: int,
    *,
    neurons: Neurons = "relu",
    batch_norm: bool = False,
    width: int | None = None,
    tol: float = 1e-8,
) -> DeepSolution:
    r"""Solve a deep network in closed form where a theorem of the module docstring applies.

    .. math:: \min_\theta \tfrac12 \lVert f_\theta(X) - Y \rVert_F^2
              + \tfrac{\lambda}{2} \lVert \theta \rVert^2

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs: orthonormal rows, or rank one with coefficients of one sign, or (with batch
        normalisation) n <= d rows of centred rank n - 1.
    Y : array, shape (n,) or (n, K)
        Targets; one-hot rows for ReLU networks on orthonormal rows.
    lam : float
        Canonical regularisation strength, positive.
    depth : int
        Layers of weights, from 2 to 1000.
    neurons : {"relu", "linear"}
        Kind of network.
    batch_norm : bool
        Normalise before the last ReLU; the penalty is then on scales, shifts and the last layer.
    width : int, optional
        Neurons in each hidden layer; default as many as needed.
    tol : float
        Relative gap up to which a value known to be optimal is called so. Rounding of the network's
        own objective is all there is: about 1e-13.

    Returns
    -------
    DeepSolution
        Network, value, proved lower bound and status.

    Raises
    ------
    SolveInputError
        For data to which no theorem applies, naming the condition that fails.

    References
    ----------
    Ergen & Pilanci, "Revealing the structure of deep neural networks via convex duality", ICML
    2021; statements and proofs as in the docstrings of this package.
    """
    X, Y = check_data(X, Y)
    depth, lam = check_depth(depth), check_strength(lam)
    if neurons not in ("relu", "linear"):
        raise SolveInputError(f"neurons is {neurons!r}", where="neurons", allowed="relu, linear")
    if batch_norm and neurons == "linear":
        raise SolveInputError(
            "batch normalisation of linear networks", where="batch_norm", allowed="relu"
        )
    if batch_norm:
        sizes = check_one_hot(Y)
        value = deep_value(depth, lam, class_sizes=sizes, batch_norm=True)
        network = value.network(X, Y, width=width)
        bound, theorem = value.lower_bound, "batch_norm"
    elif neurons == "relu" and (split := rank_one(X)) is not None:
        return _rank_one(X, Y, lam, depth, *split, width, tol)
    else:
        delta = check_orthonormal(X)
        # X X' = I up to delta: the bound of all networks weakens by (1 + delta)^(-1/L)
        effective = lam * (1.0 + delta) ** (-1.0 / depth)
        if neurons == "linear":
            value = deep_value(depth, lam, singular_values=np.linalg.svd(Y, compute_uv=False))
            bound, theorem = linear_bound(value.singular_values, effective, depth), "linear"
        else:
            value = deep_value(depth, lam, class_sizes=check_one_hot(Y))
            bound, theorem = relu_bound(value.singular_values, effective, depth), "whitened"
        network = value.network(X, Y, width=width)
    return _solution(network, X, Y, lam, bound, value.status, theorem, value, tol)


def _rank_one(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    depth: int,
    c: np.ndarray,
    a: np.ndarray,
    width: int | None,
    tol: float,
) -> DeepSolution:
    """Train one path; here |a| = 1, so the length of X is that of c."""
    length = float(np.linalg.norm(c))
    direction = Y.T @ c / length
    sigma = float(np.linalg.norm(direction))
    effective = lam * length ** (-2.0 / depth)
    s = shrink(sigma, effective, depth)
    width = 1 if width is None else width
    if width < 1:
        raise SolveInputError(f"width {width}", where="width", allowed="at least 1")
    root = (s / length) ** (1.0 / depth)
    first = np.zeros((width, X.shape[1]))
    first[0] = root * a
    middle = np.zeros((width, width))
    middle[0, 0] = root
    last = np.zeros((Y.shape[1], width))
    last[:, 0] = root * direction / sigma if sigma > 0 else 0.0
    network = DeepNetwork((first, *[middle.copy() for _ in range(depth - 2)], last))
    # what c does not reach is lost whatever the network: the residual of Y on c
    lost = 0.5 * float(np.sum((Y - np.outer(c, direction) / length) ** 2))
    bound = linear_bound([sigma], effective, depth) + lost
    return _solution(network, X, Y, lam, bound, "optimal", "rank_one", None, tol)


def _solution(
    network: DeepNetwork,
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    bound: float,
    status: str,
    theorem: str,
    value: DeepValue | None,
    tol: float,
) -> DeepSolution:
    objective = network.objective(X, Y, lam)
    # rounding of the objective itself: of a sum of squares as large as |Y|^2
    bound = min(bound, objective)
    missed = objective - bound > tol * max(bound, 1e-300)
    if status == "optimal" and missed:
        status = "inaccurate"
    return DeepSolution(network, objective, bound, status, theorem, value)
